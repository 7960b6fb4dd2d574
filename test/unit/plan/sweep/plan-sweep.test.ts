import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ip } from '../../../../lib/model/ip.ts';
import type { NetworkInterface } from '../../../../lib/model/network-interface.ts';
import type { OwnerVerdict, SweepItem, SweepSnapshot } from '../../../../lib/model/sweep.ts';
import { planSweep } from '../../../../lib/plan/sweep/plan-sweep.ts';
import { elasticIp, networkInterface } from '../../../support/builders.ts';

const MINUTE = 60_000;

function eipItem(id: string, about: { bound?: boolean; allocatedByUs?: boolean } = {}): SweepItem {
  const association = about.bound
    ? { associationId: `assoc-${id}`, eni: 'eni-1', privateIp: ip('10.0.0.1') }
    : undefined;
  const owner = { kind: 'pod', pod: 'ns/pod' } as const;
  return {
    kind: 'elastic-ip',
    id,
    owner,
    eip: elasticIp({ allocationId: id, association }),
    allocatedByUs: about.allocatedByUs ?? true,
    ownTags: ['tag'],
  };
}

function eniItem(id: string, more: Partial<NetworkInterface> = {}): SweepItem {
  const facts = networkInterface({ id, ...more });
  return { kind: 'interface', id, owner: { kind: 'object', of: 'enis', uid: 'u', namespace: 'ns' }, facts };
}

/** One item, whose owner was first found gone 20 minutes ago. */
function due(item: SweepItem, more: Partial<SweepSnapshot> = {}): SweepSnapshot {
  return {
    now: 30 * MINUTE,
    readAt: 30 * MINUTE,
    items: [item],
    verdicts: new Map([[item.id, 'gone']]),
    goneSince: new Map([[item.id, 10 * MINUTE]]),
    cooldownMs: 10 * MINUTE,
    maxSteps: 10,
    ...more,
  };
}

const attachment = { id: 'attach-1', instanceId: 'i-1', deviceIndex: 1, networkCard: 0, state: 'attached' } as const;
const withEip = [
  { ip: ip('10.0.0.9'), primary: true, association: { publicIp: ip('203.0.113.9'), allocationId: 'eipalloc-9' } },
];

describe('the next call for an orphan', () => {
  it.each<[string, SweepItem, string]>([
    ['a free EIP of ours', eipItem('e'), 'release'],
    ['a bound EIP of ours', eipItem('e', { bound: true }), 'disassociate'],
    ['a free EIP that was only taken', eipItem('e', { allocatedByUs: false }), 'untag'],
    ['a bound EIP that was only taken', eipItem('e', { bound: true, allocatedByUs: false }), 'disassociate'],
    ['a detached interface', eniItem('i'), 'delete'],
    ['an attached interface', eniItem('i', { attachment }), 'detach'],
    ['an interface on its way', eniItem('i', { attachment: { ...attachment, state: 'detaching' } }), 'waits for EC2'],
    ["an instance's first interface", eniItem('i', { attachment: { ...attachment, deviceIndex: 0 } }), 'waits for EC2'],
    ['an interface with an Elastic IP', eniItem('i', { addresses: withEip }), 'waits for Elastic IP on it'],
  ])('%s: %s → %s', (_, item, expected) => {
    const { steps, orphans } = planSweep(due(item));

    expect(steps[0]?.kind ?? `waits for ${orphans[0]?.waitsFor}`).toBe(expected);
  });

  it.each<[string, Partial<SweepSnapshot>, string | undefined]>([
    ['never seen gone before', { goneSince: new Map() }, 'second look'],
    ['gone for too short a time', { goneSince: new Map([['e', 25 * MINUTE]]) }, 'cool-down'],
    ['behind others, with the calls of this sweep used up', { maxSteps: 0 }, 'next sweep'],
  ])('waits when it is %s', (_, more, waitsFor) => {
    const plan = planSweep(due(eipItem('e'), more));

    expect(plan.steps).toEqual([]);
    expect(plan.orphans[0]?.waitsFor).toBe(waitsFor);
    expect(plan.retryAt).toBeGreaterThan(30 * MINUTE - 1);
  });

  it.each(['lives', 'unknown', undefined] as const)('starts all over when its owner is %s once', (verdict) => {
    const item = eipItem('e');
    const plan = planSweep(due(item, { verdicts: new Map(verdict ? [[item.id, verdict]] : []) }));

    expect(plan).toMatchObject({ steps: [], orphans: [] });
    expect(plan.goneSince.size).toBe(0);
  });
});

describe('any number of sweeps', () => {
  const verdict = fc.constantFrom<OwnerVerdict>('lives', 'gone', 'unknown');
  const history = fc.array(
    fc.record({
      minutes: fc.integer({ min: 1, max: 30 }),
      verdicts: fc.array(verdict, { minLength: 4, maxLength: 4 }),
    }),
    {
      minLength: 1,
      maxLength: 12,
    },
  );

  it('touch nothing whose owner was not found gone in unbroken succession for the whole cool-down', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 4 }), (sweeps, maxSteps) => {
        const items = [
          eipItem('a'),
          eipItem('b', { bound: true }),
          eniItem('c'),
          eipItem('d', { allocatedByUs: false }),
        ];
        const seen: { at: number; verdicts: readonly OwnerVerdict[] }[] = [];
        let goneSince: ReadonlyMap<string, number> = new Map();
        let now = 0;
        for (const sweep of sweeps) {
          now += sweep.minutes * MINUTE;
          seen.push({ at: now, verdicts: sweep.verdicts });
          const verdicts = new Map(items.map(({ id }, index) => [id, sweep.verdicts[index] ?? 'unknown']));
          const plan = planSweep({ now, readAt: now, items, verdicts, goneSince, cooldownMs: 10 * MINUTE, maxSteps });
          goneSince = plan.goneSince;
          expect(plan.steps.length).toBeLessThanOrEqual(maxSteps);
          for (const step of plan.steps) {
            const index = items.indexOf(step.item);
            const run = seen.slice(seen.findLastIndex(({ verdicts: said }) => said[index] !== 'gone') + 1);
            expect(run.length).toBeGreaterThanOrEqual(2);
            expect(now - (run[0]?.at ?? now)).toBeGreaterThanOrEqual(10 * MINUTE);
          }
        }
      }),
    );
  });
});
