import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderResults, type SceneResult } from '../../agent/demo/result.ts';
import { renderTable } from '../../agent/demo/table.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { disagreements } from '../../sim/world/agreement.ts';
import { floatingIpDefinition } from '../../sim/world/floating-ips.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { until } from '../../sim/world/until.ts';
import { openWorld, type World } from '../../sim/world/world.ts';
import { worldIds } from '../../sim/world/world-ids.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';

const entry = join(import.meta.dirname, '../../agent/main.ts');
const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function worldWithoutAgents(): Promise<World> {
  const world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry });
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
    world.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni.id, privateIpAddresses: ['10.20.1.240'] });

    const denied = new Set([`web ${address}`]);
    expect(disagreements(world, { denied, foreign: new Map([['10.20.1.240', eni.id]]) })).toEqual([]);
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
    world.floatingIps.create({ name: 'ingress', addresses: ['10.20.1.200'] });
    expect(disagreements(world)).toEqual(['10.20.1.200 should be on nobody’s ENI yet, EC2 has it nowhere']);

    const resource = world.kube.registry.find('eni-agent.io/v1alpha1', 'floatingips')!;
    const patch = { status: { node: 'node-a', networkInterfaceID: eni!.id } };
    world.kube.api.patch(resource, 'status', undefined, 'ingress', { format: 'merge', patch });
    expect(disagreements(world)).toEqual([`10.20.1.200 should be on ${eni!.id}, EC2 has it nowhere`]);
    world.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni!.id, privateIpAddresses: ['10.20.1.200'] });
    expect(disagreements(world)).toEqual([]);
  });

  it('is about the resource that users install', () => {
    const { metadata, spec } = parse(contentOf('daemonset/crds/floatingip.yaml'));
    const [{ name, served, storage, subresources }] = spec.versions;
    expect(floatingIpDefinition).toMatchObject({
      metadata: { name: metadata.name },
      spec: { group: spec.group, scope: spec.scope, names: spec.names },
    });
    expect(floatingIpDefinition.spec.versions).toEqual([{ name, served, storage, subresources }]);
  });
});

describe('a stand-in host', () => {
  it('has no addresses on its links after a loss of power', async () => {
    const host = new StandInHost();
    const node = await host.createNode('n1', [{ name: 'eni1', mac: '0a:00:00:00:00:01' }]);
    const ip = (verb: string) =>
      promisify(execFile)('ip', ['addr', verb, '10.20.1.200/32', 'dev', 'eni1'], { env: host.environment });
    const outcomes = await Promise.allSettled([ip('add'), ip('add')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await host.addressesOn('eni1')).toEqual(['10.20.1.200']);
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

describe('the table of results', () => {
  it('is aligned, numbers to the right', () => {
    const rows = [
      { name: 'a', count: 5 },
      { name: 'longer', count: 110 },
    ];
    const columns = [
      { head: 'Name', cell: ({ name }: { name: string }) => name },
      { head: 'n', cell: ({ count }: { count: number }) => String(count), align: 'right' as const },
    ];
    expect(renderTable(columns, rows)).toBe(['Name      n', '──────  ───', 'a         5', 'longer  110'].join('\n'));
  });

  it('says WRONG for a scene with a fault and counts calls by action', () => {
    const call = { at: 0, requestId: '', params: {}, accessKey: '', userAgent: '', attempt: 1, outcome: 'ok' };
    const result: SceneResult = {
      scene: { title: 'Pods start', measures: 'file → call', play: async () => '' },
      happened: 'something',
      latenciesMs: [1, 9, 5],
      calls: ['AssignPrivateIpAddresses', 'AssignIpv6Addresses', 'DescribeSubnets'].map((action) => ({
        ...call,
        action,
      })),
      faults: ['a fault'],
    };
    const text = renderResults([result]);
    expect(text).toMatch(/1 Pods start +something +WRONG/);
    expect(text).toMatch(/1 Pods start +5 ms +9 ms +1 +1 +0 +0 +1/);
  });
});
