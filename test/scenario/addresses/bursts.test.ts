import { describe, expect, it } from 'vitest';
import { eniOf } from '../../support/fake-ec2.ts';
import { address, MINUTE, rig, SECOND } from './rig.ts';

describe('AddressReconciler under load', () => {
  it('sends a single address in the tick in which it appears', async () => {
    const { clock, ec2, node } = rig({ latencyMs: 50 });
    const a = node('a');
    a.start();
    await clock.advance(MINUTE);
    const appearedAt = clock.now();

    a.add('pod', '10.0.8.10');
    await clock.advance(100);

    // Half a round trip after it left.
    expect(ec2.writes()).toMatchObject([{ action: 'assign', addresses: ['10.0.8.10'], at: appearedAt + 25 }]);
    expect(a.statusOf('10.0.8.10')?.state).toBe('assigned');
  });

  it.each([
    { name: 'at one instant', gapMs: 0, ceiling: 3 },
    { name: 'within 50 ms', gapMs: 0.45, ceiling: 9 },
    { name: 'within 110 ms', gapMs: 1, ceiling: 12 },
    { name: 'within 330 ms', gapMs: 3, ceiling: 24 },
  ])(
    'assigns 110 addresses that appear $name on three ENIs with at most $ceiling calls',
    async ({ gapMs, ceiling }) => {
      const { clock, ec2, node } = rig({ latencyMs: 50 });
      const a = node('a', { enis: 3 });
      a.start();
      await clock.advance(SECOND);

      for (let index = 0; index < 110; index += 1) {
        a.add(`pod-${index}`, address(index), { eni: 1 + (index % 3) });
        if (gapMs > 0) await clock.advance(gapMs);
      }
      await clock.until(() => a.allAssigned, 5 * SECOND, 'everything assigned');

      expect(ec2.writes().length).toBeLessThanOrEqual(ceiling);
      expect([1, 2, 3].map((eni) => ec2.secondariesOf(eniOf('a', eni)).length)).toEqual([37, 37, 36]);
    },
  );

  it('isolates one bad address among 50 and gets the other 49 through', async () => {
    const { clock, ec2, node } = rig({ latencyMs: 50 });
    const a = node('a');
    const stranger = ec2.cloud.addInterface({ id: 'eni-stranger', subnetId: 'subnet-1', privateIp: address(17) });
    a.start();
    await clock.advance(SECOND);

    for (let index = 0; index < 49; index += 1) a.add(`pod-${index}`, address(index));
    const isolated = () => a.statusOf(address(17))?.state === 'refused';
    await clock.until(() => isolated() && ec2.secondariesOf(eniOf('a', 1)).length === 48, 10 * SECOND);

    expect(ec2.holderOf(address(17))).toBe(stranger.id);
    expect(a.statusOf(address(17))).toMatchObject({ state: 'refused' });
    expect(a.statusOf(address(18))).toMatchObject({ state: 'assigned' });
    // EC2 does not name the culprit: halving 49 takes 6 levels of two calls.
    expect(ec2.writes().length).toBeLessThanOrEqual(1 + 2 * 6);
  });

  it('refuses what does not fit on a full ENI and disturbs nothing else', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { type: 'm5.large' });
    a.start();
    await clock.advance(SECOND);

    for (let index = 0; index < 12; index += 1) a.add(`pod-${index}`, address(index));
    await clock.advance(MINUTE);

    const states = Array.from({ length: 12 }, (_, index) => a.statusOf(address(index))?.state);
    expect(states.filter((state) => state === 'assigned')).toHaveLength(9);
    expect(states.filter((state) => state === 'refused')).toHaveLength(3);
    expect(a.statusOf(address(11))?.refusal).toMatchObject({ reason: 'AddressLimitExceeded' });
    expect(a.statusOf(address(11))?.refusal?.message).toContain('10 of 10');
    expect(ec2.writes()).toHaveLength(1);
  });

  it('gives a slot that becomes free to a waiting address before the cool-down ends', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { type: 'm5.large' });
    a.start();
    for (let index = 0; index < 10; index += 1) a.add(`pod-${index}`, address(index));
    await clock.advance(MINUTE);
    const [waiting] = Array.from({ length: 10 }, (_, index) => address(index)).filter(
      (ip) => a.statusOf(ip)?.state === 'refused',
    );
    if (waiting === undefined) throw new Error('one address has to wait');

    a.remove('pod-0', address(0));
    const took = await clock.until(() => a.statusOf(waiting)?.state === 'assigned', 10 * SECOND);

    expect(took).toBeLessThan(SECOND);
    expect(ec2.holderOf(address(0))).toBeUndefined();
  });

  it('pauses while EC2 throttles for a minute, then catches up with few merged calls', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 3 });
    a.start();
    await clock.advance(SECOND);
    const reliefAt = clock.now() + MINUTE;
    ec2.faults = (call) => (call.at < reliefAt ? 'throttle' : undefined);

    for (let index = 0; index < 90; index += 1) {
      a.add(`pod-${index}`, address(index), { eni: 1 + (index % 3) });
      await clock.advance(500);
    }
    await clock.until(() => a.allAssigned, MINUTE, 'everything assigned');

    const throttled = ec2.calls.filter(({ outcome }) => outcome === 'throttle').length;
    const through = ec2.writes().filter(({ outcome }) => outcome === 'ok').length;
    expect(throttled).toBeLessThanOrEqual(12);
    expect(through).toBeLessThanOrEqual(9);
  });

  it('sends a failover before everything else that waits for the rate limit', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 2 });
    a.start();
    await clock.advance(SECOND);
    let throttling = true;
    ec2.faults = () => (throttling ? 'throttle' : undefined);
    for (let index = 0; index < 5; index += 1) {
      a.add(`pod-${index}`, address(index), { eni: 1 + (index % 2) });
      await clock.advance(10);
    }
    await clock.advance(2 * SECOND);

    a.add('vip', '10.0.9.9', { kind: 'floating', eni: 2 });
    throttling = false;
    await clock.until(() => a.allAssigned, MINUTE);

    const first = ec2.writes().find(({ outcome }) => outcome === 'ok');
    expect(first?.addresses).toEqual(['10.0.9.9']);
  });

  it('goes on after all waiting work was withdrawn while EC2 throttled', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    ec2.faults = ({ action }) => (action === 'assign' ? 'throttle' : undefined);
    a.add('short-lived', '10.0.8.10');
    await clock.advance(3 * SECOND);
    a.remove('short-lived', '10.0.8.10');
    await clock.advance(MINUTE);
    ec2.faults = () => undefined;

    a.add('next', '10.0.8.11');

    await clock.until(() => a.allAssigned, MINUTE, 'the next address assigned');
    expect(ec2.holderOf(address(1))).toBe(eniOf('a', 1));
  });
});
