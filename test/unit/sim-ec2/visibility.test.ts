import { describe, expect, test } from 'vitest';
import { Timeline } from '../../../sim/ec2/timeline.ts';
import { addressesOf, handClock, refusal, smallRegion } from './region.ts';

describe('Timeline', () => {
  test.each([
    [-1, undefined],
    [0, 'a'],
    [99, 'a'],
    [100, 'b'],
    [200, undefined],
    [300, 'c'],
  ])('a reader at %d ms sees %s', (moment, expected) => {
    const clock = handClock(0);
    const timeline = new Timeline<string>(clock.now);
    timeline.put('id', 'a');
    clock.advance(100);
    timeline.put('id', 'b');
    clock.advance(100);
    timeline.delete('id');
    clock.advance(100);
    timeline.put('id', 'c');
    expect(timeline.asOf('id', moment)).toBe(expected);
    expect(timeline.all(moment)).toEqual(expected === undefined ? [] : [expected]);
  });

  test('the last of several writes in one millisecond counts', () => {
    const timeline = new Timeline<string>(() => 0);
    timeline.put('id', 'a');
    timeline.put('id', 'b');
    expect([timeline.get('id'), timeline.asOf('id', 0)]).toEqual(['b', 'b']);
  });

  test('beyond the horizon only the newest version of then is kept, and the dead are forgotten', () => {
    const clock = handClock(0);
    const timeline = new Timeline<number>(clock.now, 100);
    for (let version = 0; version < 50; version += 1) {
      timeline.put('id', version);
      clock.advance(10);
    }
    expect([timeline.asOf('id', 300), timeline.asOf('id', 400)]).toEqual([undefined, 40]);
    timeline.delete('id');
    clock.advance(100);
    timeline.put('other', 1);
    timeline.delete('other');
    expect(timeline.createdAt('id')).toBeUndefined();
  });
});

describe('what lags behind', () => {
  test('Describe shows a new address, a moved EIP and a new ENI only after the lag', () => {
    const clock = handClock();
    const { cloud, eniOne, eniTwo, pods } = smallRegion({ now: clock.now });
    const { allocationId } = cloud.allocateAddress({});
    cloud.assignPrivateIpAddresses({ networkInterfaceId: eniOne, privateIpAddresses: ['10.0.1.50'] });
    cloud.associateAddress({ allocationId, networkInterfaceId: eniOne, privateIpAddress: '10.0.1.50' });
    clock.advance(60_000);
    cloud.knobs.describeLagMs = 2000;

    const move = { networkInterfaceId: eniTwo, privateIpAddresses: ['10.0.1.50'], allowReassignment: true };
    cloud.assignPrivateIpAddresses(move);
    const { id } = cloud.addInterface({ subnetId: pods.id });
    const seen = () => [
      addressesOf(cloud, eniOne).includes('10.0.1.50'),
      addressesOf(cloud, eniTwo).includes('10.0.1.50'),
      cloud.describeAddresses().addressesSet[0]?.networkInterfaceId,
      cloud.describeNetworkInterfaces().networkInterfaceSet.some((eni) => eni.networkInterfaceId === id),
    ];

    expect(seen()).toEqual([true, false, eniOne, false]);
    clock.advance(1999);
    expect(seen()).toEqual([true, false, eniOne, false]);
    clock.advance(1);
    expect(seen()).toEqual([false, true, eniTwo, true]);
  });

  test('a new allocation is unknown to AssociateAddress for a moment (facts §1.0)', async () => {
    const clock = handClock();
    const { cloud, eniOne } = smallRegion({ now: clock.now, knobs: { newIdLagMs: 500 } });
    const { allocationId } = cloud.allocateAddress({});
    clock.advance(499);
    const associate = () => cloud.associateAddress({ allocationId, networkInterfaceId: eniOne });
    expect(await refusal(associate)).toMatch(/^InvalidAllocationID.NotFound/);
    clock.advance(1);
    expect(associate().associationId).toMatch(/^eipassoc-/);
  });

  test('the same calls give the same ids', () => {
    const run = () => {
      const { cloud, eniOne } = smallRegion({ now: () => 0 });
      return [eniOne, cloud.allocateAddress({}), cloud.describeNetworkInterfaces().networkInterfaceSet[3]?.macAddress];
    };
    expect(run()).toEqual(run());
  });
});
