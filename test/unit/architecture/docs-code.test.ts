import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isCommand } from '../../../lib/config/command.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';
import { contentOf, filesIn, REPOSITORY } from './source-tree.ts';

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'samples/README.md', ...filesIn('docs', '.md')];

interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

/** What stands between three backticks, with the indentation of a list item taken off. */
const BLOCKS: readonly Block[] = PAGES.flatMap((page) =>
  [...contentOf(page).matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)].map(([, indent = '', language = '', text = '']) => ({
    page,
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  })),
);
const SHELL = BLOCKS.filter(({ language }) => language === 'sh' || language === 'bash');

/** Lines as a shell sees them: continued ones joined, comments left out. */
function linesOf(text: string): readonly string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim());
}

/** Faults of a command of ours as it stands in a page; words in capitals stand for something. */
function faultsOf(line: string): readonly string[] {
  const [, word, rest = ''] = /(?:^|kubectl |-- |\()eni-agent ([a-z-]+)((?: [^|>&)]+)?)/.exec(line) ?? [];
  if (!isCommand(word)) return [];
  const argv = rest.trim().split(/\s+/).filter(Boolean);
  const resolved = resolveOptions(word, { argv, environment: { NODE_NAME: 'n1' }, readFile: () => '{}' });
  return resolved.ok ? [] : resolved.faults.map(({ subject, message }) => `${line}: ${subject} ${message}`);
}

describe('code in the documentation', () => {
  it('is there', () => {
    expect(SHELL.length).toBeGreaterThan(30);
    expect(BLOCKS.filter(({ language }) => language === 'yaml').length).toBeGreaterThan(3);
  });

  it.each(BLOCKS.filter(({ language }) => ['yaml', 'json'].includes(language)))(
    'is $language that can be read, in $page',
    ({ text }) => {
      expect(parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => message))).toEqual([]);
    },
  );

  it('is shell that bash understands', () => {
    const faults = SHELL.flatMap(({ page, text }) => {
      const { stderr } = spawnSync('bash', ['-n'], { input: text.replaceAll('…', 'x'), encoding: 'utf8' });
      return stderr.includes('bash: line') ? [`${page}: ${stderr}`] : [];
    });

    expect(faults).toEqual([]);
  });

  it('gives our commands options and words that they have', () => {
    const commands = SHELL.flatMap(({ text }) => linesOf(text)).filter((line) => line.includes('eni-agent '));

    expect(commands.length).toBeGreaterThan(15);
    expect(commands.flatMap(faultsOf)).toEqual([]);
    expect(faultsOf('kubectl eni-agent status --wider')).toHaveLength(1);
  });

  it('names files of the repository that exist', () => {
    const named = SHELL.flatMap(({ page, text }) =>
      [...text.matchAll(/(?:^|[\s/=])((?:daemonset|samples|docs|bench)\/[\w./-]+)/gm)].map(([, path = '']) => ({
        page,
        path,
      })),
    );

    expect(named.length).toBeGreaterThan(15);
    // `rollout status daemonset/eni-agent` names an object.
    const files = named.filter(({ path }) => !['daemonset/eni-agent', 'daemonset/aws-node'].includes(path));
    expect(files.filter(({ path }) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });
});

function counted(tags: readonly (string | undefined)[]): Map<string, number> {
  return new Map(
    Array.from(
      Map.groupBy(tags, (tag) => tag ?? ''),
      ([tag, all]) => [tag, all.length],
    ),
  );
}

describe('pictures', () => {
  const folder = 'docs/pictures';
  const pictures = readdirSync(join(REPOSITORY, folder)).filter((name) => /\.(?:svg|png)$/.test(name));
  const text = PAGES.map(contentOf).join('\n');

  it.each(pictures)('%s is shown on a page, with words for who cannot see it', (name) => {
    expect(text).toMatch(new RegExp(`!\\[[^\\]]{15,}\\]\\((?:docs/)?pictures/${name}\\)`));
  });

  it.each(pictures.filter((name) => name.endsWith('.svg')))(
    '%s has a title and colours for a dark background',
    (name) => {
      const svg = contentOf(join(folder, name));

      expect(svg).toMatch(/<title>[^<]{15,}<\/title>/);
      expect(svg).toContain('prefers-color-scheme: dark');
      // Every element that opens closes.
      const open = [...svg.matchAll(/<([a-z]+)\b(?:[^>]*[^/>])?>/g)].map(([, tag]) => tag);
      const closed = [...svg.matchAll(/<\/([a-z]+)>/g)].map(([, tag]) => tag);
      expect(Object.fromEntries(counted(open))).toEqual(Object.fromEntries(counted(closed)));
    },
  );
});
