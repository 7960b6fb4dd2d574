import { execa } from 'execa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { COLOURED, PLAIN } from '../../agent/text/paint.ts';
import { type Holder, type MapView, renderMap } from '../../demo/map.ts';
import { mapViewOf } from '../../demo/map-view.ts';
import { renderResults, type SceneResult } from '../../demo/result.ts';
import { Screen } from '../../demo/screen.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { disagreements } from '../../sim/world/agreement.ts';
import { eipDefinition } from '../../sim/world/eips.ts';
import { floatingIpDefinition } from '../../sim/world/floating-ips.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { until } from '../../sim/world/until.ts';
import { openWorld, type World } from '../../sim/world/world.ts';
import { worldIds } from '../../sim/world/world-ids.ts';
import { PROGRAM } from '../support/program.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';

const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function worldWithoutAgents(): Promise<World> {
  const world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry: PROGRAM });
  worlds.push(world);
  return world;
}

/** One pod on node-b, whose two ENIs are in one subnet, on the second of them. */
async function startPod(world: World) {
  const node = world.nodes[1]!;
  const eni = node.enis[1]!;
  const address = world.addresses.take(eni.subnet, 4);
  const pod = await world.pods.start({ name: 'web', node, networks: [{ ifName: 'net1', eni, ips: [address] }] });
  return { pod, node, eni, address };
}

describe('disagreements', () => {
  it('names an address that EC2 lacks, one on the wrong ENI and one that nobody uses', async () => {
    const world = await worldWithoutAgents();
    const { pod, node, eni, address } = await startPod(world);
    const [wrong] = node.enis;
    const assign = (networkInterfaceId: string) =>
      world.cloud.assignPrivateIpAddresses({
        networkInterfaceId,
        privateIpAddresses: [address],
        allowReassignment: true,
      });

    expect(disagreements(world)).toEqual([`${address} should be on ${eni.id}, EC2 has it nowhere`]);
    assign(wrong!.id);
    expect(disagreements(world)).toEqual([`${address} should be on ${eni.id}, EC2 has it on ${wrong!.id}`]);
    assign(eni.id);
    expect(disagreements(world)).toEqual([]);
    await world.pods.end(pod);
    expect(disagreements(world)).toEqual([`${address} is on ${eni.id} and nobody uses it`]);
  });

  it('leaves alone what belongs to others and what a pod must not get', async () => {
    const world = await worldWithoutAgents();
    const { eni, address } = await startPod(world);
    world.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni.id, privateIpAddresses: ['10.10.1.240'] });

    const denied = new Set([`web ${address}`]);
    expect(disagreements(world, { denied, foreign: new Map([['10.10.1.240', eni.id]]) })).toEqual([]);
  });
});

describe('disagreements about a FloatingIP', () => {
  it('names an address that EC2 does not have on the ENI that the object names', async () => {
    const world = await worldWithoutAgents();
    const [
      {
        enis: [eni],
      } = { enis: [] },
    ] = world.nodes;
    world.floatingIps.install();
    world.floatingIps.create({ name: 'ingress', addresses: ['10.10.1.200'] });
    expect(disagreements(world)).toEqual(['10.10.1.200 should be on nobody’s ENI yet, EC2 has it nowhere']);

    const resource = world.kube.registry.find('eni-agent.io/v1alpha1', 'floatingips')!;
    const patch = { status: { node: 'node-a', networkInterfaceID: eni!.id } };
    world.kube.api.patch(resource, 'status', undefined, 'ingress', { format: 'merge', patch });
    expect(disagreements(world)).toEqual([`10.10.1.200 should be on ${eni!.id}, EC2 has it nowhere`]);
    world.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni!.id, privateIpAddresses: ['10.10.1.200'] });
    expect(disagreements(world)).toEqual([]);
  });

  it('is about the resource that users install', () => {
    const { metadata, spec } = parse(contentOf('daemonset/crds/floatingip.yaml'));
    const [{ name, served, storage, subresources, additionalPrinterColumns }] = spec.versions;
    expect(floatingIpDefinition).toMatchObject({
      metadata: { name: metadata.name },
      spec: { group: spec.group, scope: spec.scope, names: spec.names },
    });
    expect(floatingIpDefinition.spec.versions).toEqual([
      { name, served, storage, subresources, additionalPrinterColumns },
    ]);
  });
});

