import type { EipPlan, EipSnapshot, EipStep } from '../../model/eip-plan.ts';
import type { AllocationId } from '../../model/elastic-ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import { type ClaimDecision, decideClaim } from './decide-claim.ts';
import { planGiveBack } from './give-back.ts';

/**
 * The whole decision about this node's Elastic IPs.
 *
 * Guarantees: pure; never pairs one EIP with two claims; never gives back what a claim owns; never touches an EIP without our tags,
 * except to take a free one that a claim names.
 */
export function planEips(snapshot: EipSnapshot): EipPlan {
  const taken = new Set<AllocationId>();
  const targets = new Set<string>();
  const ordered = snapshot.claims.toSorted((a, b) => (a.claim.id < b.claim.id ? -1 : 1));
  const decisions = ordered.map((placed): ClaimDecision => {
    const { place, claim } = placed;
    const target = place.state === 'ready' ? `${place.eni} ${place.privateIp}` : undefined;
    if (target !== undefined && targets.has(target))
      return { status: { state: 'refused', claim, refusal: sharedTarget(target) } };
    if (target !== undefined) targets.add(target);
    const decision = decideClaim(placed, snapshot, taken);
    if (decision.step?.kind === 'associate') taken.add(decision.step.eip.allocationId);
    if (decision.status?.state === 'bound') taken.add(decision.status.allocationId);
    return decision;
  });
  const giveBack = planGiveBack(snapshot);
  const steps = [...decisions.flatMap(({ step }) => step ?? []), ...giveBack.steps];
  const times = [...decisions.map(({ wakeAt }) => wakeAt), giveBack.wakeAt].filter((time) => time !== undefined);
  return {
    steps: steps.toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind]),
    statuses: decisions.flatMap(({ status }) => status ?? []),
    readInventory: giveBack.readInventory || decisions.some(({ readInventory }) => readInventory),
    wakeAt: times.length > 0 ? Math.min(...times) : undefined,
  };
}

function sharedTarget(target: string): Refusal {
  return {
    reason: 'TargetHasOtherEip',
    message: `two annotations of this pod mean the same address (${target}); one private address has one Elastic IP`,
  };
}

/** An address that works soonest first; giving back last. */
const ORDER: Record<EipStep['kind'], number> = {
  associate: 0,
  allocate: 1,
  tag: 2,
  disassociate: 3,
  release: 4,
  untag: 4,
};
