import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderResults, type SceneResult } from '../../agent/demo/result.ts';
import { renderTable } from '../../agent/demo/table.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { disagreements } from '../../sim/world/agreement.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { until } from '../../sim/world/until.ts';
import { openWorld, type World } from '../../sim/world/world.ts';

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
