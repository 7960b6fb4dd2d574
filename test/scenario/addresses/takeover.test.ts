import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf, type FakeEc2, instanceOf } from '../../support/fake-ec2.ts';
import { address, MINUTE, rig, SECOND } from './rig.ts';

const VIP = ip('10.0.9.9');
const A = address(0);
const written = (ec2: FakeEc2, node: string) =>
  ec2.writes(node).map(({ action, takeover, outcome }) => `${action}${takeover ? ' by force' : ''} ${outcome}`);

/** Two nodes whose agents run. */
async function pair() {
  const world = rig();
  const [a, b] = [world.node('a'), world.node('b')];
  a.start();
  b.start();
  await world.clock.advance(SECOND);
  return { ...world, a, b };
}

/** A pod of node a had the address until this moment, so EC2 still has it there. */
async function contested() {
  const world = await pair();
  world.a.add('old', A);
  await world.clock.advance(10 * SECOND);
  world.a.remove('old', A);
  return world;
}

describe('AddressReconciler and an ipam address that another ENI still has', () => {
  it('takes it over in three round trips, with one refused call, and delays no other', async () => {
    const { clock, ec2, b } = await contested();

    b.add('new', A);
    b.add('other', address(1));
    const took = await clock.until(() => ec2.holderOf(A) === eniOf('b', 1), 10 * SECOND, 'the takeover');
    await clock.until(() => b.allAssigned, SECOND);

    expect(took).toBeLessThanOrEqual(3 * 50);
    expect(written(ec2, 'b').filter((call) => !call.endsWith('ok'))).toEqual(['assign InvalidParameterValue']);
    await clock.advance(5 * MINUTE);
    expect(ec2.holderOf(A)).toBe(eniOf('b', 1));
  });

  it('is refused once when the kernel told of it before the CNI result said whose it is', async () => {
    const { clock, ec2, b } = await contested();

    const seenSince = clock.now();
    b.add('new', A, { kind: 'live', seenSince });
    await clock.advance(70);
    b.add('new', A, { kind: 'ipam', seenSince });
    await clock.until(() => ec2.holderOf(A) === eniOf('b', 1), SECOND, 'the takeover');

    expect(written(ec2, 'b')).toEqual(['assign InvalidParameterValue', 'assign by force ok']);
  });

  const ends = (['SIGTERM', 'SIGKILL'] as const).flatMap((signal) =>
    Array.from({ length: 18 }, (_, step) => ({ signal, ms: step * 10 })),
  );
  it.each(ends)('is refused once when the agent gets $signal $ms ms after it came, and starts again', async (end) => {
    const { clock, ec2, b } = await contested();

    const seenSince = clock.now();
    b.add('new', A, { seenSince });
    await clock.advance(end.ms);
    const stopped = end.signal === 'SIGTERM' ? b.stop() : b.kill();
    await clock.advance(SECOND);
    await stopped;
    // The next process knows its ENIs before it knows its pods.
    b.complete = false;
    b.remove('new', A);
    b.start();
    await clock.advance(SECOND);
    b.add('new', A, { seenSince });
    b.complete = true;
    b.trigger();
    await clock.until(() => b.allAssigned, SECOND, 'the takeover');

    expect(ec2.holderOf(A)).toBe(eniOf('b', 1));
    expect(written(ec2, 'b').filter((call) => call === 'assign InvalidParameterValue').length).toBeLessThanOrEqual(1);
    expect(b.ledger).toMatchObject([{ address: A, state: 'held' }]);
  });

  it('is refused only once on its own account: what is free travels on without those that came meanwhile', async () => {
    const { clock, ec2, a, b } = await pair();
    for (const index of [0, 1, 2]) a.add('old', address(index));
    await clock.advance(10 * SECOND);

    // One contested address comes during every round trip, beside a free one.
    for (const index of [0, 1, 2]) {
      b.add(`new-${index}`, address(index));
      b.add(`free-${index}`, address(10 + index));
      await clock.advance(40);
    }
    await clock.until(() => b.allAssigned, 2 * SECOND, 'all six');

    const refused = ec2.writes('b').filter(({ outcome }) => outcome !== 'ok');
    const counts = Map.groupBy(
      refused.flatMap(({ addresses }) => addresses),
      (each) => each,
    );
    expect([...counts].filter(([, calls]) => calls.length > 1).map(([each]) => each)).toEqual([]);
  });

  const kinds: [name: string, about: Parameters<FakeEc2['cloud']['addInterface']>[0]][] = [
    ['the primary ENI', { subnetId: 'subnet-1', instanceId: instanceOf('c'), deviceIndex: 0 }],
    ['an ENI of the VPC CNI', { subnetId: 'subnet-1', instanceId: instanceOf('c'), description: 'aws-K8S-i-c' }],
    ['a trunk', { subnetId: 'subnet-1', instanceId: instanceOf('c'), interfaceType: 'trunk' }],
    ['an ENI of a service', { subnetId: 'subnet-1', requesterManaged: true }],
    ['an ENI of another cluster', { subnetId: 'subnet-1', tags: { 'kubernetes.io/cluster/other': 'owned' } }],
  ];
  it.each(kinds.flatMap(([name, about]) => (['ipam', 'floating'] as const).map((kind) => ({ name, about, kind }))))(
    'never takes an $kind address from $name',
    async ({ about, kind }) => {
      const { clock, ec2, node } = rig();
      const a = node('a');
      ec2.addNode('c', 0);
      if (about.deviceIndex === 0) {
        const [primary] = ec2.cloud.state.interfacesOf(instanceOf('c'), clock.now());
        ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: primary?.id ?? '', privateIpAddresses: [A] });
      } else ec2.cloud.addInterface({ ...about, secondaries: [A] });
      const before = ec2.holderOf(A);
      a.start();
      await clock.advance(SECOND);

      a.add('p', A, { kind });
      await clock.advance(10 * MINUTE);

      expect(ec2.holderOf(A)).toBe(before);
      expect(ec2.writes('a').every(({ takeover }) => !takeover)).toBe(true);
      expect(a.statusOf(A)?.refusal).toMatchObject({ reason: 'ProtectedInterface' });
    },
  );
});

