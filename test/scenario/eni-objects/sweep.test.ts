import { describe, expect, it, onTestFinished } from 'vitest';
import { runSweep } from '../../../agent/sweep/sweep.ts';
import { objectDialects } from '../../../lib/dialect/handover-adapter.ts';
import { podDialects } from '../../../lib/dialect/index.ts';
import type { OwnerReads } from '../../../lib/kube/owner-reads.ts';
import { NODE_TAG } from '../../../lib/model/elastic-ips/plan.ts';
import { eniTags } from '../../../lib/model/eni-objects/eni-object.ts';
import { floatingIpTags } from '../../../lib/model/floating-ips/tags.ts';
import type { Pod } from '../../../lib/model/pod.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';
import { eniOf, Region } from '../elastic-ips/region.ts';
import { FakeInterfaces } from './fake-interfaces.ts';

const MINUTE = 60_000;
const POD_TAGS = {
  'eni-agent.io/cluster': 'c',
  'eni-agent.io/claim': 'eth0',
  'eni-agent.io/source': 'auto',
  [NODE_TAG]: 'gone-node',
};

function rig(mode: 'on' | 'dry-run' = 'on') {
  const clock = new VirtualClock();
  const region = new Region(clock);
  region.addNode('a');
  const interfaces = new FakeInterfaces(region.cloud, clock);
  const pods = new Map<string, Pod>();
  const uids = new Set<string>();
  const counts: number[] = [];
  const rateLimit = new RateLimit({ clock, random: seededRandom(2) });
  const broken = { reads: false };
  const hooks = { listed: () => {} };
  const guarded = <T>(answer: T): Promise<T> =>
    broken.reads ? Promise.reject(new Error('503')) : Promise.resolve(answer);
  const reads: OwnerReads = {
    pod: (namespace, name) => guarded(pods.get(`${namespace}/${name}`) ?? null),
    pods: () => guarded([...pods.values()]),
    nodeNames: () => {
      hooks.listed();
      return guarded(new Set(['node-a']));
    },
    uids: () => guarded(uids),
    ending: (namespace) => guarded(namespace === 'ending' ? 'namespace' : 'object'),
    interfaceUsers: () => guarded(new Map()),
  };
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const start = () =>
    void runSweep(
      {
        process: { clock, random: seededRandom(1), log: silentLogger, callSignal: stop.signal, mayAct: () => true },
        ec2: { elasticIps: region.api('controller'), interfaces, rateLimit },
        reads,
        adapters: { pods: podDialects, objects: objectDialects, context: { clusterName: 'c', nodeName: '' } },
        mode,
        orphans: (count) => counts.push(count),
      },
      stop.signal,
    );
  const allocate = (tags: Record<string, string>) => {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    return region.cloud.allocateAddress({ tagSpecifications: [{ resourceType: 'elastic-ip', tags: list }] })
      .allocationId;
  };
  return {
    clock,
    rateLimit,
    region,
    interfaces,
    pods,
    uids,
    counts,
    broken,
    hooks,
    start,
    allocate,
    bind: (allocationId: string) => {
      const [address] = region.cloud.state.requireInterfaceNow(eniOf('a')).addresses;
      region.cloud.associateAddress({
        allocationId,
        networkInterfaceId: eniOf('a'),
        privateIpAddress: address?.ip,
        allowReassociation: false,
      });
    },
    makeEni: (uid: string, instanceId?: string) =>
      region.cloud.addInterface({
        subnetId: 'subnet-1',
        tags: eniTags({ namespace: 'ns', name: 'e', uid }, 'c'),
        ...(instanceId && { instanceId }),
      }).id,
    left: () => region.cloud.describeAddresses().addressesSet.map(({ allocationId }) => allocationId),
  };
}

function pod(name: string): Pod {
  const annotations = { 'eni-agent.io/eip': 'eth0=auto' };
  return {
    namespace: 'ns',
    name,
    uid: name,
    nodeName: 'node-a',
    phase: 'Running',
    podIps: [],
    labels: {},
    annotations,
    conditions: [],
    finalizers: [],
  } as unknown as Pod;
}

