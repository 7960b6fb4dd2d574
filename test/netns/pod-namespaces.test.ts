import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HostLinks } from '../../lib/net/host-links.ts';
import { PodNamespaces } from '../../lib/net/netns.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { HostNode, HostPod } from '../../sim/host/host-world.ts';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { summary, Witness } from '../unit/net/witness.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`namespace tests skipped: ${possible}\n`);

/** Long enough that whatever a test sees came from events. */
const NEVER_MS = 3_600_000;
const ENI = { name: 'tnE1', mac: '0a:00:00:00:01:01' };

let host: RealHost;
let node: HostNode;
let stop: AbortController;
let running: Promise<void>[];
let monitors: number[];

beforeEach(async () => {
  if (possible !== true) return;
  host = new RealHost();
  node = await host.createNode('n1', [ENI]);
  stop = new AbortController();
  running = [];
  monitors = [];
});

afterEach(async () => {
  if (possible !== true) return;
  stop.abort();
  await Promise.all(running);
  await host.close();
});

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

function podSpec(name: string) {
  return {
    namespace: 'tenant',
    name,
    uid: `uid-${name}`,
    networks: [{ ifName: 'net1', master: ENI.name, ips: ['10.9.0.5/24'] }],
  };
}

async function observe(options: { clock?: Clock } = {}) {
  const witness = new Witness();
  const { onChange, onProblem } = witness;
  const observer = new PodNamespaces({
    dir: node.netnsDir,
    clock: systemClock(),
    random: Math.random,
    resyncMs: NEVER_MS,
    onChange,
    onProblem,
    onMonitor: (pid) => monitors.push(pid ?? 0),
    ...options,
  });
  running.push(observer.start(stop.signal));
  await witness.until('first sync', () => observer.synced);
  return { observer, witness, has: (pod: HostPod, ip: string) => sinceOf(observer, pod, ip) !== undefined };
}

function sinceOf(observer: PodNamespaces, pod: HostPod, ip: string): number | undefined {
  const view = observer.namespaces().find((namespace) => pod.netns.endsWith(`/${namespace.name}`));
  const net1 = view?.interfaces.find((link) => link.name === 'net1');
  return net1?.addresses.find((address) => address.ip === ip)?.since;
}

