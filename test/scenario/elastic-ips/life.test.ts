import { describe, expect, it } from 'vitest';
import { NODE_TAG } from '../../../lib/model/elastic-ips/plan.ts';
import { RELEASE_DELAY_MS } from './eip-node.ts';
import { eniOf, LATENCY_MS } from './region.ts';
import { disagreements, FLOATING, HOUR, MINUTE, MODES, own, pec, rig, rigFor, SECOND } from './rig.ts';

describe.each(MODES)('the life of an Elastic IP by $name', (mode) => {
  it('takes at most two writes to bind and two to give back', async () => {
    const world = rigFor(mode);
    const { clock, region, a, scheduled, addressed } = world;
    a.start();
    await clock.advance(SECOND);
    region.calls.length = 0;

    scheduled(a, 'pod');
    await clock.advance(SECOND);
    addressed(a, 'pod', 11);
    await clock.advance(SECOND);
    const binding = region.writes().length;
    expect(disagreements(world, mode)).toEqual([]);
    await clock.advance(MINUTE);
    a.delete('pod');
    await clock.advance(RELEASE_DELAY_MS + 10 * SECOND);

    expect(binding).toBeLessThanOrEqual(2);
    expect(region.writes().length - binding).toBeLessThanOrEqual(2);
    expect(region.reads().length).toBeLessThanOrEqual(5);
    expect(disagreements(world, mode)).toEqual([]);
    world.killAll();
  });

  it('is given back one release delay after its pod, however often the node looks meanwhile', async () => {
    const world = rigFor(mode);
    const { clock, region, a, scheduled, addressed } = world;
    region.latencyMs = 150;
    a.start();
    scheduled(a, 'pod');
    addressed(a, 'pod', 11);
    await clock.advance(MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');

    a.delete('pod');
    for (let time = 0; time < RELEASE_DELAY_MS + 2 * SECOND; time += 50) {
      a.trigger();
      await clock.advance(50);
    }

    expect(disagreements(world, mode)).toEqual([]);
    world.killAll();
  });

  it('ends when the annotation goes, and comes back with it, while the pod runs', async () => {
    const world = rigFor(mode);
    const { clock, a, region, scheduled, addressed } = world;
    a.start();
    const { annotations } = scheduled(a, 'pod');
    addressed(a, 'pod', 11);
    await clock.advance(2 * SECOND);
    expect(a.statusOf('pod')?.state).toBe('bound');

    a.annotate('pod', {});
    await clock.advance(2 * SECOND);
    expect(region.eips().filter(({ association }) => association?.eni === eniOf('a'))).toEqual([]);
    expect(a.events.at(-1)).toMatchObject({ kind: 'disassociated', pod: 'default/pod' });

    a.annotate('pod', annotations);
    await clock.advance(5 * SECOND);
    expect(disagreements(world, mode)).toEqual([]);
    world.killAll();
  });

  it('is given back when the pod went while the agent was down', async () => {
    const world = rigFor(mode);
    const { clock, a, scheduled, addressed } = world;
    a.start();
    scheduled(a, 'pod');
    addressed(a, 'pod', 11);
    await clock.advance(2 * SECOND);
    a.kill();
    a.delete('pod');
    await clock.advance(HOUR);

    a.start();
    await clock.advance(RELEASE_DELAY_MS + 10 * SECOND);

    expect(disagreements(world, mode)).toEqual([]);
    world.killAll();
  });

  it.each([
    { node: 'the same node', to: 'a' as const, after: 10 * SECOND, keeps: true },
    { node: 'another node', to: 'b' as const, after: 10 * SECOND, keeps: true },
    { node: 'the same node', to: 'a' as const, after: 5 * MINUTE, keeps: false },
    { node: 'another node', to: 'b' as const, after: 5 * MINUTE, keeps: false },
  ])('comes along to a pod that is recreated on $node after $after ms', async ({ to, after, keeps }) => {
    const world = rigFor(mode);
    const { clock, a, region, scheduled, addressed } = world;
    a.start();
    world.b.start();
    scheduled(a, 'pod');
    addressed(a, 'pod', 11);
    await clock.advance(2 * SECOND);
    const before = a.publicIpOf('pod');

    a.delete('pod');
    await clock.advance(after);
    scheduled(world[to], 'pod');
    await clock.advance(SECOND);
    addressed(world[to], 'pod', 12);
    await clock.advance(2 * SECOND);

    const expected = keeps || mode.prepared !== undefined ? before : world[to].publicIpOf('pod');
    expect(world[to].publicIpOf('pod')).toBe(expected);
    await clock.advance(5 * MINUTE);
    expect(disagreements(world, mode)).toEqual([]);
    expect(region.eips().filter(({ tags }) => NODE_TAG in tags)).toMatchObject([{ tags: { [NODE_TAG]: to } }]);
    world.killAll();
  });

  it('heals under describes that lag and ids that are unknown at first, with a lost reply on top', async () => {
    for (const victim of [1, 2, 3, 4]) {
      const world = rigFor(mode);
      const { clock, a, region, scheduled, addressed } = world;
      Object.assign(region.cloud.knobs, { describeLagMs: 1_500, newIdLagMs: 1_000 });
      a.start();
      await clock.advance(5 * SECOND);
      let writes = 0;
      region.faults = ({ action }) =>
        !action.startsWith('Describe') && ++writes === victim ? 'lost-reply' : undefined;

      scheduled(a, 'pod');
      addressed(a, 'pod', 11);
      await clock.advance(2 * MINUTE);

      expect(disagreements(world, mode), `reply ${victim} lost`).toEqual([]);
      world.killAll();
    }
  });
});

describe('an Elastic IP that is ready before its pod has an address', () => {
  it('is associated in the instant in which the address appears', async () => {
    const { clock, region, a } = rig();
    a.start();
    region.assign(eniOf('a'), '10.0.8.11');
    await Promise.all([a.describe(), clock.advance(SECOND)]);
    a.schedule('pod', pec({ type: 'auto' }));
    await clock.advance(SECOND);
    const appearedAt = clock.now();
    a.address('pod', '10.0.8.11');
    await clock.advance(200);

    expect(region.calls.find(({ action }) => action === 'AssociateAddress')?.at).toBe(appearedAt + LATENCY_MS / 2);
    expect(a.events).toMatchObject([{ kind: 'associated', pod: 'default/pod', privateIp: '10.0.8.11' }]);
  });

  it('costs 40 pods at once two writes each and one read in all', async () => {
    const { clock, region, a } = rig();
    a.start();
    for (let index = 0; index < 40; index += 1) region.assign(eniOf('a'), `10.0.8.${index + 10}`);
    await clock.advance(SECOND);
    await Promise.all([a.describe(), clock.advance(10 * SECOND)]);
    region.calls.length = 0;

    for (let index = 0; index < 40; index += 1) a.run(`pod-${index}`, pec({ type: 'auto' }), `10.0.8.${index + 10}`);
    const took = await clock.until(() => a.statuses.filter(({ state }) => state === 'bound').length === 40, SECOND);

    expect(took).toBeLessThanOrEqual(4 * LATENCY_MS);
    expect(region.writes()).toHaveLength(80);
    expect(region.reads()).toHaveLength(1);
  });
});

describe('an Elastic IP on an address that goes with its pod', () => {
  it.each([
    { from: own('net1=auto'), writes: ['ReleaseAddress'] },
    { from: own('net1=tag:game'), writes: ['DeleteTags'] },
  ])('loses its pairing with the address, by one call and not by two ($writes)', async ({ from, writes }) => {
    const { clock, region, a } = rig();
    region.prepare({ game: 'a' });
    a.start();
    a.run('pod', from, '10.0.8.10');
    a.attach('pod', '10.0.9.10');
    await clock.advance(MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');
    region.calls.length = 0;
    a.delete('pod');
    await clock.advance(RELEASE_DELAY_MS + 2 * SECOND);
    expect(region.actions()).toEqual(writes);
    expect(a.events.at(-1)).toMatchObject({ kind: 'disassociated', pod: 'default/pod' });
  });
});

describe('a quiet node', () => {
  it('reads the Elastic IPs once when no pod asks for one', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.schedule('pod', {});
    await clock.advance(HOUR);
    expect(region.calls.map(({ action }) => action)).toEqual(['DescribeAddresses']);
  });

  it('reads nothing while its Elastic IPs stay as they are', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', pec({ type: 'auto' }), '10.0.8.11');
    await clock.advance(MINUTE);
    region.calls.length = 0;
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(10 * MINUTE);
      await Promise.all([a.describe(), clock.advance(SECOND)]);
    }
    expect(region.calls.length).toBeLessThanOrEqual(1);
    expect(a.statusOf('pod')?.state).toBe('bound');
  });

  it('asks nothing at all without a cluster name', async () => {
    const { clock, region, a } = rig();
    a.clusterName = undefined;
    a.start();
    a.run('pod', pec({ type: 'auto' }), '10.0.8.11');
    await clock.advance(HOUR);
    expect(region.calls).toEqual([]);
  });

  it('says once in one quiet line that it may not read the Elastic IPs, and asks rarely', async () => {
    const { clock, region, a } = rig();
    region.faults = () => 'code:UnauthorizedOperation';
    a.start();
    await clock.advance(HOUR);
    expect(region.calls).toHaveLength(1);
    expect(a.logs.filter(({ level }) => level !== 'debug')).toMatchObject([{ level: 'info' }]);
  });
});

