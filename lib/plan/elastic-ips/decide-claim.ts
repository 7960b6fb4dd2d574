import type { EipStatus, ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { AllocationId, ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { type EipPlace, type EipSnapshot, type EipStep, type PlacedEipClaim } from '../../model/elastic-ips/plan.ts';
import type { Reason, Refusal } from '../../model/refusal.ts';
import { missingTags, otherOwner, tagsOf } from './belonging.ts';
import { findFree, isBoundTo, isSuitable } from './candidates.ts';
import { isOurs } from './give-back.ts';

/** What one claim needs next and where it stands until then. */
export interface ClaimDecision {
  readonly status: EipStatus | undefined;
  readonly step?: EipStep;
  readonly readEips?: boolean;
  readonly retryAt?: number;
}

/** What other claims of the same plan leave to this one. */
export interface ClaimedElasticIps {
  /** The EIP that is the claim's already. */
  readonly own: ElasticIp | undefined;
  /** EIPs that other claims have or are taking just now. */
  readonly taken: ReadonlySet<AllocationId>;
  /** EIPs of claims of this node that are not where those claims want them. */
  readonly misplaced: ReadonlySet<AllocationId>;
}

/** Shortest and longest time between two looks at a list of Elastic IPs in which nothing suits, ms. The time doubles from look to look. */
const RECHECK_MS = [10_000, 600_000] as const;
/** How long an EIP that was handed over may lack the tags that prove it before the claim is refused, ms. */
const PROOF_MS = 5_000;

/**
 * Decides the next call for one claim. Whatever does not need the private address is done before there is one, so that a single call
 * remains when it appears. An association that is right already costs none.
 */
export function decideClaim(placed: PlacedEipClaim, snapshot: EipSnapshot, claimed: ClaimedElasticIps): ClaimDecision {
  const { claim, place } = placed;
  if (place.state === 'impossible') return { status: { state: 'refused', claim, refusal: place.refusal } };
  // Somebody else's turn: also the EIP on the floating address is the holder's business.
  if (place.state === 'elsewhere') return { status: undefined };
  const fresh = isFreshEnough(placed, snapshot);
  const { own } = claimed;
  // It came back while its EIP is being given back: what that call made of it is known with its answer.
  if (own !== undefined && snapshot.flying.has(own.allocationId)) return { status: { state: 'pending', claim } };
  if (own !== undefined && place.state === 'ready' && isBoundTo(place, own)) {
    if (isBeingEnded(own, place, snapshot)) return { status: { state: 'pending', claim } };
    // The last call for it may have moved it: what the list of Elastic IPs showed before proves nothing.
    if (!fresh && snapshot.backoffs.has(claim.id)) return unread(claim, snapshot);
    return { ...bound(own, place, claim, snapshot), readEips: !fresh };
  }
  if (!fresh) return unread(claim, snapshot);
  const backoff = snapshot.backoffs.get(claim.id);
  if (backoff !== undefined && backoff.until > snapshot.now) {
    const refusal = { reason: backoff.reason, message: backoff.message };
    return { status: { state: 'refused', claim, refusal }, retryAt: backoff.until };
  }
  const next = own === undefined ? obtain(placed, snapshot, claimed) : bring(own, placed, snapshot);
  const rival = occupant(place, own, snapshot);
  // Another pod's that had this address before and is about to be taken along: the association here pushes it off (EC2 AssociateAddress).
  // Waiting would be forever where pods have exchanged their addresses.
  return rival === undefined || claimed.misplaced.has(rival.allocationId) ? next : wait(rival, placed, snapshot, next);
}

function isFreshEnough({ place, eipsAfter }: PlacedEipClaim, { eipsAt }: EipSnapshot): boolean {
  const needed = Math.max(eipsAfter, place.state === 'ready' ? (place.since ?? 0) : 0);
  return eipsAt !== undefined && eipsAt >= needed;
}

/**
 * A call under way ends this pairing: it takes the EIP elsewhere (asked for by the pod that had the name before), or brings another one
 * here. Until its answer is known, the pod must not name a public address that reaches somebody else.
 */
function isBeingEnded(
  own: ElasticIp,
  { eni, privateIp }: EipPlace & { readonly state: 'ready' },
  { flying }: EipSnapshot,
) {
  return Array.from(flying.values()).some((step) => {
    if (step.kind !== 'associate') return false;
    const isHere = step.eni === eni && step.privateIp === privateIp;
    return isHere !== (step.eip.allocationId === own.allocationId);
  });
}

/** Nothing can be said on a list of Elastic IPs this old; if it cannot be read at all, the claim says why. */
function unread(claim: ElasticIpClaim, { eipsError: refusal }: EipSnapshot): ClaimDecision {
  const status: EipStatus = refusal
    ? { state: 'refused', claim, refusal, unseen: true }
    : { state: 'pending', claim, unseen: true };
  return { status, readEips: true };
}

function bound(
  eip: ElasticIp,
  { eni, privateIp }: EipPlace & { readonly state: 'ready' },
  claim: ElasticIpClaim,
  { nodeName, backoffs, now }: EipSnapshot,
): ClaimDecision {
  const { publicIp, allocationId } = eip;
  const status: EipStatus = { state: 'bound', claim, publicIp, allocationId, eni, privateIp };
  const tags = missingTags(claim, eip, nodeName);
  if (tags === undefined) return { status };
  // It works without its tags: a refusal to write them is not a refusal of the claim.
  const until = backoffs.get(claim.id)?.until ?? 0;
  if (until > now) return { status, retryAt: until };
  return { status, step: { kind: 'tag', key: claim.id, claim, eip, tags } };
}

/** Another EIP on the target: EC2 would push it off without asking. */
function occupant(place: EipPlace, own: ElasticIp | undefined, { eips }: EipSnapshot): ElasticIp | undefined {
  return eips.find((eip) => eip !== own && isBoundTo(place, eip));
}

/** One of ours is about to go to make room for `next`, and what keeps it is reported; somebody else's stays. */
function wait(rival: ElasticIp, placed: PlacedEipClaim, snapshot: EipSnapshot, next: ClaimDecision): ClaimDecision {
  const { claim } = placed;
  const ours = snapshot.owned.find(({ eip }) => eip === rival);
  if (ours === undefined || !isOurs(ours, snapshot)) {
    const { publicIp, allocationId, association } = rival;
    const message = `${association?.privateIp} already has ${publicIp} (${allocationId}), which belongs to somebody else; disassociate it or use another address`;
    return refuse(placed, snapshot, 'TargetHasOtherEip', message);
  }
  // Whoever holds a Lease keeps it until there is something to make room for.
  if (snapshot.nodeName === undefined && next.status?.state === 'refused') return next;
  const backoff = snapshot.backoffs.get(rival.allocationId);
  if (backoff === undefined) return { status: { state: 'pending', claim } };
  return { status: { state: 'refused', claim, refusal: { reason: backoff.reason, message: backoff.message } } };
}

/**
 * The claim has had its EIP, and another node has it now: the pod of this name runs there, and this node's watch is late or cut off; or somebody has
 * moved it by hand. A comparison never takes it back. On its own floating address it merely has not been seen here yet.
 */
function isTakenAway(
  { association }: ElasticIp,
  { place, wasBound }: PlacedEipClaim,
  { ourEnis }: EipSnapshot,
): boolean {
  if (wasBound !== true || association?.eni === undefined || place.state !== 'ready') return false;
  return !ourEnis.has(association.eni) && association.privateIp !== place.privateIp;
}

function takenAway({ publicIp, allocationId, association }: ElasticIp): string {
  return `${publicIp} (${allocationId}) is associated with ${association?.privateIp} on ${association?.eni} by now, where a later pod of this name or somebody else has taken it; it is not taken back; disassociate it there, or make this pod again`;
}

/** The claim's own EIP is known, but not where it should be. */
function bring(eip: ElasticIp, placed: PlacedEipClaim, snapshot: EipSnapshot): ClaimDecision {
  return isTakenAway(eip, placed, snapshot)
    ? refuse(placed, snapshot, 'EipInUse', takenAway(eip))
    : pair(eip, placed, snapshot, eip.association !== undefined);
}

/** Its last step; without a node's record the tags come first: see `EipSnapshot.nodeName`. */
function pair(
  eip: ElasticIp,
  { claim, place }: PlacedEipClaim,
  { nodeName }: EipSnapshot,
  allowReassociation: boolean,
): ClaimDecision {
  const status: EipStatus = { state: 'pending', claim };
  if (place.state !== 'ready') return { status };
  const tags = nodeName === undefined ? missingTags(claim, eip, nodeName) : undefined;
  if (tags !== undefined) return { status, step: { kind: 'tag', key: claim.id, claim, eip, tags } };
  const { eni, privateIp } = place;
  return { status, step: { kind: 'associate', key: claim.id, claim, eip, eni, privateIp, allowReassociation } };
}

function obtain(placed: PlacedEipClaim, snapshot: EipSnapshot, { taken }: ClaimedElasticIps): ClaimDecision {
  const { claim, place } = placed;
  const { source } = claim;
  if (source.kind === 'allocate') {
    // A floating address may be held elsewhere, with its EIP: only the holder asks for one.
    const status: EipStatus = { state: 'pending', claim };
    if (claim.target.kind === 'address' && place.state !== 'ready') return { status };
    const tags = tagsOf(claim, snapshot.nodeName);
    return { status, step: { kind: 'allocate', key: claim.id, claim, pool: source.pool, tags } };
  }
  const suitable = snapshot.eips.filter((eip) => isSuitable(claim, eip));
  if (suitable.length === 0) return refuse(placed, snapshot, ...nothingSuits(claim));
  const others = suitable.flatMap((eip) => otherOwner(claim, eip, snapshot) ?? []).toSorted();
  if (others.length > 0 && mayStillBeProved(placed, snapshot)) return lookAgainSoon(claim, snapshot);
  const asked = askedFor(claim, snapshot);
  const isOthers = (eip: ElasticIp) =>
    (taken.has(eip.allocationId) && eip.allocationId !== asked) || otherOwner(claim, eip, snapshot) !== undefined;
  const free = findFree(claim, snapshot.eips, isOthers);
  const first = free.find(({ allocationId }) => allocationId === asked) ?? free[0];
  if (first === undefined) return refuse(placed, snapshot, ...allInUse(claim, suitable, others));
  return pair(first, placed, snapshot, false);
}

/** The EIP that this claim's own unanswered call is about to pair: it is nobody else's, and no second one is chosen beside it. */
function askedFor({ id }: ElasticIpClaim, { flying }: EipSnapshot): AllocationId | undefined {
  const step = flying.get(id);
  return step?.kind === 'associate' ? step.eip.allocationId : undefined;
}

function nothingSuits({ source }: ElasticIpClaim): [Reason, string] {
  if (source.kind === 'fixed')
    return ['EipNotFound', `${source.allocationId} does not exist in this account and region`];
  const tag = source.kind === 'tagged' ? `${source.key}${source.value === undefined ? '' : `=${source.value}`}` : '';
  return ['EipPoolEmpty', `no Elastic IP has the tag ${tag}; tag one that is free`];
}

/** The tags that prove a handover are written just before its annotation, and EC2's describes lag. */
function mayStillBeProved({ claim, eipsAfter }: PlacedEipClaim, { now }: EipSnapshot): boolean {
  return claim.dialect === 'handover' && now - eipsAfter < PROOF_MS;
}

function lookAgainSoon(claim: ElasticIpClaim, { eipsAt = 0, now }: EipSnapshot): ClaimDecision {
  const due = eipsAt + PROOF_MS / 5;
  const status: EipStatus = { state: 'pending', claim };
  return due <= now ? { status, readEips: true } : { status, retryAt: due };
}

/** `others`: whom those of them belong to that are somebody else's by their tags. */
function allInUse(
  { source }: ElasticIpClaim,
  suitable: readonly ElasticIp[],
  others: readonly string[],
): [Reason, string] {
  const shown = suitable.slice(0, 10).map(({ publicIp }) => publicIp);
  const list = [...shown, ...(suitable.length > shown.length ? ['…'] : [])].join(', ');
  if (source.kind === 'fixed')
    return [
      'EipInUse',
      `${source.allocationId} (${list}) belongs to ${others[0] ?? 'another owner'}; it is not taken away`,
    ];
  const owners = others.length === 0 ? '' : `; ${others.length} of them belong to others, such as ${others[0]}`;
  return ['EipPoolEmpty', `all ${suitable.length} Elastic IPs with this tag are in use (${list})${owners}`];
}

/** Refused for what the list of Elastic IPs shows: looked at again now and then, because somebody may fix it. */
function refuse(
  { claim, refusedSince }: PlacedEipClaim,
  snapshot: EipSnapshot,
  reason: Reason,
  message: string,
): ClaimDecision {
  const refusal: Refusal = { reason, message };
  const { eipsAt = 0, now } = snapshot;
  const [shortest, longest] = RECHECK_MS;
  const due = eipsAt + Math.min(longest, Math.max(shortest, eipsAt - (refusedSince ?? now)));
  return { status: { state: 'refused', claim, refusal }, ...(due <= now ? { readEips: true } : { retryAt: due }) };
}
