import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf, REPOSITORY } from '../architecture/source-tree.ts';

/** A stand-in for /app of the image, with a `node` that prints its arguments, one a line, and exits 7. */
let app = '';

beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'eni-agent-image-'));
  cpSync(join(REPOSITORY, 'daemonset/image'), app, { recursive: true });
  writeFileSync(join(app, 'node'), '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n');
  chmodSync(join(app, 'node'), 0o755);
});

afterAll(() => rmSync(app, { recursive: true, force: true }));

/** Runs the image's entry point as a container runtime would. `/app` in the arguments means the stand-in. */
function container(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const words = args.map((arg) => arg.replaceAll('/app/', `${app}/`));
  const { status, stdout, stderr } = spawnSync(join(app, 'entrypoint.sh'), words, {
    env: { PATH: `${app}:/usr/bin:/bin`, ...variables },
    encoding: 'utf8',
  });
  const program = stdout.split('\n').slice(0, -1);
  return {
    status,
    stderr,
    words: program.slice(program.indexOf(join(app, 'eni-agent.mjs')) + 1),
    started: program.length > 0,
  };
}

describe('the entry point of the image', () => {
  it.each([
    [
      ['node', '--observe=cni'],
      ['node', '--observe=cni'],
    ],
    [
      ['init', '--interface-filter=net 1'],
      ['init', '--interface-filter=net 1'],
    ],
    [['--help'], ['--help']],
    [[], []],
    [['/bin/sh', '-c', '/app/script.sh initContainers'], ['init']],
    [['/bin/sh', '-c', '/app/script.sh sidecar'], ['sidecar']],
    [
      ['sh', '-c', '/app/script.sh sidecar --log-level=debug'],
      ['sidecar', '--log-level=debug'],
    ],
    [
      ['/app/script.sh', 'initContainers', '--timeout=30s'],
      ['init', '--timeout=30s'],
    ],
    [['/bin/sh', '-c', 'eni-agent node'], ['node']],
  ])('args %j start the program with %j and pass its exit code on', (args, words) => {
    expect(container(args)).toMatchObject({ status: 7, words, stderr: '', started: true });
  });

  it.each([[['/bin/sh', '-c', '/app/script.sh']], [['/bin/sh', '-c', '/app/script.sh initContainer']]])(
    'args %j end with the usage and exit code 64',
    (args) => {
      expect(container(args)).toMatchObject({
        status: 64,
        started: false,
        stderr: expect.stringContaining('usage: script.sh initContainers|sidecar') as string,
      });
    },
  );
});

describe("the variables of AWS's Multi-AZ sample", () => {
  it.each([
    [{ RunAsSidecar: 'True', VPCRTTag: 'ALL' }, 'sidecar'],
    [{ RunAsSidecar: 'true' }, 'sidecar'],
    [{ RunAsSidecar: 'False', VPCRTTag: 'BGPSpeaker=yes' }, 'init'],
    [{ SubnetBasedLoopbacks: 'True' }, 'init'],
  ])('%j start `%s`', (variables, command) => {
    expect(container(['/bin/sh', '-c', '/app/script.sh'], variables)).toMatchObject({ status: 7, words: [command] });
  });

  it('do not count where the command is named', () => {
    const { words } = container(['/bin/sh', '-c', '/app/script.sh initContainers'], { RunAsSidecar: 'True' });
    expect(words).toEqual(['init']);
  });
});

describe('the Dockerfile', () => {
  it('copies only what .dockerignore lets through', () => {
    const allowed = contentOf('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...contentOf('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      (match) => match[1]?.split(' ') ?? [],
    );

    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !allowed.includes(path))).toEqual([]);
  });

  it('brings no package manager of JavaScript into the last stage', () => {
    const lastStage =
      contentOf('Dockerfile')
        .split(/^FROM /m)
        .at(-1) ?? '';

    expect(lastStage).not.toMatch(/npm|npx|yarn/);
    expect(lastStage).toContain('iproute2 util-linux');
  });
});