describe('the Eip of the demo', () => {
  it('is the resource that users install, without schema', () => {
    const { metadata, spec } = parse(contentOf('daemonset/crds/eips.materialize.cloud.yaml'));

    expect(eipDefinition).toMatchObject({
      metadata: { name: metadata.name },
      spec: { group: spec.group, scope: spec.scope, names: spec.names },
    });
    expect(eipDefinition.spec.versions.map(({ name, storage }) => [name, storage])).toEqual(
      spec.versions.map(({ name, storage }: { name: string; storage: boolean }) => [name, storage]),
    );
  });
});

describe('a stand-in host', () => {
  it('has no addresses on its links after a loss of power', async () => {
    const host = new StandInHost();
    const node = await host.createNode('n1', [{ name: 'eni1', mac: '0a:00:00:00:00:01' }]);
    const ip = (verb: string) =>
      execa('ip', ['addr', verb, '10.10.1.200/32', 'dev', 'eni1'], { env: host.environment, extendEnv: false });
    const outcomes = await Promise.allSettled([ip('add'), ip('add')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await host.addressesOn('eni1')).toEqual(['10.10.1.200']);
    await host.loseAddresses(node);
    expect(await host.addressesOn('eni1')).toEqual([]);
    await expect(ip('del')).rejects.toThrow('Cannot assign requested address');
    await host.close();
  });
});

describe('worldIds', () => {
  it('gives worlds of two processes different MACs', () => {
    const [one, other] = [worldIds(29_562), worldIds(4_194_303)];
    expect([one.nextMac(), one.nextMac(), other.nextMac()]).toEqual([
      '0a:00:73:7a:00:01',
      '0a:00:73:7a:00:02',
      '0a:3f:ff:ff:00:01',
    ]);
  });
});

describe('World', () => {
  it('runs a real agent that serves a pod, survives a kill -9 and leaves nothing behind', async () => {
    const world = await worldWithoutAgents();
    const { signal } = new AbortController();
    const { agent } = world.nodes[1]!;
    await agent.start(signal);
    await startPod(world);
    await until('the pod served', () => disagreements(world).length === 0, { signal });

    await agent.end('SIGKILL');
    expect(agent.running).toBe(false);
    const writes = world.ec2.endpoint.mutations().length;
    await agent.start(signal);
    expect(world.ec2.endpoint.mutations()).toHaveLength(writes);

    await world.close();
    expect(agent.running).toBe(false);
    expect(agent.crashes).toEqual([]);
  });
});

const call = { at: 0, requestId: '', params: {}, accessKey: '', userAgent: '', attempt: 1, outcome: 'ok' };
const RESULT: SceneResult = {
  scene: { title: 'A service address outlives its node', measures: 'file → call', play: async () => '' },
  happened: 'something that takes many words to tell, as scenes with a node that dies and one that is cordoned do',
  latenciesMs: [1, 9, 54_321],
  calls: ['AssignPrivateIpAddresses', 'AssignIpv6Addresses', 'AllocateAddress', 'DescribeSubnets'].map((action) => ({
    ...call,
    action,
  })),
  faults: ['a fault'],
};

function widest(lines: readonly string[]): number {
  return Math.max(...lines.map((line) => line.length));
}

describe('the page of results', () => {
  it('says WRONG for a scene with a fault and counts calls by action', () => {
    const text = renderResults([RESULT, { ...RESULT, faults: [] }], PLAIN).join('\n');

    expect(text).toContain('WRONG  1 A service address outlives its node');
    expect(text).toContain('ok     2 A service address outlives its node');
    expect(text).toMatch(/ 1 A service address [^\n]* 9 ms +54321 ms +2 +0 +1 +1$/m);
  });

  it('fits 80 columns, also with eleven scenes and long words', () => {
    const lines = renderResults(
      Array.from({ length: 11 }, () => RESULT),
      PLAIN,
    );

    expect(widest(lines)).toBeLessThanOrEqual(80);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(
      'as scenes with a node that dies and one that is cordoned do',
    );
  });
});

describe('the map', () => {
  const holder = (name: string, kind: Holder['kind'] = 'pod'): Holder => ({
    name,
    kind,
    addresses: ['10.10.1.20'],
    publicIps: [],
  });
  const eni = { subnet: 'red', used: 28, limit: 30, holders: ['a', 'b', 'c', 'd', 'e'].map((name) => holder(name)) };
  const view: MapView = {
    controller: 'controller: leads',
    nodes: [
      { name: 'node-a', state: 'ready', enis: [eni] },
      { name: 'node-b', state: 'cordoned', enis: [{ ...eni, used: 2, holders: [holder('ingress', 'floating')] }] },
      {
        name: 'node-c',
        state: 'down',
        enis: [{ ...eni, holders: [{ ...holder('a-pod-with-a-very-long-name'), publicIps: ['198.18.0.1'] }] }],
      },
    ],
  };

  it('shows nodes side by side, ENIs as bars, who uses their addresses, and what is left out', () => {
    expect(renderMap(view, PLAIN)).toEqual([
      '   node-a                    node-b (cordoned)         node-c (down)',
      '   red   ███████░ 28/30      red   █░░░░░░░  2/30      red   ███████░ 28/30',
      '     a .20                    ◆ingress .20               a-pod-with-a-very-lon…',
      '     b .20                                               ↳ 198.18.0.1',
      '     c .20',
      '     and 2 more',
      '   controller: leads',
    ]);
  });

  it('fits 80 columns, and colours change nothing but colours', () => {
    const coloured = renderMap(view, COLOURED);
    // eslint-disable-next-line no-control-regex -- the escape sequences are what is taken away
    const bare = coloured.map((line) => line.replaceAll(/\u001B\[\d+m/g, '').trimEnd());

    expect(coloured).not.toEqual(bare);
    expect(bare).toEqual(renderMap(view, PLAIN));
    expect(widest(bare)).toBeLessThanOrEqual(80);
  });

  it('shows EC2 and the pods of a world', async () => {
    const world = await worldWithoutAgents();
    const { eni: used, address } = await startPod(world);
    world.cloud.assignPrivateIpAddresses({ networkInterfaceId: used.id, privateIpAddresses: [address] });
    const [, node] = mapViewOf(world, '').nodes;

    expect(node).toMatchObject({ name: 'node-b', state: 'down' });
    expect(node?.enis[1]).toEqual({
      subnet: 'red',
      used: 2,
      limit: 30,
      holders: [{ name: 'web', kind: 'pod', addresses: [address], publicIps: [] }],
    });
  });
});

describe('the screen', () => {
  const written = (isTTY: boolean) => {
    const chunks: string[] = [];
    const output = { isTTY, write: (text: string) => chunks.push(text) };
    return { chunks, screen: new Screen(output, PLAIN, () => 0) };
  };

  it('wraps at 80 columns and keeps the indentation', () => {
    const { chunks, screen } = written(false);
    screen.print(`   ${'word '.repeat(30).trim()}`);

    expect(chunks).toHaveLength(2);
    expect(chunks.every((line) => line.startsWith('   word') && line.trimEnd().length <= 80)).toBe(true);
  });

  it('writes nothing that moves where nobody would see it move', () => {
    vi.useFakeTimers();
    const { chunks, screen } = written(false);
    screen.wait('something');
    vi.advanceTimersByTime(1_000);
    screen.print('done');
    vi.useRealTimers();

    expect(chunks).toEqual(['done\n']);
  });

  it('moves on a terminal while it waits, and takes that line away before the next', () => {
    vi.useFakeTimers();
    const { chunks, screen } = written(true);
    screen.wait('something');
    vi.advanceTimersByTime(240);
    screen.print('done');
    screen.close();
    vi.useRealTimers();

    expect(chunks.join('')).toMatch(/⠙ something {2}0\.0 s.*⠹ something/s);
    expect(chunks.slice(-3).join('')).toContain('\r\u001B[2Kdone\n');
  });
});
