import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { contentOf, filesIn, REPOSITORY } from '../../architecture/source-tree.ts';
import { ABOUT, CHART } from '../chart.ts';

/** Where Debian puts the sources of Go libraries. */
const LIBRARIES = '/usr/share/gocode';

export interface HelmAnswer {
  readonly rendered?: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}

/** Why Go's templates cannot be had here, or undefined. */
export function whyNoGo(): string | undefined {
  if (spawnSync('go', ['version']).error !== undefined) return "go is not installed (Debian's golang-go)";
  const missing = ['Masterminds/sprig', 'xeipuuv/gojsonschema', 'ghodss/yaml'].filter(
    (library) => !existsSync(join(LIBRARIES, 'src/github.com', library)),
  );
  return missing.length === 0 ? undefined : `${missing.join(', ')}: not among Debian's Go libraries here`;
}

/** Builds the program beside this file; the answer has its path. @throws {Error} with what the compiler says */
export function buildEngine(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'chart-')), 'engine');
  run('go', ['build', '-o', program, '.'], '');
  return program;
}

/** What Helm would make of the chart with each of these values, merged already. */
export function helmAnswers(program: string, values: readonly object[], namespace: string): readonly HelmAnswer[] {
  const named = (files: readonly string[], name: (path: string) => string) =>
    Object.fromEntries(files.map((path) => [name(path), contentOf(path)]));
  const request = {
    templates: named(filesIn(`${CHART}/templates`, '.yaml', '.tpl', '.txt'), (path) => basename(path)),
    files: named(filesIn(`${CHART}/files`, ''), (path) => path.slice(CHART.length + 1)),
    schema: contentOf(`${CHART}/values.schema.json`),
    version: ABOUT['appVersion'],
    renders: values.map((each) => ({ values: each, namespace })),
  };
  return JSON.parse(run(program, [], JSON.stringify(request))) as readonly HelmAnswer[];
}

function run(command: string, args: readonly string[], input: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    cwd: join(REPOSITORY, 'test/unit/daemonset/helm'),
    env: { ...process.env, GO111MODULE: 'off', GOPATH: LIBRARIES, GOFLAGS: '' },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}
