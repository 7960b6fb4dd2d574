import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { contentOf, filesIn } from './source-tree.ts';

const WORKFLOWS = filesIn('.github/workflows', '.yml');

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly defaults?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly id?: string; readonly run?: string }[];
}

const release = parse(contentOf('.github/workflows/release.yml')) as Workflow;

describe('the workflows', () => {
  it('name every action by its commit, with the version beside it', () => {
    const loose = WORKFLOWS.flatMap((path) =>
      [...contentOf(path).matchAll(/uses: (.+)$/gm)]
        .map(([, used = '']) => used)
        .filter((used) => !/^[\w.-]+(?:\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(used))
        .map((used) => `${path}: ${used}`),
    );

    expect(WORKFLOWS).toHaveLength(2);
    expect(loose).toEqual([]);
  });

  it('give a commit one version and a version one commit', () => {
    const pins = WORKFLOWS.flatMap((path) => [...contentOf(path).matchAll(/uses: ([^@]+)@(\w+) # (\S+)/g)]);
    const commits = new Map(pins.map(([, name, commit, version]) => [`${name}@${version}`, commit]));

    expect(pins.filter(([, name, commit, version]) => commits.get(`${name}@${version}`) !== commit)).toEqual([]);
  });

  it('may by default only read, and what a release may write is listed', () => {
    expect(WORKFLOWS.map((path) => (parse(contentOf(path)) as Workflow).permissions)).toEqual(
      WORKFLOWS.map(() => ({ contents: 'read' })),
    );
    expect(
      Object.fromEntries(Object.entries(release.jobs).map(([name, { permissions }]) => [name, permissions])),
    ).toEqual({
      check: undefined,
      image: { contents: 'read', packages: 'write', 'id-token': 'write' },
      artefacts: { contents: 'write', packages: 'write', 'id-token': 'write' },
    });
  });

  it('publish under a name in lower case, whatever the repository is called', async () => {
    const step = release.jobs['check']?.steps.find(({ id }) => id === 'names');
    const folder = mkdtempSync(join(tmpdir(), 'workflow-'));
    const output = join(folder, 'output');
    const environment = { PATH: process.env['PATH'], GITHUB_REPOSITORY: 'Some-Owner/ENI-Agent', GITHUB_OUTPUT: output };
    await execa('bash', ['-eo', 'pipefail', '-c', step?.run ?? ''], { env: environment, extendEnv: false });

    expect(readFileSync(output, 'utf8')).toBe('image=ghcr.io/some-owner/eni-agent\ncharts=ghcr.io/some-owner/charts\n');
    rmSync(folder, { recursive: true });
    const text = contentOf('.github/workflows/release.yml');
    expect(text).not.toMatch(/\$\{\{ github\.repository/);
    expect(release.defaults).toEqual({ run: { shell: 'bash' } });
  });

  it('tell each build which commit it is of', () => {
    const text = contentOf('.github/workflows/release.yml');

    expect(text.match(/^ +COMMIT=\$\{\{ github\.sha \}\}$/gm)).toHaveLength(2);
    expect(contentOf('Dockerfile')).toMatch(/^ARG COMMIT=\nRUN npm run build /m);
    expect(contentOf('build.ts')).toContain("process.env['COMMIT']");
  });

  it('pack all that the program reads beside itself, as the documentation does', () => {
    const read = [...contentOf('agent/ui/serve.ts').matchAll(/\['(page\.\w+)', /g)].map(([, file]) => `dist/${file}`);
    const copies = ['.github/workflows/release.yml', 'docs/commands.md'].map(
      (path) => contentOf(path).match(/cp dist\/eni-agent\.mjs.*/)?.[0] ?? '',
    );

    expect(read).toEqual(['dist/page.html', 'dist/page.js']);
    for (const copy of copies) expect(copy.split(' ')).toEqual(expect.arrayContaining(read));
  });

  it('build releases on bases named by digest, of the releases that the Dockerfile names', () => {
    const dockerfile = contentOf('Dockerfile');
    const bases = ['NODE_IMAGE', 'BASE_IMAGE'].map((name) => {
      const [image, digest] = release.env?.[name]?.split('@') ?? [];
      return { isArgument: dockerfile.includes(`ARG ${name}=${image}\n`), digest };
    });

    expect(bases).toEqual([
      { isArgument: true, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string },
      { isArgument: true, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string },
    ]);
    expect(dockerfile.match(/^FROM .+/gm)).toEqual([
      'FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build',
      'FROM ${NODE_IMAGE} AS node',
      'FROM ${BASE_IMAGE}',
    ]);
  });
});
