import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { type Ec2Call, eniOf, type FakeEc2, type Fault } from '../../support/fake-ec2.ts';
import type { FakeNode } from '../../support/fake-node.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';
import { address, MINUTE, openRig, rig, SECOND } from './rig.ts';

const VIP = ip('10.0.9.9');
const VIP6 = ip('2001:db8:0:1::99');

describe('AddressReconciler and lost answers', () => {
  it('looks before it repeats a call whose reply was lost, and so does not write twice', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    ec2.faults = once('assign', 'lost-reply');

    a.add('pod', address(0));
    await clock.until(() => a.allAssigned, 10 * SECOND);
    await clock.advance(MINUTE);

    expect(ec2.writes()).toHaveLength(1);
    expect(a.ledger).toMatchObject([{ state: 'held' }]);
  });

  it('repeats a call that never arrived', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    ec2.faults = once('assign', 'lost-request');

    a.add('pod', address(0));
    await clock.until(() => a.allAssigned, 10 * SECOND);

    expect(ec2.writes()).toHaveLength(2);
  });

  it('releases an address whose assignment was answered by silence and whose pod is gone', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    ec2.cloud.knobs.describeLagMs = 10 * SECOND;
    a.start();
    await clock.advance(20 * SECOND);
    ec2.faults = (call) => {
      if (call.action !== 'assign') return undefined;
      a.remove('pod', address(0));
      return 'lost-reply';
    };

    a.add('pod', address(0));
    await clock.advance(5 * MINUTE);

    expect(ec2.holderOf(address(0))).toBeUndefined();
    expect(a.ledger).toEqual([]);
  });

  it('keeps what it has while EC2 does not answer, and catches up when it does', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    a.add('before', address(0));
    await clock.advance(MINUTE);
    ec2.faults = () => 'unavailable';

    a.add('during', address(1));
    await clock.advance(5 * MINUTE);
    expect(a.statusOf(address(0))?.state).toBe('assigned');
    expect(a.statusOf(address(1))).toMatchObject({ state: 'pending', refusal: { reason: 'Ec2Unavailable' } });
    const attempts = ec2.writes().length;
    ec2.faults = () => undefined;
    await clock.until(() => a.allAssigned, 20 * SECOND);

    expect(attempts).toBeLessThanOrEqual(60);
  });

  it('lets other ENIs work while a call of one hangs', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 2 });
    a.start();
    await clock.advance(SECOND);
    ec2.faults = ({ eni }) => (eni === eniOf('a', 1) ? 'hang' : undefined);

    a.add('stuck', address(0), { eni: 1 });
    a.add('free', address(1), { eni: 2 });
    await clock.advance(SECOND);

    expect(a.statusOf(address(1))?.state).toBe('assigned');
    expect(a.statusOf(address(0))?.state).toBe('pending');
  });

  it('finishes what is in flight on SIGTERM, starts nothing new and keeps the addresses', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    a.add('first', address(0));
    await clock.advance(30);
    a.add('second', address(1));

    const stopped = a.stop();
    await clock.advance(SECOND);
    await stopped;

    expect(ec2.writes()).toMatchObject([{ addresses: [address(0)], outcome: 'ok' }]);
    a.start();
    await clock.until(() => a.allAssigned, SECOND);
    expect(ec2.writes().map(({ addresses }) => addresses)).toEqual([[address(0)], [address(1)]]);
  });
});

describe('AddressReconciler killed at any EC2 call', () => {
  const undisturbed = crashTest(Number.POSITIVE_INFINITY, 'after');

  it('has something to interrupt', async () => {
    const { calls, held } = await undisturbed;
    expect(calls).toBeGreaterThanOrEqual(10);
    expect(held).toEqual({
      'eni-a-1': [address(1), address(2), address(3)],
      'eni-a-2': [address(4), VIP, VIP6].sort(),
      'eni-b-1': [],
    });
  });

  const moments = (['before', 'after'] as const).flatMap((moment) =>
    Array.from({ length: 12 }, (_, index) => ({ moment, index })),
  );
  it.each(moments)(
    'ends in the same state when killed $moment the effect of call $index',
    async ({ moment, index }) => {
      const { held, leftInLedger } = await crashTest(index, moment);

      expect({ held, leftInLedger }).toEqual({
        held: (await undisturbed).held,
        leftInLedger: (await undisturbed).leftInLedger,
      });
    },
  );
});

/** Plays a fixed story and kills the agent of node `a` at its n-th call, before or after EC2 has carried it out; then starts it again. */
async function crashTest(killAt: number, moment: 'before' | 'after') {
  const { clock, ec2, node, killAll } = openRig();
  const a = node('a', { enis: 2 });
  const b = node('b');
  b.start();
  b.add('keepalived', VIP, { kind: 'floating' });
  b.add('keepalived', VIP6, { kind: 'floating' });
  await clock.advance(SECOND);
  let calls = 0;
  let killed = false;
  ec2.faults = (call) => {
    if (call.node !== 'a' || calls++ !== killAt) return undefined;
    killed = true;
    a.kill();
    return moment === 'before' ? 'lost-request' : undefined;
  };
  a.start();
  await play(a, clock);
  // The pods on b let go, as an active/standby pair does.
  b.remove('keepalived', VIP);
  b.remove('keepalived', VIP6);
  if (killed && !a.isRunning) a.start();
  await clock.advance(10 * MINUTE);
  if (!a.isRunning) a.start();
  await clock.advance(10 * MINUTE);
  const leftInLedger = a.ledger.map((entry) => entry.address).sort();
  killAll();
  return { calls, held: holdings(ec2), leftInLedger };
}

async function play(a: FakeNode, clock: VirtualClock): Promise<void> {
  for (let index = 0; index < 3; index += 1) a.add(`pod-${index}`, address(index));
  await clock.advance(SECOND);
  a.add('pod-3', address(3));
  a.add('keepalived', VIP, { kind: 'floating', eni: 2 });
  await clock.advance(SECOND);
  a.add('keepalived', VIP6, { kind: 'floating', eni: 2 });
  await clock.advance(SECOND);
  if (!a.isRunning) a.start();
  a.remove('pod-0', address(0));
  a.add('pod-4', address(4), { eni: 2 });
  await clock.advance(SECOND);
}

function holdings(ec2: FakeEc2): Record<string, string[]> {
  const enis = [eniOf('a', 1), eniOf('a', 2), eniOf('b', 1)];
  return Object.fromEntries(enis.map((eni) => [eni, ec2.secondariesOf(eni).sort()]));
}

function once(action: Ec2Call['action'], fault: Fault): (call: Ec2Call) => Fault | undefined {
  let armed = true;
  return (call) => {
    if (!armed || call.action !== action) return undefined;
    armed = false;
    return fault;
  };
}
