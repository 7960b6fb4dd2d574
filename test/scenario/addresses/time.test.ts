import { describe, expect, it } from 'vitest';
import { eniOf } from '../../support/fake-ec2.ts';
import { address, HOUR, MINUTE, rig, SECOND } from './rig.ts';

describe('AddressReconciler as time passes', () => {
  it('leaves EC2 alone while nothing changes: no write and at most 12 reads an hour, for a day', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 3 });
    a.start();
    for (let index = 0; index < 110; index += 1) a.add(`pod-${index}`, address(index), { eni: 1 + (index % 3) });
    await clock.advance(MINUTE);
    const [reads, writes] = [ec2.reads().length, ec2.writes().length];

    for (let hour = 0; hour < 24; hour += 1) {
      a.trigger();
      await clock.advance(HOUR);
    }

    expect(ec2.writes()).toHaveLength(writes);
    expect((ec2.reads().length - reads) / 24).toBeLessThanOrEqual(12);
    expect(a.allAssigned).toBe(true);
  });

  it('restarts without a write when nothing changed', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    for (let index = 0; index < 20; index += 1) a.add(`pod-${index}`, address(index));
    await clock.advance(MINUTE);
    const writes = ec2.writes().length;

    await a.stop();
    a.start();
    await clock.advance(HOUR);
    a.kill();
    a.start();
    await clock.advance(HOUR);

    expect(ec2.writes()).toHaveLength(writes);
    expect(a.allAssigned).toBe(true);
    expect(a.ledger.every(({ state }) => state === 'held')).toBe(true);
  });

  it('releases an address after the cool-down, with one describe before it', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);
    const reads = ec2.reads().length;

    a.remove('pod', address(0));
    await clock.advance(29 * SECOND);
    expect(ec2.holderOf(address(0))).toBe(eniOf('a', 1));
    await clock.advance(2 * SECOND);

    expect(ec2.holderOf(address(0))).toBeUndefined();
    expect(ec2.reads()).toHaveLength(reads + 1);
    expect(a.released).toEqual([address(0)]);
    expect(a.ledger).toEqual([]);
  });

  it('releases a hundred addresses of a drained node in few calls', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 3 });
    a.start();
    for (let index = 0; index < 100; index += 1) a.add(`pod-${index}`, address(index), { eni: 1 + (index % 3) });
    await clock.advance(MINUTE);
    const before = ec2.calls.length;

    for (let index = 0; index < 100; index += 1) a.remove(`pod-${index}`, address(index));
    await clock.advance(5 * MINUTE);

    expect(ec2.secondariesOf(eniOf('a', 1))).toEqual([]);
    expect(ec2.calls.length - before).toBeLessThanOrEqual(6);
  });

  it('keeps an address whose pod comes back within the cool-down, without a call', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);
    const writes = ec2.writes().length;

    a.remove('pod', address(0));
    await clock.advance(20 * SECOND);
    a.add('pod', address(0), { uid: 'another' });
    await clock.advance(5 * MINUTE);

    expect(ec2.writes()).toHaveLength(writes);
    expect(a.allAssigned).toBe(true);
  });

  it('releases nothing while a source of claims is blind', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);
    const writes = ec2.writes().length;

    a.complete = false;
    a.remove('pod', address(0));
    await clock.advance(HOUR);

    expect(ec2.writes()).toHaveLength(writes);
    a.complete = true;
    a.trigger();
    await clock.advance(MINUTE);
    expect(ec2.holderOf(address(0))).toBeUndefined();
  });

  it('does not release an address that another node has taken meanwhile', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    a.start();
    b.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);

    a.remove('pod', address(0));
    b.add('pod', address(0));
    await clock.advance(5 * MINUTE);

    expect(ec2.holderOf(address(0))).toBe(eniOf('b', 1));
    expect(ec2.writes('a').map(({ action }) => action)).toEqual(['assign']);
    expect(a.ledger).toEqual([]);
  });

  it('never releases under --release=never', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { policy: { release: 'never' } });
    a.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);

    a.remove('pod', address(0));
    await clock.advance(24 * HOUR);

    expect(ec2.holderOf(address(0))).toBe(eniOf('a', 1));
  });

  it('never releases an address that was on the ENI before it', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    const foreign = address(0);
    ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: eniOf('a', 1), privateIpAddresses: [foreign] });
    a.start();
    a.add('pod', foreign);
    await clock.advance(MINUTE);

    a.remove('pod', foreign);
    await clock.advance(HOUR);

    expect(ec2.writes()).toEqual([]);
    expect(ec2.holderOf(foreign)).toBe(eniOf('a', 1));
  });
});
