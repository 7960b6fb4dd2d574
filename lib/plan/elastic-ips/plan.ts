import type { AllocationId, ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { EipPlan, EipSnapshot, EipStep, PlacedEipClaim } from '../../model/elastic-ips/plan.ts';
import { podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import { findOwn, isBoundTo } from './candidates.ts';
import { type ClaimDecision, decideClaim } from './decide-claim.ts';
import { planGiveBack, unclaimed } from './give-back.ts';

/**
 * The whole decision about this node's Elastic IPs.
 *
 * Guarantees: pure; the order of the input does not matter; never pairs one EIP with two claims; never gives back what a claim owns;
 * never touches an EIP without our tags, except to take a free one that a claim names.
 */
export function planElasticIps(snapshot: EipSnapshot): EipPlan {
  const ordered = snapshot.claims.toSorted((a, b) => (a.claim.id < b.claim.id ? -1 : 1));
  const own = findOwn(ordered, snapshot);
  const kept = keptBy(own.values(), snapshot);
  const decisions = decideAll(ordered, snapshot, own, kept);
  const giveBack = planGiveBack(snapshot, kept);
  const steps = [...decisions.flatMap(({ step }) => step ?? []), ...giveBack.steps];
  const rechecks = ordered.map(({ place }) => ('recheckAt' in place ? place.recheckAt : undefined));
  const later = rechecks.filter((time) => time !== undefined && time > snapshot.now);
  const times = [...decisions.map(({ retryAt }) => retryAt), giveBack.retryAt, ...later].filter(
    (time) => time !== undefined,
  );
  return {
    steps: steps.toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind]),
    statuses: decisions.flatMap(({ status }) => status ?? []),
    unclaimed: unclaimed(snapshot, kept).map(({ eip }) => eip.allocationId),
    readEips: giveBack.readEips || decisions.some(({ readEips }) => readEips),
    retryAt: times.length > 0 ? Math.min(...times) : undefined,
  };
}

/**
 * EIPs that are some claim's, or that a call in flight is about to make one's. A call that gives an EIP back does not keep it: "unclaimed
 * since" would begin again with each such call.
 */
function keptBy(own: Iterable<ElasticIp>, { flying }: EipSnapshot): Set<AllocationId> {
  const kept = new Set(Array.from(own, ({ allocationId }) => allocationId));
  for (const step of flying.values())
    if (step.kind === 'associate' || step.kind === 'tag') kept.add(step.eip.allocationId);
  return kept;
}

function decideAll(
  ordered: readonly PlacedEipClaim[],
  snapshot: EipSnapshot,
  own: ReturnType<typeof findOwn>,
  kept: ReadonlySet<AllocationId>,
): ClaimDecision[] {
  const taken = new Set(kept);
  const misplaced = new Set(
    ordered.flatMap(({ claim, place }) => {
      const eip = own.get(claim.id);
      return eip !== undefined && !isBoundTo(place, eip) ? [eip.allocationId] : [];
    }),
  );
  const users = new Map<string, string>();
  return ordered.map((placed): ClaimDecision => {
    const { place, claim } = placed;
    const target = place.state === 'ready' ? `${place.eni} ${place.privateIp}` : undefined;
    const user = target === undefined ? undefined : users.get(target);
    if (user !== undefined) return { status: { state: 'refused', claim, refusal: sharedTarget(target ?? '', user) } };
    if (target !== undefined) users.set(target, podKey(claim.owner));
    const decision = decideClaim(placed, snapshot, { own: own.get(claim.id), taken, misplaced });
    if (decision.step?.kind === 'associate') taken.add(decision.step.eip.allocationId);
    return decision;
  });
}

function sharedTarget(target: string, user: string): Refusal {
  const message = `${user} asks for an Elastic IP on the same address (${target}) and comes first; one private address can have only one Elastic IP`;
  return { reason: 'TargetHasOtherEip', message };
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
