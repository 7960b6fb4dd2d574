import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PodNamespaces } from '../../lib/net/netns.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { HostNode } from '../../sim/host/host-world.ts';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { waitFor } from '../support/wait-for.ts';
import { Witness } from '../unit/net/witness.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`namespace tests skipped: ${possible}\n`);

const NEVER_MS = 3_600_000;
const ENI = { name: 'tnE1', mac: '0a:00:00:00:01:01' };

let host: RealHost;
let node: HostNode;
let stop: AbortController;
let running: Promise<void> | undefined;
/** In the one folder that `ip netns` and `ip monitor` read, whatever folder is observed. */
const PIPE_OF_ALL = `/run/netns/tn-pipe-${process.pid}`;

beforeEach(async () => {
  if (possible !== true) return;
  host = new RealHost();
  node = await host.createNode('n1', [ENI]);
  stop = new AbortController();
});

afterEach(async () => {
  if (possible !== true) return;
  rmSync(PIPE_OF_ALL, { force: true });
  stop.abort();
  await running;
  await host.close();
});

function open(witness: Witness): PodNamespaces {
  const { onChange, onProblem } = witness;
  const shared = { clock: systemClock(), random: Math.random, resyncMs: NEVER_MS, onChange, onProblem };
  const observer = new PodNamespaces({ ...shared, dir: node.netnsDir });
  running = observer.start(stop.signal);
  return observer;
}

describe.skipIf(possible !== true)('what is not a namespace in the folder of namespaces', () => {
  test('a pipe, a socket, a device and links to nothing, in a circle and to a pipe stop nothing, and each is reported', async () => {
    const at = (name: string) => join(node.netnsDir, name);
    execFileSync('mkfifo', [at('pipe'), PIPE_OF_ALL]);
    execFileSync('mknod', [at('device'), 'c', '5', '0']);
    const socket = createServer().listen(at('socket'));
    symlinkSync('circle', at('circle'));
    symlinkSync('/nowhere', at('nowhere'));
    symlinkSync(PIPE_OF_ALL, at('link-to-pipe'));
    const pod = await host.createPod(node, {
      namespace: 'tenant',
      name: 'a',
      uid: 'uid-a',
      networks: [{ ifName: 'net1', master: ENI.name, ips: ['10.9.0.5/24'] }],
    });
    const witness = new Witness();
    const observer = open(witness);
    const has = (address: string) =>
      observer
        .namespaces()
        .some(({ interfaces }) => interfaces.some(({ addresses }) => addresses.some(({ ip }) => ip === address)));

    await witness.until('a complete view', () => observer.synced && has('10.9.0.5'));
    await host.addAddress(pod, 'net1', '10.9.0.77/32');
    await witness.until('an address of which only the kernel tells', () => has('10.9.0.77'));

    expect(observer.faults()).toEqual([]);
    const told = witness.problems
      .map((problem) => problem.replace(`${node.netnsDir}/`, ''))
      .filter((one) => !one.startsWith('/run'));
    expect(told.map((one) => one.split(', not')[0] ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
      'circle is a link that leads in a circle',
      'device is a device',
      'link-to-pipe is a pipe',
      'nowhere is a link that leads nowhere',
      'pipe is a pipe',
      'socket is a socket',
    ]);
    socket.close();
  });

  test('a folder that cannot be read is the reason why the view is not complete, until it can be', async () => {
    const dir = node.netnsDir;
    rmSync(dir, { recursive: true });
    writeFileSync(dir, '');
    const witness = new Witness();
    const observer = open(witness);
    await waitFor(() => expect(observer.faults()[0]).toContain('cannot be read (ENOTDIR)'));

    expect(observer.synced).toBe(false);
    expect(observer.faults()).toEqual([
      expect.stringContaining(`${dir} cannot be read (ENOTDIR); mount it from the host`),
    ]);
    rmSync(dir);
    execFileSync('mkdir', [dir]);
    await witness.until('a complete view', () => observer.synced && observer.faults().length === 0);
  });
});
