import { describe, expect, it } from 'vitest';
import { violation } from './import-rules.ts';
import { contentOf, filesIn, importsIn, importsOf } from './source-tree.ts';

const SOURCES = ['agent', 'lib', 'demo', 'sim', 'daemonset'].flatMap((folder) => filesIn(folder, '.ts'));

/** Longest file of the program. Raise it only in the commit that needs it, and say why there. */
const MOST_LINES = 300;

/** What hands a string to a shell: child_process's `exec`, execa's command strings, `shell: true`, `sh -c`. */
const SHELL =
  /\bexec(?:Sync)?\b[^;]*from 'node:child_process'|\bexecaCommand|\bshell:\s*true|['"`](?:ba)?sh['"`],\s*\[\s*['"`]-c/;

describe('the program', () => {
  it('imports only downward', () => {
    const violations = SOURCES.flatMap(importsOf).flatMap((entry) => violation(entry) ?? []);

    expect(violations).toEqual([]);
  });

  it(`has no file longer than ${MOST_LINES} lines`, () => {
    const long = SOURCES.map((path) => ({ path, lines: contentOf(path).split('\n').length - 1 })).filter(
      ({ lines }) => lines > MOST_LINES,
    );

    expect(long).toEqual([]);
  });

  it('runs commands from argument arrays, never through a shell', () => {
    const shells = SOURCES.filter((path) => SHELL.test(contentOf(path)));

    expect(shells).toEqual([]);
  });

  it('has no file whose name says nothing', () => {
    const vague = SOURCES.filter((path) => /(?:^|[/-])(?:utils?|helpers?|common|misc|managers?)(?:[./-]|$)/.test(path));

    expect(vague).toEqual([]);
  });
});

describe('the rules themselves', () => {
  it.each([
    ["import { exec } from 'node:child_process';", true],
    ["import { execFile, execSync } from 'node:child_process';", true],
    ["await execa('sh', ['-c', `ip addr add ${address}`]);", true],
    ["await execa('ip addr', { shell: true });", true],
    ["import { execFile, spawn } from 'node:child_process';", false],
    ["const match = /a/.exec(text); await exec('ip', ['addr']);", false],
  ])('take %s for a shell: %s', (source, expected) => {
    expect(SHELL.test(source)).toBe(expected);
  });

  it.each([
    [
      'lib/plan/addresses/plan.ts',
      'node:fs',
      'lib/plan/addresses/plan.ts imports node:fs, but decisions are pure and synchronous: no clock, no I/O, no SDK can slip in',
    ],
    ['lib/ec2/client.ts', 'lib/kube/client.ts', expect.stringContaining('no other adapter') as string],
    ['lib/net/netns.ts', 'execa', expect.stringContaining('one place each') as string],
    ['lib/net/cni-cache.ts', 'chokidar', expect.stringContaining('one place each') as string],
    ['lib/ec2/client.ts', '@aws-sdk/credential-providers', expect.stringContaining('no other adapter') as string],
    ['lib/kube/watch.ts', '@kubernetes/client-node', expect.stringContaining('only one place runs it') as string],
    ['lib/kube/kube-config.ts', '@kubernetes/client-node', undefined],
    ['lib/model/eni.ts', 'ipaddr.js', expect.stringContaining('depend on nothing') as string],
    ['lib/kube/client.ts', 'sim/kube/server.ts', expect.stringContaining('no other adapter') as string],
    ['agent/node/node.ts', 'sim/ec2/server.ts', expect.stringContaining('the simulation stay') as string],
    ['agent/node/node.ts', '@aws-sdk/client-ec2', expect.stringContaining('libraries') as string],
    ['agent/main.ts', 'demo/demo.ts', expect.stringContaining('stay behind it') as string],
    ['sim/ec2/server.ts', 'lib/runtime/batcher.ts', expect.stringContaining('share its mistakes') as string],
    ['stray/file.ts', 'node:fs', expect.stringContaining('in no place') as string],
    ['demo/demo.ts', 'sim/ec2/server.ts', undefined],
    ['lib/model/ip.ts', 'ipaddr.js', undefined],
  ])('%s importing %s', (from, to, expected) => {
    expect(violation({ from, to })).toEqual(expected);
  });

  it('tell types from what is loaded', () => {
    const source = "import type { V1Pod } from '@kubernetes/client-node';";

    expect(importsIn('lib/kube/pods.ts', source).map(violation)).toEqual([undefined]);
  });

  it('find imports in every form, and none in comments', () => {
    const source = [
      "import { a } from 'node:fs';",
      "import type { B,\n  C } from '../model/ip.ts';",
      "import 'side-effect';",
      "export * from './other.ts';",
      "  const lazy = await import('./lazy.ts');",
      "// import { x } from 'commented';",
      " * import { y } from 'documented';",
      "export const text = 'import z from nowhere';",
    ].join('\n');

    expect(importsIn('lib/plan/plan.ts', source).map(({ to }) => to)).toEqual([
      'node:fs',
      'lib/model/ip.ts',
      'side-effect',
      'lib/plan/other.ts',
      'lib/plan/lazy.ts',
    ]);
  });
});
