import { afterEach, describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import type { Fault } from '../../support/fake-ec2.ts';
import { Rig, VIP } from './rig.ts';

const SPEC = { addresses: [VIP] };
let rig: Rig;

afterEach(() => rig.close());

function heldBy(networkInterfaceId: string): void {
  rig.ec2.cloud.addInterface({ id: networkInterfaceId, subnetId: 'subnet-1' });
  rig.ec2.cloud.assignPrivateIpAddresses({
    networkInterfaceId,
    privateIpAddresses: [VIP],
    allowReassignment: true,
  });
}

const byForce = () => rig.ec2.writes().filter(({ takeover }) => takeover);

/** The first takeover of a FloatingIP meets this fault; somebody else takes the address before the second try. */
async function takenMeanwhile(fault: Fault, before?: string): Promise<void> {
  rig = new Rig(11, ['a']);
  if (before !== undefined) heldBy(before);
  let faults = 0;
  rig.ec2.faults = ({ action }) => {
    if (action !== 'assign' || faults > 0) return undefined;
    faults += 1;
    // After the call had its effect, if it had one.
    rig.clock.after(10, () => heldBy('eni-stranger'));
    return fault;
  };
  rig.node('a').start();
  rig.apply('web', SPEC);
  await rig.clock.advance(120_000);
}

describe('a takeover that has to be tried again', () => {
  it.each(
    (['lost-reply', 'lost-request', 'unavailable', 'throttle'] as const).flatMap((fault) => [
      [fault, undefined, 0] as const,
      [fault, 'eni-old', 1] as const,
    ]),
  )('leaves the address to whoever took it meanwhile: %s, at first held by %s', async (fault, before, forced) => {
    await takenMeanwhile(fault, before);

    expect(rig.ec2.holderOf(VIP)).toBe('eni-stranger');
    expect(rig.hosts()).toEqual([]);
    expect(byForce()).toHaveLength(forced);
    expect(rig.objects[0]?.status.conditions[0]).toMatchObject({ status: 'False', reason: 'HeldElsewhere' });
  });

  it('is reported with the ENI that lost the address when the call without an answer had been done', async () => {
    rig = new Rig(13, ['a']);
    heldBy('eni-stranger');
    rig.ec2.faults = ({ action }) => {
      if (action !== 'assign') return undefined;
      rig.ec2.faults = () => undefined;
      return 'lost-reply';
    };
    rig.node('a').start();
    rig.apply('web', SPEC);
    await rig.clock.advance(60_000);

    expect(rig.node('a').took).toEqual([['floating-ip', 'eni-stranger']]);
    expect(rig.node('a').events.filter((event) => event.includes('AddressMoved'))).toHaveLength(1);
  });

  it('leaves it to them also after the agent was killed before the answer', async () => {
    rig = new Rig(12, ['a']);
    const node = rig.node('a');
    node.start();
    rig.ec2.faults = ({ action }) => {
      if (action !== 'assign') return undefined;
      rig.ec2.faults = () => undefined;
      rig.clock.after(10, () => (node.kill(), heldBy('eni-stranger')));
      rig.clock.after(1_500, () => node.start());
      return undefined;
    };
    rig.apply('web', SPEC);
    await rig.clock.advance(120_000);

    expect(rig.ec2.holderOf(VIP)).toBe('eni-stranger');
    expect(byForce()).toEqual([]);
  });

  it.each(['lost-reply', 'lost-request', 'unavailable'] as const)(
    'serves all the same when nobody took it: %s',
    async (fault) => {
      rig = new Rig(13, ['a']);
      let faults = 0;
      rig.ec2.faults = ({ action }) => (action === 'assign' && faults++ === 0 ? fault : undefined);
      rig.node('a').start();
      rig.apply('web', SPEC);

      expect(await rig.untilServedBy(() => true, 5_000)).toBeLessThan(3_000);
      // What was done is not asked for again.
      expect(rig.ec2.writes()).toHaveLength(fault === 'lost-reply' ? 1 : 2);
    },
  );

  it.each([VIP, ip('2001:db8:0:1::80')])('finds the holder that EC2 has not shown at first: %s', async (address) => {
    rig = new Rig(15);
    for (const node of rig.nodes) node.start();
    await rig.clock.advance(10_000);
    rig.apply('web', { addresses: [address] });
    rig.ec2.cloud.knobs.describeLagMs = 12_000;
    await rig.clock.until(() => rig.ec2.holderOf(address) !== undefined, 5_000);
    const first = rig.server.holder('web');
    await rig.clock.advance(500);
    rig.node(first).die();
    await rig.clock.until(() => ![undefined, `eni-${first}-1`].includes(rig.ec2.holderOf(address)), 40_000);

    expect(rig.ec2.holderOf(address)).toBe(`eni-${rig.server.holder('web')}-1`);
    // What no look had shown was not taken by force.
    const shownAt = (rig.ec2.writes()[0]?.at ?? 0) + 12_000;
    expect(byForce().length).toBeGreaterThan(0);
    expect(byForce().filter(({ at }) => at < shownAt)).toEqual([]);
  });

  it('is not sent when the Lease passed to another node while it waited for its turn', async () => {
    rig = new Rig(14);
    for (const node of rig.nodes) node.start();
    rig.apply('web', SPEC);
    await rig.untilServedBy(() => true, 5_000);
    const first = rig.serving() ?? '';
    // Everything that the next holder asks is throttled, so that it waits; meanwhile it is cordoned.
    rig.ec2.faults = () => 'throttle';
    rig.node(first).die();
    await rig.clock.advance(6_000);
    const second = rig.server.holder('web');
    rig.node(second).cordoned = true;
    rig.trigger();
    await rig.clock.advance(2_000);
    const before = rig.ec2.writes(second).length;
    rig.ec2.faults = () => undefined;
    await rig.clock.advance(60_000);

    expect(rig.ec2.writes(second)).toHaveLength(before);
    expect(rig.serving()).toBe(rig.server.holder('web'));
    expect([first, second]).not.toContain(rig.serving());
  });

  it('is sent once, for the latest hold, when the Lease went away and came back while it waited for its turn', async () => {
    rig = new Rig(14, ['a', 'b']);
    for (const node of rig.nodes) node.start();
    rig.apply('web', SPEC);
    await rig.untilServedBy(() => true, 5_000);
    const first = rig.node(rig.serving() ?? '');
    const second = rig.node(first.name === 'a' ? 'b' : 'a');
    rig.ec2.faults = () => 'throttle';
    for (const [leaves, gets] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      gets.cordoned = false;
      leaves.cordoned = true;
      rig.trigger();
      await rig.clock.until(() => rig.server.holder('web') === gets.name, 5_000, `the Lease of ${gets.name}`);
      await rig.clock.advance(1_500);
    }
    const start = rig.ec2.writes().length;
    rig.ec2.faults = () => undefined;
    await rig.untilServedBy((node) => node === second.name, 60_000);
    await rig.clock.advance(60_000);

    expect(rig.ec2.writes().slice(start)).toMatchObject([{ node: second.name, action: 'assign', outcome: 'ok' }]);
  });

  it('does not remove the address of an object that was made again while the removal waited for its turn', async () => {
    rig = new Rig(15);
    for (const node of rig.nodes) node.start();
    rig.apply('web', SPEC);
    await rig.untilServedBy(() => true, 5_000);
    rig.ec2.faults = ({ action }) => (action === 'unassign' ? 'throttle' : undefined);
    rig.delete('web');
    await rig.clock.advance(5_000);
    const removals = () => rig.ec2.calls.filter(({ action }) => action === 'unassign');
    const refused = removals().length;
    expect(refused).toBeGreaterThan(0);
    rig.apply('web', SPEC);
    await rig.clock.advance(50);
    rig.ec2.faults = () => undefined;
    await rig.clock.advance(60_000);

    expect(removals()).toHaveLength(refused);
    expect(rig.serving()).toBe(rig.server.holder('web'));
  });
});