describe('an Elastic IP that EC2 lost', () => {
  it('is bound again after the next describe of the ENIs shows that somebody took it off', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', pec({ type: 'auto' }), '10.0.8.11');
    await clock.advance(MINUTE);
    const publicIp = a.publicIpOf('pod');
    region.cloud.disassociateAddress({ publicIp });
    await Promise.all([a.describe(), clock.advance(2 * SECOND)]);
    expect(region.publicIpOf('10.0.8.11')).toBe(publicIp);
  });

  it('stays where EC2 kept it when a floating address moves, and only its node tag is written', async () => {
    const { clock, region, a, b } = rig();
    a.start();
    b.start();
    for (const [node, pod] of [
      [a, 'one'],
      [b, 'two'],
    ] as const) {
      node.run(pod, own(`${FLOATING}=auto`), pod === 'one' ? '10.0.8.11' : '10.0.8.12');
    }
    a.attach('one', FLOATING, 'floating');
    b.standBy('two', FLOATING);
    await clock.advance(2 * SECOND);
    const publicIp = a.publicIpOf('one');
    expect(publicIp).toBeDefined();
    expect(b.statuses).toEqual([]);
    region.calls.length = 0;

    b.attach('two', FLOATING, 'floating');
    a.detach('one', FLOATING);
    a.standBy('one', FLOATING);
    await clock.advance(2 * SECOND);

    expect(b.publicIpOf('two')).toBe(publicIp);
    expect(a.statuses).toEqual([]);
    expect(region.actions()).toEqual(['CreateTags']);
    a.delete('one');
    await clock.advance(5 * MINUTE);
    expect(region.publicIpOf(FLOATING)).toBe(publicIp);
    expect(region.actions()).toEqual(['CreateTags']);
  });
});
