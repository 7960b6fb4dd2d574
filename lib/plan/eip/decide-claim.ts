import type { EipStatus, ElasticIpClaim } from '../../model/eip-claim.ts';
import { type EipPlace, type EipSnapshot, type EipStep, NODE_TAG, type PlacedEipClaim } from '../../model/eip-plan.ts';
import type { AllocationId, ElasticIp } from '../../model/elastic-ip.ts';
import type { Reason, Refusal } from '../../model/refusal.ts';
import { findFree, findOwn, isBoundTo, isIdentifiedAs, isSuitable } from './candidates.ts';

/** What one claim needs next and where it stands until then. */
export interface ClaimDecision {
  readonly status: EipStatus | undefined;
  readonly step?: EipStep;
  readonly readInventory?: boolean;
  readonly wakeAt?: number;
}

/**
 * Decides the next call for one claim. Whatever does not need the private address is done before there is one, so that a single call
 * remains when it appears. An association that is right already costs none. `taken` are EIPs that other claims of this plan have.
 */
export function decideClaim(
  placed: PlacedEipClaim,
  snapshot: EipSnapshot,
  taken: ReadonlySet<AllocationId>,
): ClaimDecision {
  const { claim, place } = placed;
  const pending: EipStatus = { state: 'pending', claim };
  if (place.state === 'impossible') return { status: { state: 'refused', claim, refusal: place.refusal } };
  const status = place.state === 'elsewhere' ? undefined : pending;
  if (!isFreshEnough(placed, snapshot)) return { status, readInventory: true };
  const available = snapshot.inventory.filter(({ allocationId }) => !taken.has(allocationId));
  const own = findOwn(claim, place, available);
  if (own !== undefined && isBoundTo(place, own)) return bound(own, place, claim, snapshot);
  const setback = snapshot.setbacks.get(claim.id);
  if (setback !== undefined && setback.until > snapshot.now) {
    const refusal = { reason: setback.reason, message: setback.message };
    return { status: { state: 'refused', claim, refusal }, wakeAt: setback.until };
  }
  if (place.state === 'elsewhere') return { status: undefined };
  const rival = occupant(place, own, snapshot);
  if (rival !== undefined) return refuse(claim, 'TargetHasOtherEip', rival);
  if (own !== undefined) return bring(own, place, claim, status);
  return obtain(placed, snapshot, available, status);
}

function isFreshEnough({ place, inventoryAfter }: PlacedEipClaim, { inventoryAt }: EipSnapshot): boolean {
  const needed = Math.max(inventoryAfter, place.state === 'ready' ? (place.since ?? 0) : 0);
  return inventoryAt !== undefined && inventoryAt >= needed;
}

function bound(eip: ElasticIp, place: EipPlace, claim: ElasticIpClaim, { nodeName }: EipSnapshot): ClaimDecision {
  if (place.state !== 'ready') return { status: { state: 'pending', claim } };
  const { publicIp, allocationId } = eip;
  const status: EipStatus = {
    state: 'bound',
    claim,
    publicIp,
    allocationId,
    eni: place.eni,
    privateIp: place.privateIp,
  };
  const wanted = { ...claim.tags, [NODE_TAG]: nodeName };
  const missing = Object.entries(wanted).filter(([key, value]) => eip.tags[key] !== value);
  if (missing.length === 0) return { status };
  return { status, step: { kind: 'tag', key: claim.id, claim, eip, tags: Object.fromEntries(missing) } };
}

/** Somebody else's EIP on the target: EC2 would push it off without asking. */
function occupant(place: EipPlace, own: ElasticIp | undefined, snapshot: EipSnapshot): string | undefined {
  if (place.state !== 'ready') return undefined;
  const other = snapshot.inventory.find((eip) => eip !== own && isBoundTo(place, eip));
  if (other)
    return `${place.privateIp} already has ${other.publicIp} (${other.allocationId}), which is not this pod's; disassociate it or use another address`;
  if (place.occupant === 'foreign')
    return `${place.privateIp} already has an Elastic IP of another owner; disassociate it or use another address`;
  return undefined;
}

/** The claim's own EIP is known, but not where it should be. */
function bring(eip: ElasticIp, place: EipPlace, claim: ElasticIpClaim, status: EipStatus | undefined): ClaimDecision {
  if (place.state !== 'ready') return { status };
  const { eni, privateIp } = place;
  const allowReassociation = eip.association !== undefined;
  return { status, step: { kind: 'associate', key: claim.id, claim, eip, eni, privateIp, allowReassociation } };
}

function obtain(
  { claim, place }: PlacedEipClaim,
  snapshot: EipSnapshot,
  available: readonly ElasticIp[],
  status: EipStatus | undefined,
): ClaimDecision {
  const { source } = claim;
  if (source.kind === 'allocate') {
    // A floating address may be held elsewhere, with its EIP: only the holder asks for one.
    if (claim.target.kind === 'address' && place.state !== 'ready') return { status };
    const tags = { ...claim.tags, [NODE_TAG]: snapshot.nodeName };
    return { status, step: { kind: 'allocate', key: claim.id, claim, pool: source.pool, tags } };
  }
  const suitable = snapshot.inventory.filter((eip) => isSuitable(claim, eip));
  if (suitable.length === 0) return refuse(claim, ...nothingSuits(claim));
  const isOthers = (eip: ElasticIp) =>
    snapshot.owned.some((owned) => owned.eip === eip) && !isIdentifiedAs(claim, eip) && source.kind === 'tagged';
  const [first] = findFree(claim, available, isOthers);
  if (first === undefined) return refuse(claim, ...allInUse(claim, suitable));
  if (place.state !== 'ready') return { status };
  const { eni, privateIp } = place;
  return {
    status,
    step: { kind: 'associate', key: claim.id, claim, eip: first, eni, privateIp, allowReassociation: false },
  };
}

function nothingSuits({ source }: ElasticIpClaim): [Reason, string] {
  if (source.kind === 'fixed')
    return ['EipNotFound', `${source.allocationId} does not exist in this account and region`];
  const tag = source.kind === 'tagged' ? `${source.key}${source.value === undefined ? '' : `=${source.value}`}` : '';
  return ['EipPoolEmpty', `no Elastic IP has the tag ${tag}; tag one that is free`];
}

function allInUse({ source }: ElasticIpClaim, suitable: readonly ElasticIp[]): [Reason, string] {
  const list = suitable.map(({ publicIp }) => publicIp).join(', ');
  if (source.kind === 'fixed')
    return ['EipInUse', `${source.allocationId} (${list}) is associated with another address; it is not taken away`];
  return ['EipPoolEmpty', `all ${suitable.length} Elastic IPs with this tag are in use (${list})`];
}

function refuse(claim: ElasticIpClaim, reason: Reason, message: string): ClaimDecision {
  const refusal: Refusal = { reason, message };
  return { status: { state: 'refused', claim, refusal } };
}
