import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { CniCache } from '../../../lib/net/cni-cache.ts';
import { addAddress, deleteAddress } from '../../../lib/net/host-address.ts';
import { HostLinks } from '../../../lib/net/host-links.ts';
import { PodNamespaces } from '../../../lib/net/netns.ts';
import { OwnAddresses } from '../../../lib/net/own-addresses.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import type { HostNode } from '../../../sim/host/host-world.ts';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Witness } from './witness.ts';

const ENI = { name: 'eth1', mac: '0a:00:00:00:01:01' };
const POD = {
  namespace: 'tenant',
  name: 'a',
  uid: 'uid-a',
  networks: [{ ifName: 'net1', master: ENI.name, ips: ['10.9.0.5/24', '2001:db8::5/64'] }],
};

const clock = systemClock();
let host: StandInHost;
let node: HostNode;
let stop: AbortController;
let running: Promise<void>[];
let witness: Witness;

beforeEach(async () => {
  host = new StandInHost();
  useEnvironment(host.environment);
  node = await host.createNode('n1', [ENI]);
  stop = new AbortController();
  running = [];
  witness = new Witness();
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await host.close();
  vi.unstubAllEnvs();
});

/** For this test only: files share the process and its environment. */
function useEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}

function started<T extends { start(signal: AbortSignal): Promise<void> }>(observer: T): T {
  running.push(observer.start(stop.signal));
  return observer;
}

function ports() {
  return { clock, random: Math.random, resyncMs: 3_600_000, onChange: witness.onChange, onProblem: witness.onProblem };
}

test('the observers see a pod of the stand-in as they would see a real one', async () => {
  const namespaces = started(new PodNamespaces({ ...ports(), dir: node.netnsDir }));
  const cache = started(new CniCache({ ...ports(), folders: [node.cacheDir] }));
  const links = started(new HostLinks(ports()));
  const addresses = () =>
    namespaces
      .namespaces()
      .flatMap(({ interfaces }) => interfaces.flatMap((link) => link.addresses.map((seen) => seen.ip)));

  const pod = await host.createPod(node, POD);
  await witness.until('the cache', () => cache.attachments().length === 2);
  await witness.until('the addresses', () => addresses().length === 2 && namespaces.synced && links.synced);

  const net1 = namespaces.namespaces()[0]?.interfaces.find(({ name }) => name === 'net1');
  expect([net1?.mac, links.macOfIndex(net1?.parentIndex ?? -1)]).toEqual([ENI.mac, ENI.mac]);
  expect(cache.attachments().find(({ ifName }) => ifName === 'net1')).toMatchObject({
    netns: pod.netns,
    master: ENI.name,
    addresses: ['10.9.0.5', '2001:db8::5'],
  });

  await host.addAddress(pod, 'net1', '10.9.0.77/32');
  await witness.until('a floating address', () => addresses().includes(ip('10.9.0.77')));
  await host.deleteAddress(pod, 'net1', '10.9.0.77/32');
  await witness.until('its end', () => !addresses().includes(ip('10.9.0.77')));
  await host.deletePod(pod);
  await witness.until('the end of the pod', () => namespaces.namespaces().length + cache.attachments().length === 0);
  expect(witness.problems).toEqual([]);
});

test('a namespace that is still being made hides only what may be in it, and says since when', async () => {
  const namespaces = started(new PodNamespaces({ ...ports(), dir: node.netnsDir }));
  expect([namespaces.scanned, namespaces.hiddenSince]).toEqual([false, undefined]);
  await host.createPod(node, POD);
  await witness.until('the pod', () => namespaces.synced && namespaces.namespaces().length === 1);
  expect([namespaces.scanned, namespaces.hiddenSince]).toEqual([true, undefined]);

  // The runtime makes the file first and binds a namespace there later.
  const before = clock.now();
  writeFileSync(join(node.netnsDir, 'cni-unbound'), '');
  await waitFor(() => expect(namespaces.synced).toBe(false));

  expect(namespaces.scanned).toBe(true);
  expect(namespaces.hiddenSince).toBeGreaterThanOrEqual(before);
  expect(namespaces.namespaces()).toHaveLength(1);
});

test('an nsid that was freed is given to the next pod, whose events are told apart', async () => {
  const namespaces = started(new PodNamespaces({ ...ports(), dir: node.netnsDir }));
  await host.deletePod(await host.createPod(node, POD));
  const second = await host.createPod(node, { ...POD, name: 'b' });
  await witness.until('the second pod', () => namespaces.synced && namespaces.namespaces().length === 1);

  await host.addAddress(second, 'net1', '10.9.0.99/32');

  const net1 = () => namespaces.namespaces()[0]?.interfaces.find(({ name }) => name === 'net1');
  await witness.until('the event', () => net1()?.addresses.some(({ ip: address }) => address === '10.9.0.99') === true);
  expect(witness.problems).toEqual([]);
});

test('adding and deleting a host address twice is fine, and our own namespace shows it', async () => {
  const own = started(new OwnAddresses(ports()));
  const held = () => own.interfaces().some(({ addresses }) => addresses.some((seen) => seen.ip === '10.0.0.201'));
  const address = ip('10.0.0.201');

  await addAddress(ENI.name, address, 24, stop.signal);
  await addAddress(ENI.name, address, 24, stop.signal);
  await witness.until('the address', held);
  await deleteAddress(ENI.name, address, 24, stop.signal);
  await deleteAddress(ENI.name, address, 24, stop.signal);
  await witness.until('its end', () => !held());

  await expect(addAddress('nope', address, 24, stop.signal)).rejects.toThrow('Cannot find device "nope"');
});

test('a process in a pod sees the pod’s addresses as its own', async () => {
  const pod = await host.createPod(node, POD);
  useEnvironment(host.environmentIn(pod));
  const own = started(new OwnAddresses(ports()));
  await witness.until('the first read', () => own.synced);

  expect(own.interfaces().map(({ name, addresses }) => [name, addresses.map((seen) => seen.ip)])).toEqual([
    ['eth0', []],
    ['net1', ['10.9.0.5', '2001:db8::5']],
  ]);
});

test('HostLinks looks again for a link that it does not know, but not at every question', async () => {
  let now = 1_000_000;
  const links = new HostLinks({ ...ports(), clock: { ...clock, now: () => now } });
  await links.start(stop.signal);
  const changes = witness.changes;
  await host.createNode('n2', [{ name: 'eth9', mac: '0a:00:00:00:09:09' }]);

  expect(links.macOfName('eth9')).toBeUndefined();
  now += 2_000;
  expect(links.macOfName('eth9')).toBeUndefined();
  await witness.until('a new list', () => witness.changes > changes);

  expect(links.macOfName('eth9')).toBe('0a:00:00:00:09:09');
  expect(links.nameOfMac('0a:00:00:00:09:09')).toBe('eth9');
});
