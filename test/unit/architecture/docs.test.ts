import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILTINS } from '../../../lib/config/builtins.ts';
import { COMMAND_NAMES } from '../../../lib/config/command.ts';
import { OPTIONS, variableOf } from '../../../lib/config/options.ts';
import { REASONS } from '../../../lib/model/refusal.ts';
import { contentOf, filesIn, REPOSITORY } from './source-tree.ts';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'samples/README.md',
  ...filesIn('docs', '.md'),
];

/** As GitHub makes anchors of headings. */
function anchorsOf(page: string): readonly string[] {
  return [...contentOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\d\s-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function linksOf(page: string): readonly string[] {
  return [...contentOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));
}

describe('the documentation', () => {
  it('has a paragraph for every reason code, and for nothing else', () => {
    const reasons = contentOf('docs/troubleshooting.md').split('## Reasons')[1] ?? '';
    const paragraphs = [...reasons.matchAll(/^### (\w+)\n\n\S.{40,}/gm)].map(([, reason]) => reason);

    expect(paragraphs).toEqual(Object.keys(REASONS));
  });

  it('has no link that leads nowhere', () => {
    const dead = PAGES.flatMap((page) =>
      linksOf(page).flatMap((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(REPOSITORY, target))) return [`${page}: ${link}`];
        return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${page}: ${link}`];
      }),
    );

    expect(dead).toEqual([]);
  });

  it('names only options, variables and npm scripts that exist', () => {
    const text = [...PAGES, ...filesIn('samples', '.yaml'), ...filesIn('daemonset', '.yaml')].map(contentOf).join('\n');
    const options = Object.values(OPTIONS);
    const scripts = Object.keys((JSON.parse(contentOf('package.json')) as { scripts: object }).scripts);
    const unknown = {
      variables: [...text.matchAll(/\bENI_AGENT_[A-Z_]+[A-Z]\b/g)]
        .map(([name]) => name)
        .filter((name) => !['ENI_AGENT_SERVICE_HOST', 'ENI_AGENT_CONFIG', ...options.map(variableOf)].includes(name)),
      scripts: [...text.matchAll(/npm run ([\w:]+)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !scripts.includes(name)),
      commands: [...text.matchAll(/`eni-agent ([a-z][\w-]*)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !COMMAND_NAMES.some((known) => known === name) && !Object.hasOwn(BUILTINS, name)),
    };

    expect(unknown).toEqual({ variables: [], scripts: [], commands: [] });
  });

  it('names no path of one machine', () => {
    const tracked = ['agent', 'lib', 'sim', 'test', 'docs', 'samples', 'daemonset'].flatMap((folder) =>
      filesIn(folder, '.ts', '.md', '.yaml', '.json', '.sh'),
    );
    const local = [...tracked, 'README.md', 'Dockerfile', 'build.ts'].filter((path) =>
      /(?<![.\w])\/(?:work|home\/\w)\//.test(contentOf(path)),
    );

    expect(local).toEqual([]);
  });
});