describe.skipIf(possible !== true)('PodNamespaces on real namespaces', () => {
  test('tells the addresses, MAC and parent link of a pod that was there before', async () => {
    const pod = await host.createPod(node, podSpec('a'));

    const { observer, has } = await observe();

    expect(has(pod, '10.9.0.5')).toBe(true);
    const net1 = observer.namespaces()[0]?.interfaces.find((link) => link.name === 'net1');
    expect(net1?.mac).toBe(pod.interfaces.find((link) => link.ifName === 'net1')?.mac);
    const links = new HostLinks({
      clock: systemClock(),
      onChange: () => {},
      onProblem: (message) => expect.fail(message),
    });
    await links.start(stop.signal);
    expect(links.macOfIndex(net1?.parentIndex ?? -1)).toBe(ENI.mac);
  });

  test('sees an address that a pod adds to itself within milliseconds, and its end', async () => {
    const pod = await host.createPod(node, podSpec('a'));
    const { witness, has } = await observe();
    const added: number[] = [];
    const removed: number[] = [];
    const commands: number[] = [];

    for (let round = 0; round < 20; round++) {
      const change = async (act: Promise<void>, present: boolean) => {
        const seen = witness.until('the address', () => has(pod, '10.9.0.77') === present).then((ms) => ({ ms }));
        const began = performance.now();
        await act;
        commands.push(performance.now() - began);
        return (await seen).ms;
      };
      added.push(await change(host.addAddress(pod, 'net1', '10.9.0.77/32'), true));
      removed.push(await change(host.deleteAddress(pod, 'net1', '10.9.0.77/32'), false));
    }

    process.stdout.write(`start of "nsenter ip addr add" to view: ${summary(added)}\n`);
    process.stdout.write(`start of "nsenter ip addr del" to view: ${summary(removed)}\n`);
    // The way takes a command more, to read the namespace: on a machine that is busy every command takes its time.
    expect(median(added)).toBeLessThan(40 + 3 * median(commands));
  });

  test('takes an address that is deleted and added again at once for a new one', async () => {
    const pod = await host.createPod(node, podSpec('a'));
    const { observer, witness } = await observe();
    const before = sinceOf(observer, pod, '10.9.0.5') ?? Infinity;

    execFileSync('nsenter', [`--net=${pod.netns}`, 'ip', '-batch', '-'], {
      input: 'addr del 10.9.0.5/24 dev net1\naddr add 10.9.0.5/24 dev net1\n',
    });

    await witness.until('a newer address', () => (sinceOf(observer, pod, '10.9.0.5') ?? 0) > before);
    expect(witness.problems).toEqual([]);
  });

  test('keeps the time of an address over events that change nothing about it', async () => {
    const pod = await host.createPod(node, podSpec('a'));
    const { observer, witness, has } = await observe();
    const before = sinceOf(observer, pod, '10.9.0.5');

    await host.addAddress(pod, 'net1', '10.9.0.6/24');
    await witness.until('the second address', () => has(pod, '10.9.0.6'));

    expect(sinceOf(observer, pod, '10.9.0.5')).toBe(before);
  });

  test('notices namespaces that come and go, and is not confused by an nsid that is used again', async () => {
    const { observer, witness, has } = await observe();
    const first: HostPod = await host.createPod(node, podSpec('a'));
    await witness.until('the first pod', () => has(first, '10.9.0.5'));

    await host.deletePod(first);
    await witness.until('its end', () => observer.namespaces().length === 0);
    const second = await host.createPod(node, podSpec('b'));
    await witness.until('the second pod', () => has(second, '10.9.0.5'));
    await host.addAddress(second, 'net1', '10.9.0.99/32');

    await witness.until('an event by the nsid that was free again', () => has(second, '10.9.0.99'));
    expect(observer.namespaces()).toHaveLength(1);
    expect(witness.problems).toEqual([]);
  });

  test('recovers when the monitor is killed: nothing that happened meanwhile is lost', async () => {
    const pod = await host.createPod(node, podSpec('a'));
    const { witness, has } = await observe();

    process.kill(monitors[0] ?? 0, 'SIGKILL');
    await host.addAddress(pod, 'net1', '10.9.0.88/32');
    const ms = await witness.until('the address added while nobody listened', () => has(pod, '10.9.0.88'));
    await host.addAddress(pod, 'net1', '10.9.0.89/32');
    await witness.until('an event from the new monitor', () => has(pod, '10.9.0.89'));

    process.stdout.write(`monitor killed to recovered: ${ms.toFixed(0)} ms\n`);
    expect(monitors).toHaveLength(2);
    expect(witness.problems[0]).toContain('the address monitor ended');
  });

  test('reads everything again when the kernel had to drop events', async () => {
    const pod = await host.createPod(node, podSpec('a'));
    const silent = await host.createPod(node, podSpec('b'));
    // Without timers there is no re-read after the start that could find the address instead.
    const { witness, has } = await observe({ clock: { ...systemClock(), after: () => () => {} } });
    const flood = 'addr add 10.9.3.1/32 dev net1\naddr del 10.9.3.1/32 dev net1\n'.repeat(6_000);

    process.kill(monitors[0] ?? 0, 'SIGSTOP');
    execFileSync('nsenter', [`--net=${pod.netns}`, 'ip', '-batch', '-'], { input: flood });
    await host.addAddress(silent, 'net1', '10.9.0.44/32');
    process.kill(monitors[0] ?? 0, 'SIGCONT');

    await witness.until('an address whose event was dropped', () => has(silent, '10.9.0.44'));
    expect(monitors).toHaveLength(1);
    expect(witness.problems).toEqual([]);
  });

  test('reads two agents’ pods apart though they share the kernel', async () => {
    const other = await host.createNode('n2', [{ name: 'tnE2', mac: '0a:00:00:00:02:01' }]);
    const here = await host.createPod(node, podSpec('a'));
    const there = await host.createPod(other, {
      ...podSpec('b'),
      networks: [{ ifName: 'net1', master: 'tnE2', ips: ['10.9.0.6/24'] }],
    });

    const { observer, witness, has } = await observe();
    await host.addAddress(there, 'net1', '10.9.0.66/32');
    await host.addAddress(here, 'net1', '10.9.0.77/32');
    await witness.until('our own', () => has(here, '10.9.0.77'));

    expect(observer.namespaces()).toHaveLength(1);
  });

  test('a file that is not a namespace does not keep the view from being complete', async () => {
    writeFileSync(join(node.netnsDir, 'left-behind'), '');
    const pod = await host.createPod(node, podSpec('a'));

    const { witness, has } = await observe();

    expect(has(pod, '10.9.0.5')).toBe(true);
    expect(witness.problems).toEqual([]);
  });

  test('a namespace that cannot have an nsid gets a monitor of its own', async () => {
    const path = join(node.netnsDir, 'unnamed');
    writeFileSync(path, '');
    execFileSync('unshare', [`--net=${path}`, 'ip', 'link', 'set', 'lo', 'up']);
    try {
      const { observer, witness } = await observe();
      expect(witness.problems[0]).toContain('has no nsid; it is monitored by a process of its own');
      const addresses = () =>
        observer.namespaces().flatMap((view) => view.interfaces.flatMap((link) => link.addresses));
      execFileSync('nsenter', [`--net=${path}`, 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
      execFileSync('nsenter', [`--net=${path}`, 'ip', 'addr', 'add', '10.9.0.50/32', 'dev', 'v0']);
      await witness.until('the address', () => addresses().some(({ ip }) => ip === '10.9.0.50'));
    } finally {
      execFileSync('umount', ['-l', path]);
    }
  });

  test('a burst of pods is read completely', async () => {
    const { observer, witness, has } = await observe();
    const pods: HostPod[] = [];
    for (let index = 0; index < 20; index++) pods.push(await host.createPod(node, podSpec(`p${index}`)));

    await witness.until('all pods', () => pods.every((pod) => has(pod, '10.9.0.5')));
    await witness.until('a complete view', () => observer.synced);

    expect(witness.problems).toEqual([]);
  });
});
