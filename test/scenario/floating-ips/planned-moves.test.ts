import { afterEach, describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { Rig, VIP } from './rig.ts';

const SPEC = { addresses: [VIP], nodeSelector: { ingress: 'yes' } };
let rig: Rig;

afterEach(() => rig.close());

async function served(spec: object = SPEC, seed = 1): Promise<string> {
  rig = new Rig(seed);
  for (const node of rig.nodes) node.start();
  rig.apply('web', spec);
  await rig.untilServedBy(() => true, 5_000);
  await rig.clock.advance(500);
  return rig.serving() ?? '';
}

const takeovers = () => rig.ec2.writes().filter(({ action, outcome }) => action === 'assign' && outcome === 'ok');

describe('an object made again under its name', () => {
  it.each([1, 2, 3, 4])('moves nothing when the Lease of the first is collected late (seed %i)', async (seed) => {
    rig = new Rig(seed);
    for (const node of rig.nodes) node.start();
    const spec = { addresses: [VIP] };
    rig.apply('web', spec);
    await rig.untilServedBy(() => true, 5_000);
    rig.objects = [];
    rig.trigger();
    await rig.clock.until(() => rig.server.holder('web') === '' && rig.serving() === undefined, 10_000);

    rig.apply('web', spec);
    rig.clock.after(2_000, () => rig.server.collect('web'));
    await rig.untilServedBy(() => true, 10_000);
    const served = rig.serving();
    for (let time = 0; time < 10_000; time += 50) {
      await rig.clock.advance(50);
      expect(rig.serving()).toBe(served);
    }
  });

  it('is served although nobody collects the Lease of the first', async () => {
    rig = new Rig(5);
    for (const node of rig.nodes) node.start();
    rig.apply('web', { addresses: [VIP] });
    await rig.untilServedBy(() => true, 5_000);
    rig.objects = [];
    rig.trigger();
    await rig.clock.advance(10_000);

    rig.apply('web', { addresses: [VIP] });
    await rig.untilServedBy(() => true, 10_000);

    expect(rig.hosts()).toEqual([rig.serving()]);
  });
});

describe('a floating IP that comes back before EC2 shows that it had left', () => {
  const VIP6 = ip('2001:db8:0:1::201');

  it.each([[[VIP]], [[VIP6]], [[VIP, VIP6]]])('is asked for once more, and served: %s', async (addresses) => {
    rig = new Rig(3, ['a', 'b']);
    for (const node of rig.nodes) node.start();
    rig.apply('web', { addresses });
    const servedBy = (node: string | undefined) => addresses.every((address) => rig.serving(address) === node);
    await rig.clock.until(() => servedBy('a') || servedBy('b'), 5_000, 'a first holder');
    await rig.clock.advance(20_000);
    const first = rig.serving(addresses[0]) ?? '';
    rig.ec2.cloud.knobs.describeLagMs = 8_000;
    for (const [cordoned, free] of [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ].slice(first === 'a' ? 0 : 1)) {
      rig.node(cordoned ?? '').cordoned = true;
      rig.node(free ?? '').cordoned = false;
      rig.trigger();
      await rig.clock.advance(3_000);
    }
    rig.ec2.cloud.knobs.describeLagMs = 0;
    const last = rig.nodes.find(({ cordoned }) => !cordoned)?.name;
    await rig.clock.until(() => servedBy(last), 15_000, 'the last holder');
    await rig.clock.advance(30_000);

    expect(servedBy(last)).toBe(true);
    expect(rig.hosts()).toHaveLength(addresses.includes(VIP) ? 1 : 0);
    rig.delete('web');
    await rig.clock.advance(30_000);
    expect(addresses.map((address) => rig.holder(address))).toEqual(addresses.map(() => undefined));
  });
});

describe('a node-level floating IP', () => {
  it('is served by exactly one node, which says so in the status, with one EC2 write', async () => {
    const first = await served();

    expect(rig.hosts()).toEqual([first]);
    expect(takeovers()).toHaveLength(1);
    expect(rig.objects[0]?.status).toMatchObject({
      node: first,
      networkInterfaceId: `eni-${first}-1`,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Serving' }],
    });
  });

  it('costs nothing but renewals while nothing happens', async () => {
    await served();
    const [calls, writes] = [rig.ec2.writes().length, rig.server.writes.length];
    await rig.clock.advance(600_000);

    expect(rig.ec2.writes()).toHaveLength(calls);
    expect(rig.server.writes.length - writes).toBeLessThanOrEqual(601);
    expect(new Set(rig.server.writes.map(({ node }) => node)).size).toBe(1);
  });

  const moves: [string, (rig: Rig, node: string) => void][] = [
    ['cordon', (world, node) => (world.node(node).cordoned = true)],
    ['readiness lost', (world, node) => (world.node(node).ready = 'False')],
    ['spot interruption', (world, node) => (world.node(node).leaving = 'terminate at noon')],
    ['another selector', (world, node) => (world.node(node).labels = {})],
  ];
  it.each(moves)('is handed over at once: %s', async (_name, act) => {
    const first = await served();
    act(rig, first);
    rig.trigger();
    const gap = await rig.untilServedBy((node) => node !== first, 5_000);

    expect(gap).toBeLessThan(1_000);
    expect(rig.hosts()).toEqual([rig.serving()]);
    expect(takeovers()).toHaveLength(2);
  });

  it('is given back when the object is deleted', async () => {
    await served();
    rig.delete('web');
    await rig.clock.advance(2_000);

    expect(rig.hosts()).toEqual([]);
    expect(rig.holder()).toBeUndefined();
    expect(rig.server.holder('web')).toBe('');
  });

  it('stays where it is when the agents are restarted one after the other, each away for 10 s', async () => {
    const first = await served();
    for (const node of rig.nodes) {
      const gone = node.terminate();
      await rig.clock.advance(1_000);
      await gone;
      expect(rig.serving()).toBe(first);
      await rig.clock.advance(9_000);
      node.start();
      await rig.clock.advance(5_000);
    }

    expect(rig.serving()).toBe(first);
    expect(takeovers()).toHaveLength(1);
    expect(rig.server.leases.get('web')?.spec).toMatchObject({ leaseTransitions: 0, leaseDurationSeconds: 3 });
  });

  it('moves when a stopped agent does not come back, after the time that others wait for it', async () => {
    const first = await served();
    const gone = rig.node(first).terminate();
    await rig.clock.advance(100);
    await gone;
    const gap = await rig.untilServedBy((node) => node !== first, 60_000);

    expect(gap).toBeGreaterThan(29_000);
    expect(gap).toBeLessThan(32_000);
  });

  it('is counted as one failover by the node that takes it over, and not by the one that had it first', async () => {
    const first = await served();
    rig.node(first).kill();
    await rig.untilServedBy((node) => node !== first, 6_000);
    const second = rig.serving() ?? '';

    expect(rig.node(first).failovers).toEqual([]);
    expect(rig.node(second).failovers).toEqual([{ name: 'web', seconds: expect.any(Number) as number }]);
    expect(rig.node(second).failovers[0]?.seconds).toBeGreaterThan(0);
    expect(rig.node(second).failovers[0]?.seconds).toBeLessThan(2);
  });

  it('stays when the agent is killed and starts again within the lease', async () => {
    const first = await served();
    rig.node(first).kill();
    await rig.clock.advance(1_500);
    rig.node(first).start();
    await rig.clock.advance(20_000);

    expect(rig.serving()).toBe(first);
    expect(takeovers()).toHaveLength(1);
  });

  it('is found again and tidied away by an agent that comes back after another node has taken it over', async () => {
    const first = await served();
    rig.node(first).kill();
    await rig.untilServedBy((node) => node !== first, 6_000);
    expect(rig.hosts()).toContain(first);
    rig.node(first).start();
    await rig.clock.advance(200);

    expect(rig.hosts()).toEqual([rig.serving()]);
    expect(takeovers()).toHaveLength(2);
  });

  it('is put on the interface again when somebody removes it there', async () => {
    const first = await served();
    rig.node(first).configured = [];
    rig.trigger();
    await rig.clock.advance(1_100);

    expect(rig.serving()).toBe(first);
    expect(takeovers()).toHaveLength(1);
  });

  it('is not taken back from somebody who took it in EC2, and the object says so', async () => {
    const first = await served();
    await rig.clock.advance(15_000);
    rig.ec2.cloud.addInterface({ id: 'eni-thief', subnetId: 'subnet-1' });
    rig.ec2.cloud.assignPrivateIpAddresses({
      networkInterfaceId: 'eni-thief',
      privateIpAddresses: [VIP],
      allowReassignment: true,
    });
    await rig.clock.advance(300_000);

    expect(rig.ec2.holderOf(VIP)).toBe('eni-thief');
    expect(rig.hosts()).toEqual([]);
    expect(rig.objects[0]?.status.conditions[0]).toMatchObject({ status: 'False', reason: 'HeldElsewhere' });
    expect(rig.server.holder('web')).toBe(first);
  });

  it('goes to preferred nodes first, IPv6 and IPv4 together', async () => {
    const six = ip('2001:db8:0:1::201');
    const first = await served({ addresses: [VIP, six], preferredNodes: ['c', 'b'] });
    expect(first).toBe('c');
    rig.node('c').die();
    const gap = await rig.untilServedBy(() => true, 6_000, six);

    expect(rig.serving()).toBe('b');
    expect(rig.serving(six)).toBe('b');
    expect(gap).toBeLessThan(5_000);
  });

  it.each([
    ['another subnet', { addresses: ['10.0.200.7'] }, 'NoMatchingInterface'],
    ['a reserved address', { addresses: ['10.0.0.2'] }, 'ReservedAddress'],
    ['an interface that does not exist', { addresses: [VIP], interface: 'eth7' }, 'NoMatchingInterface'],
    ['no address', { addresses: ['10.0.300.1'] }, 'InvalidSpec'],
  ])('is refused with a reason on the object: %s', async (_name, spec, reason) => {
    rig = new Rig(3);
    for (const node of rig.nodes) node.start();
    rig.apply('web', {
      ...(reason === 'NoMatchingInterface' || reason === 'InvalidSpec' ? {} : { interface: 'eth0' }),
      ...spec,
    });
    await rig.clock.advance(20_000);

    expect(rig.objects[0]?.status.conditions).toMatchObject([{ type: 'Ready', status: 'False', reason }]);
    expect(rig.ec2.writes()).toEqual([]);
  });

  it('is refused while a pod of the node claims it, and goes to another node', async () => {
    rig = new Rig(4);
    for (const node of rig.nodes) node.start();
    for (const node of ['a', 'b']) rig.node(node).pods.set(VIP, 'multus/router');
    rig.apply('web', { ...SPEC, interface: 'eth0' });
    await rig.untilServedBy(() => true, 5_000);

    expect(rig.serving()).toBe('c');
  });

  it('is spread with others over the nodes', async () => {
    rig = new Rig(5);
    for (const node of rig.nodes) node.start();
    const vips = Array.from({ length: 9 }, (_, index) => ip(`10.0.9.${index + 10}`));
    for (const [index, vip] of vips.entries()) rig.apply(`web-${index}`, { addresses: [vip], interface: 'eth0' });
    await rig.clock.advance(10_000);
    const counts = rig.nodes.map(({ name }) => vips.filter((vip) => rig.serving(vip) === name).length);

    expect(counts.reduce((sum, count) => sum + count)).toBe(9);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });
});