describe('AddressReconciler and an address that it has only waited for', () => {
  it.each(['ipam', 'floating'] as const)('knows whose instance holds it before it takes an %s one', async (kind) => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    const tags = { 'kubernetes.io/cluster/other': 'owned' };
    ec2.cloud.addInstance({ id: 'i-foreign', type: 'm5.large', subnetId: 'subnet-1', tags });
    ec2.cloud.addInterface({ id: 'eni-foreign', subnetId: 'subnet-1', instanceId: 'i-foreign', deviceIndex: 1 });
    ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: 'eni-foreign', privateIpAddresses: [VIP] });
    // In place at the start, and so no appearance: the agent looks who has it, and waits until it is free.
    a.add('keepalived', VIP, { kind: 'floating' });
    a.start();
    await clock.advance(MINUTE);
    expect(ec2.writes('a').some(({ takeover }) => takeover)).toBe(false);

    // Deleted and added between two looks: the kernel says so.
    a.add('keepalived', VIP, { kind });
    await clock.advance(10 * MINUTE);

    expect(ec2.holderOf(VIP)).toBe('eni-foreign');
    expect(a.statusOf(VIP)?.refusal).toMatchObject({ reason: 'ProtectedInterface' });
  });
});

describe('AddressReconciler and a takeover that did not go through', () => {
  it.each(['unavailable', 'throttle'] as const)(
    'stands down when the partner took the VIP during %s',
    async (fault) => {
      const { clock, ec2, a, b } = await pair();
      ec2.faults = ({ node: by, action }) => (by === 'a' && action === 'assign' ? fault : undefined);

      a.add('keepalived', VIP, { kind: 'floating' });
      await clock.advance(5 * SECOND);
      b.add('keepalived', VIP, { kind: 'floating' });
      await clock.advance(10 * SECOND);
      ec2.faults = () => undefined;
      await clock.advance(10 * MINUTE);

      expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
    },
  );

  it('stands down when the answer was lost for long and the partner has taken the VIP', async () => {
    const { clock, ec2, a, b } = await pair();
    let armed = true;
    ec2.faults = ({ node: by, action }) => {
      if (by !== 'a' || action !== 'assign' || !armed) return undefined;
      armed = false;
      // Another process of the same name takes it in the instant after EC2 has acted.
      void clock.after(30, () => b.add('keepalived', VIP, { kind: 'floating' }));
      return 'lost-reply';
    };
    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * MINUTE);

    expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
  });

  it('goes on when the holder is the one from before', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    b.kill();
    ec2.faults = ({ node: by, action }) => (by === 'a' && action === 'assign' ? 'unavailable' : undefined);

    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(15 * SECOND);
    ec2.faults = () => undefined;
    await clock.until(() => ec2.holderOf(VIP) === eniOf('a', 1), 30 * SECOND, 'the failover');
    await clock.advance(10 * MINUTE);

    expect(ec2.holderOf(VIP)).toBe(eniOf('a', 1));
  });

  it('takes nothing that was in place at a start, whatever the partner holds', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    b.start();
    await clock.advance(SECOND);
    a.add('keepalived', VIP, { kind: 'floating' });
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);

    a.start();
    await clock.advance(10 * MINUTE);
    a.kill();
    a.start();
    await clock.advance(10 * MINUTE);

    expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
    expect(ec2.writes('a').every(({ takeover }) => !takeover)).toBe(true);
  });
});
