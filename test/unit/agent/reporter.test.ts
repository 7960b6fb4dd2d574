import { describe, expect, it } from 'vitest';
import { AddressReporter, type PodEvent } from '../../../agent/addresses/reporter.ts';
import type { ClaimStatus } from '../../../lib/model/addresses/plan.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { Reason } from '../../../lib/model/refusal.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { noMetrics } from '../../../lib/runtime/metrics.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function refused(reason: Reason): ClaimStatus {
  const holder = { namespace: 'default', name: 'pod', uid: 'u' };
  const place = { address: ip('10.0.0.5'), interface: 'net1', mac: undefined, masterMac: undefined };
  const claim = { ...place, kind: 'ipam' as const, holder, since: 0 };
  return { claim, state: 'refused', eni: undefined, refusal: { reason, message: 'why' } };
}

function story() {
  const clock = new VirtualClock();
  const events: PodEvent[] = [];
  const made = new AddressReporter({
    clock,
    log: silentLogger,
    metrics: noMetrics,
    emit: (event) => events.push(event),
  });
  /** The words of the Events after rounds this far apart, each with what it found. */
  const after = async (ms: number, rounds: readonly (Reason | undefined)[]) => {
    for (const reason of rounds) {
      made.statuses(reason === undefined ? [] : [refused(reason)]);
      await clock.advance(ms);
    }
    return events.map(({ message }) => message.split(':')[0]);
  };
  return { after };
}

describe('the Warning Events of refused addresses', () => {
  const down = 'Ec2Unavailable';
  const rows: [string, number, (Reason | undefined)[], Reason[]][] = [
    ['nothing for a failure that passes', 1_000, [down, down, undefined], []],
    ['nothing for failures with successes in between', 4_000, [down, down, undefined, down, down], []],
    ['one for a failure that lasts', 4_000, [down, down, down, down, down], [down]],
    ['the present reason when a trouble that lasts changes', 6_000, [down, 'Throttled', 'Throttled'], ['Throttled']],
    ['at once what a human must put right', 1_000, ['Unauthorized', 'Unauthorized'], ['Unauthorized']],
    ['no second time what a passing failure hid', 1_000, ['OutsideSubnet', down, 'OutsideSubnet'], ['OutsideSubnet']],
  ];
  it.each(rows)('say %s', async (_name, ms, rounds, expected) => {
    expect(await story().after(ms, rounds)).toEqual(expected);
  });
});

describe('a move by force', () => {
  const holder = { namespace: 'default', name: 'pod', uid: 'u' };
  const claim = {
    address: ip('10.0.0.5'),
    interface: 'net1',
    mac: undefined,
    masterMac: undefined,
    kind: 'floating' as const,
    holder,
    since: 0,
  };
  const call = { durationMs: 1, requestId: 'r', takeover: true };

  function told() {
    const [events, took]: [PodEvent[], unknown[]] = [[], []];
    const metrics = { ...noMetrics, tookOver: (...about: unknown[]) => void took.push(about) };
    const made = new AddressReporter({
      clock: new VirtualClock(0),
      log: silentLogger,
      metrics,
      emit: (event) => events.push(event),
    });
    return { made, took, said: () => events.map(({ reason, message }) => `${reason}: ${message}`) };
  }

  it('is reported and counted with the ENI that lost the address', () => {
    const { made, took, said } = told();
    made.assigned([claim], 'eni-1', { ...call, from: new Map([[claim.address, 'eni-7']]) });
    expect(took).toEqual([['floating', 'eni-7']]);
    expect(said()).toEqual(['AddressMoved: 10.0.0.5 (net1) moved from eni-7 to eni-1 after 0 ms']);
  });

  it('is reported the same way when its answer was lost', () => {
    const { made, took, said } = told();
    const entry = {
      address: claim.address,
      eni: 'eni-1',
      state: 'held' as const,
      holder,
      interface: 'net1',
      claimedAt: 0,
    };
    made.confirmed(claim, entry, 'eni-7');
    made.confirmed(claim, entry, undefined);
    expect(took).toEqual([['floating', 'eni-7']]);
    expect(said().map((text) => text.split(':')[0])).toEqual(['AddressMoved', 'AddressAssigned']);
  });

  it('is none when EC2 answers that the address was there already', () => {
    const { made, took, said } = told();
    made.assigned([claim], 'eni-1', { ...call, from: new Map(), assigned: [] });
    made.assigned([claim], 'eni-1', { ...call, from: new Map(), assigned: [claim.address] });
    expect(took).toEqual([['floating', undefined]]);
    expect(said().map((text) => text.split(':')[0])).toEqual(['AddressAssigned', 'AddressMoved']);
  });
});
