import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf } from '../../support/fake-ec2.ts';
import { address, HOUR, MINUTE, rig, SECOND } from './rig.ts';

const VIP = ip('10.0.9.9');
const VIP6 = ip('2001:db8:0:1::99');

describe('AddressReconciler and other holders', () => {
  it('lets two pods that hold one VIP for hours cost one takeover each', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    await clock.advance(SECOND);

    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(6 * HOUR);

    expect(ec2.writes().map(({ node: by, takeover }) => [by, takeover])).toEqual([
      ['a', false],
      // Refused, because a has it; then from the ENI that was looked up meanwhile.
      ['b', false],
      ['b', true],
    ]);
    expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
    expect(a.statusOf(VIP)).toMatchObject({ state: 'refused', refusal: { reason: 'HeldElsewhere' } });
    expect(a.statusOf(VIP)?.refusal?.message).toContain('eni-b-1');
    expect(a.lost).toEqual([VIP]);
    // Resync six times an hour, plus looking for the holder at growing pauses.
    expect(ec2.reads('a').length / 6).toBeLessThanOrEqual(6.7 + 12);
  });

  it('never takes a VIP back at a restart, whatever order the agents start in', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    await clock.advance(SECOND);
    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(20 * MINUTE);
    const before = ec2.writes().length;

    for (let round = 0; round < 5; round += 1) {
      a.kill();
      if (round % 2 === 0) await b.stop();
      await clock.advance(MINUTE);
      a.start();
      if (round % 2 === 0) b.start();
      await clock.advance(20 * MINUTE);
    }

    expect(ec2.writes()).toHaveLength(before);
    expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
  });

  it('takes a VIP over again when it is added again here, without waiting for the pause of the loss', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(HOUR);

    // Deleted and added: the kernel's time is new.
    a.add('keepalived', VIP, { kind: 'floating' });
    const took = await clock.until(() => ec2.holderOf(VIP) === eniOf('a', 1), 10 * SECOND, 'the takeover');

    expect(took).toBeLessThanOrEqual(50);
  });

  it('assigns an address again that its other holder has let go', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    b.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(20 * MINUTE);

    b.remove('keepalived', VIP);
    await clock.until(() => ec2.holderOf(VIP) === eniOf('a', 1), 20 * MINUTE, 'a has it again');

    expect(ec2.writes('a').at(-1)).toMatchObject({ action: 'assign', takeover: false });
  });

  it('does not win the right to a takeover back by trying an address that only looked free', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    const rival = { networkInterfaceId: 'eni-rival', privateIpAddresses: [VIP] };
    ec2.cloud.addInterface({ id: 'eni-rival', subnetId: 'subnet-1' });
    a.start();
    a.add('keepalived', VIP, { kind: 'floating' });
    await clock.advance(10 * SECOND);
    ec2.cloud.assignPrivateIpAddresses({ ...rival, allowReassignment: true });
    // The rival lets go for just as long as a look-up takes, every time.
    ec2.faults = ({ action }) => {
      const held = ec2.holderOf(VIP) === 'eni-rival';
      if (action === 'find' && held) ec2.cloud.unassignPrivateIpAddresses(rival);
      if (action === 'assign' && !held) ec2.cloud.assignPrivateIpAddresses(rival);
      return undefined;
    };

    a.invalidate();
    await clock.advance(3 * HOUR);

    const tries = ec2.writes('a').slice(1);
    expect(tries.length).toBeGreaterThan(2);
    expect(tries.every(({ takeover, outcome }) => !takeover && outcome === 'InvalidParameterValue')).toBe(true);
    expect(a.ledger).toMatchObject([{ address: VIP, state: 'lost' }]);
  });

  it('leaves an address to its holder when nothing declares it', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    b.start();
    b.add('owner', VIP);
    a.start();
    await clock.advance(SECOND);

    a.add('stranger', VIP, { kind: 'live' });
    await clock.advance(2 * HOUR);

    expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
    expect(ec2.writes('a').every(({ takeover }) => !takeover)).toBe(true);
    expect(a.statusOf(VIP)).toMatchObject({ state: 'refused', refusal: { reason: 'HeldElsewhere' } });
  });

  it('takes an undeclared address over under --takeover=any', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a', { policy: { takeover: 'any' } }), node('b')];
    b.start();
    b.add('owner', VIP);
    a.start();
    await clock.advance(SECOND);

    a.add('stranger', VIP, { kind: 'live' });
    await clock.advance(SECOND);

    expect(ec2.holderOf(VIP)).toBe(eniOf('a', 1));
  });

  it('moves an IPv6 address by releasing it on the old ENI first', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    a.add('keepalived', VIP6, { kind: 'floating' });
    await clock.advance(10 * SECOND);

    b.add('keepalived', VIP6, { kind: 'floating' });
    const took = await clock.until(() => ec2.holderOf(VIP6) === eniOf('b', 1), 10 * SECOND, 'the move');
    await clock.advance(2 * HOUR);

    // Refusal, search, release, assignment: four round trips.
    expect(took).toBeLessThanOrEqual(4 * 50);
    expect(ec2.holderOf(VIP6)).toBe(eniOf('b', 1));
    expect(ec2.writes().map(({ node: by, action, outcome }) => `${by} ${action} ${outcome}`)).toEqual([
      'a assign ok',
      'b assign InvalidParameterValue',
      'b unassign ok',
      'b assign ok',
    ]);
  });

  it('waits for an ENI that was attached just before the pod and that no describe shows yet', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    ec2.cloud.knobs.describeLagMs = 20 * SECOND;
    ec2.attachEni('a', 2);
    a.add('pod', address(0), { eni: 2 });
    await clock.advance(10 * SECOND);
    expect(ec2.writes()).toEqual([]);
    await clock.advance(20 * SECOND);
    a.invalidate();

    await clock.until(() => ec2.holderOf(address(0)) === eniOf('a', 2), 20 * MINUTE, 'the right ENI');
    await clock.advance(MINUTE);
    expect(a.statusOf(address(0))).toMatchObject({ state: 'assigned', eni: eniOf('a', 2) });
  });
});
