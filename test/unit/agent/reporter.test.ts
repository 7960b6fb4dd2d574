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

describe('a takeover', () => {
  it.each([
    ['is counted with the kind of claim that gave the right to', 'eni-9', ['ipam']],
    ['is not counted where nobody held the address', undefined, []],
  ])('%s', (_name, holder, expected) => {
    const causes: string[] = [];
    const metrics = { ...noMetrics, tookOver: (cause: string) => void causes.push(cause) };
    const made = new AddressReporter({ clock: new VirtualClock(), log: silentLogger, metrics, emit: () => undefined });
    const { claim } = refused('HeldElsewhere');

    made.assigned([claim], 'eni-1', {
      from: new Map(holder === undefined ? [] : [[claim.address, holder]]),
      takeover: holder !== undefined,
      durationMs: 1,
      requestId: 'r',
    });

    expect(causes).toEqual(expected);
  });
});