describe('the sweep', () => {
  it('gives back what is left of pods, EIP objects and ENI objects that are gone, and nothing else', async () => {
    const { clock, region, interfaces, pods, uids, start, allocate, bind, makeEni, left } = rig();
    const orphan = allocate({ ...POD_TAGS, 'eni-agent.io/pod': 'ns/gone' });
    bind(orphan);
    allocate({ 'eip.materialize.cloud/eip_uid': 'gone', 'eip.materialize.cloud/cluster_name': 'c' });
    makeEni('gone', 'i-a');
    const kept = [
      allocate({ ...POD_TAGS, 'eni-agent.io/pod': 'ns/web' }),
      allocate({ 'eip.materialize.cloud/eip_uid': 'there', 'eip.materialize.cloud/cluster_name': 'c' }),
      allocate({ 'eip.materialize.cloud/eip_uid': 'gone', 'eip.materialize.cloud/cluster_name': 'another' }),
      allocate({ Name: "somebody's" }),
    ];
    pods.set('ns/web', pod('web'));
    uids.add('there');
    const there = makeEni('there', 'i-a');
    const before = region.cloud.state.allInterfaces(clock.now()).length;
    start();

    await clock.advance(9 * MINUTE);
    expect(left()).toHaveLength(6);
    await clock.advance(10 * MINUTE);

    expect(left().toSorted()).toEqual(kept.toSorted());
    expect(region.cloud.state.allInterfaces(clock.now())).toHaveLength(before - 1);
    expect(region.cloud.state.requireInterfaceNow(there).attachment?.instanceId).toBe('i-a');
    expect(interfaces.writes()).toEqual(['DetachNetworkInterface', 'DeleteNetworkInterface']);
  });

  it('only lists them in a dry run', async () => {
    const { clock, counts, start, allocate, makeEni, left } = rig('dry-run');
    allocate({ ...POD_TAGS, 'eni-agent.io/pod': 'ns/gone' });
    makeEni('gone');
    start();

    await clock.advance(300 * MINUTE);

    expect(left()).toHaveLength(1);
    expect(counts.length).toBeGreaterThan(5);
    expect(new Set(counts)).toEqual(new Set([2]));
  });

  it('concludes nothing from a silent API server, and starts the cool-down again after it', async () => {
    const { clock, broken, start, allocate, left } = rig();
    allocate({ ...POD_TAGS, 'eni-agent.io/pod': 'ns/gone' });
    broken.reads = true;
    start();
    await clock.advance(180 * MINUTE);
    expect(left()).toHaveLength(1);

    broken.reads = false;
    await clock.advance(60 * MINUTE);
    expect(left()).toHaveLength(0);
  });

  it('lets go when the pod is back under its name at the very last moment, also after a wait for EC2', async () => {
    const { clock, pods, start, allocate, left, rateLimit, hooks } = rig();
    const mine = allocate({ ...POD_TAGS, 'eni-agent.io/pod': 'ns/web' });
    // The lists of each sweep miss the pod, EC2 throttles then, and the pod is back before the call may go.
    hooks.listed = () => {
      for (let refusals = 0; refusals < 6; refusals += 1) rateLimit.refused();
      clock.after(2_000, () => pods.set('ns/web', pod('web')));
      clock.after(2 * MINUTE, () => pods.clear());
    };
    start();

    await clock.advance(120 * MINUTE);

    expect(left()).toEqual([mine]);
  });

  it('leaves alone what has another owner by the time of the call', async () => {
    const { clock, start, allocate, left, region } = rig();
    const mine = allocate({ 'eip.materialize.cloud/eip_uid': 'gone', 'eip.materialize.cloud/cluster_name': 'c' });
    let describes = 0;
    region.done = ({ action }) => {
      if (action !== 'DescribeAddresses' || (describes += 1) !== 2) return;
      region.cloud.createTags({
        resources: [mine],
        tags: [{ key: 'eni-agent.io/retained-for', value: 'Eip/ns/web' }],
      });
    };
    start();
    await clock.advance(120 * MINUTE);

    expect(describes).toBeGreaterThan(2);
    expect(left()).toEqual([mine]);
  });

  it('gives back what FloatingIPs left, releases only what was allocated for them, and keeps what was retained', async () => {
    const { clock, uids, start, allocate, left, region } = rig();
    const tags = (uid: string, source: string) =>
      floatingIpTags({ clusterName: 'c', name: 'vip', uid }, source) as Record<string, string>;
    const [lives, borrowed] = [allocate(tags('there', 'auto')), allocate(tags('gone', 'tag:pool'))];
    allocate(tags('gone', 'auto'));
    const retained = allocate({
      'eip.materialize.cloud/eip_uid': 'gone',
      'eip.materialize.cloud/cluster_name': 'c',
      'eni-agent.io/retained-for': 'Eip/ns/web',
    });
    const ending = allocate({
      'eip.materialize.cloud/eip_uid': 'gone',
      'eip.materialize.cloud/cluster_name': 'c',
      'eip.materialize.cloud/namespace': 'ending',
    });
    uids.add('there');
    start();
    await clock.advance(120 * MINUTE);

    expect(left().toSorted()).toEqual([lives, borrowed, retained, ending].toSorted());
    const [found] = region.cloud.describeAddresses({ allocationIds: [borrowed] }).addressesSet;
    expect(found?.tagSet ?? []).toEqual([]);
  });

  it('asks next to nothing while nothing is left behind', async () => {
    const { clock, region, interfaces, start } = rig();
    start();
    await clock.advance(10 * MINUTE);
    const before = region.calls.length + interfaces.calls.length;
    await clock.advance(60 * MINUTE);

    expect(region.calls.length + interfaces.calls.length - before).toBeLessThanOrEqual(4);
  });
});
