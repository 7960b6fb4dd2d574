import type { Claim } from '../model/claim.ts';
import { attemptKey } from '../model/claim.ts';
import type { Eni } from '../model/eni.ts';
import { carries } from '../model/eni.ts';
import { familyOf } from '../model/ip.ts';
import type { LedgerEntry } from '../model/ledger.ts';
import type { Refusal } from '../model/refusal.ts';
import type { NodeSnapshot } from '../model/snapshot.ts';
import { mayTakeOver, type PlacedClaim } from './contest.ts';

/** What one winning claim needs next. */
export type Decision =
  | { readonly kind: 'assigned'; readonly record: LedgerEntry | undefined }
  | { readonly kind: 'assign'; readonly takeover: boolean }
  /** Cached facts say it is here, but they are older than the claim: somebody may have taken it meanwhile. */
  | { readonly kind: 'verify' }
  | { readonly kind: 'wait'; readonly refusal: Refusal; readonly until: number }
  /** The address comes and goes: whatever it needs is done once it has stayed. */
  | { readonly kind: 'settle'; readonly refusal: Refusal; readonly until: number }
  /** Stand down; `lookUp`: ask who holds it before trying again. */
  | { readonly kind: 'stand-down'; readonly refusal: Refusal; readonly lookUp: boolean; readonly record?: LedgerEntry };

/**
 * Decides about the winning claim of one address.
 *
 * Each appearance of an address here has the right to one takeover. The ledger remembers which appearance has had the address, over
 * restarts too, so a periodic comparison never steals: two pods that both hold a VIP cost at most one takeover each.
 */
export function decide({ claim, eni }: PlacedClaim, snapshot: NodeSnapshot): Decision {
  if (claim.calmAt !== undefined && claim.calmAt > snapshot.now) return restless(claim, claim.calmAt);
  const entry = snapshot.ledger.get(claim.address);
  const appearedAnew = entry === undefined || claim.since > entry.claimedAt;
  if (carries(eni, claim.address)) return decideCarried(claim, eni, entry, appearedAnew, snapshot);
  const setback = snapshot.setbacks.get(attemptKey(claim));
  const waiting = setback !== undefined && setback.until > snapshot.now && !snapshot.knownFree.has(claim.address);
  if (waiting) return { kind: 'wait', refusal: { ...pick(setback), address: claim.address }, until: setback.until };
  const unanswered = entry?.state === 'assigning' && entry.claimedAt === claim.since && entry.spent === undefined;
  if ((appearedAnew || unanswered || isMisplaced(entry, eni, snapshot)) && mayTakeOver(claim, snapshot.policy)) {
    return { kind: 'assign', takeover: true };
  }
  if (snapshot.knownFree.has(claim.address)) return { kind: 'assign', takeover: false };
  const knownHeld = setback?.reason === 'HeldElsewhere' || setback?.reason === 'PrimaryAddress';
  const untried = (appearedAnew || unanswered) && !knownHeld;
  return untried ? { kind: 'assign', takeover: false } : standDown(claim, entry);
}

/** We hold it ourselves, on another ENI of this node than the one that the claim turns out to sit on: nobody loses it. */
function isMisplaced(entry: LedgerEntry | undefined, eni: Eni, { enis }: NodeSnapshot): boolean {
  if (entry?.state !== 'held' || entry.eni === eni.id) return false;
  const there = enis.find(({ id }) => id === entry.eni);
  return there !== undefined && carries(there, entry.address);
}

function decideCarried(
  claim: Claim,
  eni: Eni,
  entry: LedgerEntry | undefined,
  appearedAnew: boolean,
  snapshot: NodeSnapshot,
): Decision {
  if (takesBack(claim, entry, appearedAnew, snapshot)) return { kind: 'assign', takeover: true };
  const factsAreOlder = snapshot.describedAt === undefined || snapshot.describedAt < claim.since;
  if (appearedAnew && factsAreOlder) return { kind: 'verify' };
  return { kind: 'assigned', record: recordOf(claim, eni, entry) };
}

/**
 * A floating IP that was here, left the pod and has come back: another node may have taken it meanwhile, and for some seconds neither
 * our memory of our own call nor a describe can tell. Assigning an IPv4 address where it already is changes nothing, so it is asked
 * for rather than looked up; IPv6 has no takeover in one call.
 */
function takesBack(
  claim: Claim,
  entry: LedgerEntry | undefined,
  appearedAnew: boolean,
  snapshot: NodeSnapshot,
): boolean {
  // What was found on the ENI is not ours: a call would make it so.
  const ours = entry !== undefined && entry.state !== 'found' && entry.notOurs === undefined;
  if (claim.kind !== 'floating' || !ours || familyOf(claim.address) === 6) return false;
  return appearedAnew || (entry.state === 'assigning' && snapshot.inFlight.has(claim.address));
}

/** The ledger entry that says "here, for this claim"; undefined when the ledger says so already. */
function recordOf(claim: Claim, eni: Eni, entry: LedgerEntry | undefined): LedgerEntry | undefined {
  const ours = entry !== undefined && entry.eni === eni.id && entry.state !== 'found' && entry.notOurs === undefined;
  const claimedAt = Math.max(claim.since, entry?.claimedAt ?? 0);
  const state = ours ? 'held' : 'found';
  const same =
    entry !== undefined &&
    entry.state === state &&
    entry.eni === eni.id &&
    entry.claimedAt === claimedAt &&
    entry.holder.uid === claim.holder.uid &&
    entry.interface === claim.interface;
  if (same) return undefined;
  return { address: claim.address, eni: eni.id, state, holder: claim.holder, interface: claim.interface, claimedAt };
}

function standDown(claim: Claim, entry: LedgerEntry | undefined): Decision {
  const message = `${claim.address} is held by another ENI; standing down. It is taken over only when it appears anew on ${claim.interface}${
    claim.kind === 'live' ? ', and only if eni-agent.io/floating-ips declares it' : ''
  }`;
  const refusal: Refusal = { reason: 'HeldElsewhere', message, address: claim.address };
  return { kind: 'stand-down', refusal, lookUp: true, ...lossOf(entry) };
}

function restless({ address, interface: on }: Claim, until: number): Decision {
  const message = `${address} comes and goes on ${on} too often; it is served once it stays, at most once in 5 s`;
  return { kind: 'settle', refusal: { reason: 'Flapping', message, address }, until };
}

/** The record of a loss, once. */
function lossOf(entry: LedgerEntry | undefined): { record?: LedgerEntry } {
  if (entry?.state === 'held') return { record: { ...entry, state: 'lost' } };
  if (entry?.state === 'found') return { record: { ...entry, state: 'lost', notOurs: true } };
  return {};
}

function pick({ reason, message }: { reason: Refusal['reason']; message: string }) {
  return { reason, message };
}
