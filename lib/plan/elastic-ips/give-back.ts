import type { AllocationId } from '../../model/elastic-ips/elastic-ip.ts';
import { type EipSnapshot, type EipStep, NODE_TAG, type OwnedEip } from '../../model/elastic-ips/plan.ts';

export interface GiveBackPlan {
  readonly steps: readonly EipStep[];
  readonly readEips: boolean;
  readonly retryAt: number | undefined;
}

/**
 * Gives back what no claim of this node owns any more: disassociate, then release what was allocated for the pod or untag what was
 * only taken. After a grace time, in which the pod may come back under its name here or on another node, and on a list of Elastic IPs younger
 * than its end. At once when waiting serves nobody: see {@link isOverForSure}. `kept` are the EIPs that claims own.
 */
export function planGiveBack(snapshot: EipSnapshot, kept: ReadonlySet<AllocationId>): GiveBackPlan {
  const steps: EipStep[] = [];
  let readEips = false;
  let retryAt: number | undefined;
  const { eipsAt, claimsComplete, now } = snapshot;
  if (eipsAt === undefined || !claimsComplete) return { steps, readEips, retryAt };
  for (const owned of unclaimed(snapshot, kept)) {
    const { allocationId } = owned.eip;
    const since = snapshot.unclaimedSince.get(allocationId) ?? now;
    const until = snapshot.backoffs.get(allocationId)?.until ?? 0;
    const delay = isOverForSure(owned, snapshot) ? 0 : snapshot.releaseDelayMs + leaveMs(owned, snapshot);
    const due = Math.max(since + delay, until);
    if (due > now) retryAt = Math.min(due, retryAt ?? due);
    else if (eipsAt < Math.max(due, owned.eipsAfter)) readEips = true;
    else steps.push(nextStep(owned));
  }
  return { steps, readEips, retryAt };
}

/** Ours, and no claim's. A surplus twin of a claim's EIP (a reply was lost and the allocation repeated) is among them. */
export function unclaimed(snapshot: EipSnapshot, kept: ReadonlySet<AllocationId>): OwnedEip[] {
  return snapshot.owned.filter((owned) => isOurs(owned, snapshot) && !kept.has(owned.eip.allocationId));
}

/**
 * On one of our ENIs; or free and last looked after by this node; or free, of no node, and seen on our ENI before we took it off
 * there (the tool that we replace names no node).
 */
export function isOurs(
  { eip }: OwnedEip,
  { ourEnis, nodeName, unclaimedSince }: Pick<EipSnapshot, 'ourEnis' | 'nodeName' | 'unclaimedSince'>,
): boolean {
  const { association } = eip;
  if (association?.eni !== undefined) return ourEnis.has(association.eni);
  const node = eip.tags[NODE_TAG];
  return node === undefined ? unclaimedSince.has(eip.allocationId) : node === nodeName;
}

/** The pod lives on and merely its annotation went, or its address belongs to another pod already, which would be reached by it. */
function isOverForSure({ eip, owner }: OwnedEip, { livePods, liveAddresses }: EipSnapshot): boolean {
  if (livePods.has(owner)) return true;
  const address = eip.association?.privateIp;
  const user = address === undefined ? undefined : liveAddresses.get(address);
  return user !== undefined && user !== owner;
}

/** Longer than the cool-down and the call of an address that goes; should it not go after all, the pairing is ended by a call of its own, ms. */
const LEAVE_MS = 15_000;

/** The pairing ends with its address: two calls for that would be one too many. */
function leaveMs({ eip: { association } }: OwnedEip, { leaving }: EipSnapshot): number {
  return association?.privateIp !== undefined && leaving.has(association.privateIp) ? LEAVE_MS : 0;
}

function nextStep({ eip, owner, allocatedByUs, ownTags }: OwnedEip): EipStep {
  const key = eip.allocationId;
  if (eip.association) return { kind: 'disassociate', key, owner, eip, associationId: eip.association.associationId };
  return allocatedByUs ? { kind: 'release', key, eip } : { kind: 'untag', key, eip, tags: [...ownTags, NODE_TAG] };
}
