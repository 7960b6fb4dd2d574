import { type EipSnapshot, type EipStep, NODE_TAG, type OwnedEip } from '../../model/eip-plan.ts';
import { isOwn } from './candidates.ts';

export interface GiveBackPlan {
  readonly steps: readonly EipStep[];
  readonly readInventory: boolean;
  readonly wakeAt: number | undefined;
}

/**
 * Gives back what no claim of this node owns any more: disassociate, then release what was allocated for the pod or untag what was
 * only taken. After a grace time, in which the pod may come back under its name here or on another node, and on an inventory younger
 * than its end; at once when the pod lives on and merely its annotation went.
 */
export function planGiveBack(snapshot: EipSnapshot): GiveBackPlan {
  const steps: EipStep[] = [];
  let readInventory = false;
  let wakeAt: number | undefined;
  const { inventoryAt, claimsComplete, now } = snapshot;
  if (inventoryAt === undefined || !claimsComplete) return { steps, readInventory, wakeAt };
  for (const owned of snapshot.owned) {
    if (!isOurs(owned, snapshot) || isClaimed(owned, snapshot)) continue;
    const since = snapshot.unclaimedSince.get(owned.eip.allocationId) ?? now;
    const until = snapshot.setbacks.get(owned.eip.allocationId)?.until ?? 0;
    const due = Math.max(since + (snapshot.livePods.has(owned.owner) ? 0 : snapshot.releaseDelayMs), until);
    if (due > now) wakeAt = Math.min(due, wakeAt ?? due);
    else if (inventoryAt < due) readInventory = true;
    else steps.push(nextStep(owned));
  }
  return { steps, readInventory, wakeAt };
}

/** On one of our ENIs, or free and last looked after by this node. */
export function isOurs({ eip }: OwnedEip, { ourEnis, nodeName }: Pick<EipSnapshot, 'ourEnis' | 'nodeName'>): boolean {
  const { association } = eip;
  if (association?.eni !== undefined) return ourEnis.has(association.eni);
  return eip.tags[NODE_TAG] === nodeName;
}

/** A surplus twin of a claim's EIP (a reply was lost and the allocation repeated) counts as unclaimed, unless it is in use. */
export function isClaimed({ eip, allocatedByUs }: OwnedEip, { claims, inventory }: EipSnapshot): boolean {
  const claimants = claims.filter(({ claim }) => isOwn(claim, eip));
  if (claimants.length === 0) return false;
  if (!allocatedByUs || eip.association !== undefined) return true;
  const twins = inventory.filter((other) => claimants.some(({ claim }) => isOwn(claim, other)));
  const kept =
    twins.find(({ association }) => association !== undefined) ??
    twins.toSorted((a, b) => (a.allocationId < b.allocationId ? -1 : 1))[0];
  return kept === eip;
}

function nextStep({ eip, owner, allocatedByUs, ownTags }: OwnedEip): EipStep {
  const key = eip.allocationId;
  if (eip.association) return { kind: 'disassociate', key, owner, eip, associationId: eip.association.associationId };
  return allocatedByUs ? { kind: 'release', key, eip } : { kind: 'untag', key, eip, tags: [...ownTags, NODE_TAG] };
}
