import type { Claim } from '../../model/addresses/claim.ts';
import { attemptKey, whyUnconfirmed } from '../../model/addresses/claim.ts';
import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { NodeSnapshot } from '../../model/addresses/snapshot.ts';
import type { Eni, EniId } from '../../model/eni.ts';
import { carries } from '../../model/eni.ts';
import { familyOf } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import { mayTakeOver, type PlacedClaim } from './conflict.ts';
import { pursue } from './pursue.ts';

/** What one winning claim needs next. */
export type Decision =
  | { readonly kind: 'assigned'; readonly record: LedgerEntry | undefined }
  | {
      readonly kind: 'assign';
      readonly takeover: boolean;
      /** See `AssignAction`. */
      readonly from: EniId | undefined;
      readonly looksUp: boolean;
      /** Look the holder up while the call is under way, for the case that it is refused. */
      readonly lookBeside?: true;
    }
  /** Who holds it has to be known first. */
  | { readonly kind: 'look' }
  /** EC2 contradicts itself about the address: ask again when its view has caught up. */
  | { readonly kind: 'pause'; readonly until: number }
  /** Cached facts say it is here, but they are older than the claim: somebody may have taken it meanwhile. */
  | { readonly kind: 'verify' }
  | { readonly kind: 'wait'; readonly refusal: Refusal; readonly until: number }
  /** The address comes and goes: whatever it needs is done once it has stayed. */
  | { readonly kind: 'settle'; readonly refusal: Refusal; readonly until: number }
  /** The CNI result will say in a moment what to do. */
  | { readonly kind: 'provisional' }
  /** Stand down, and ask who holds it before trying again. */
  | { readonly kind: 'stand-down'; readonly refusal: Refusal; readonly record?: LedgerEntry };

/**
 * Decides about the winning claim of one address.
 *
 * Each appearance of an address here has the right to one takeover. The ledger remembers which appearance has had the address, over
 * restarts too, so a periodic comparison never steals: two pods that both hold a VIP cost at most one takeover each.
 */
export function decide({ claim, eni }: PlacedClaim, snapshot: NodeSnapshot): Decision {
  if (claim.calmAt !== undefined && claim.calmAt > snapshot.now) return restless(claim, claim.calmAt);
  const entry = recordOfOurs(snapshot.ledger.get(claim.address));
  const appearedAnew = entry === undefined || claim.since > entry.claimedAt;
  const carried = carries(eni, claim.address);
  if (carried && !comesBack(claim, entry, appearedAnew, snapshot))
    return decideCarried(claim, eni, entry, appearedAnew, snapshot);
  const backoff = snapshot.backoffs.get(attemptKey(claim));
  const waiting = backoff !== undefined && backoff.until > snapshot.now && !snapshot.knownFree.has(claim.address);
  if (waiting) return { kind: 'wait', refusal: { ...pick(backoff), address: claim.address }, until: backoff.until };
  const unanswered = entry?.state === 'assigning' && entry.claimedAt === claim.since && entry.spent === undefined;
  if (isMisplaced(entry, eni, snapshot) && mayTakeOver(claim, snapshot.policy)) {
    return { kind: 'assign', takeover: true, from: entry?.eni, looksUp: false };
  }
  const untried = appearedAnew || unanswered;
  if (untried && claim.inPlace === undefined && mayTakeOver(claim, snapshot.policy)) {
    const next = pursue(claim, eni, snapshot);
    if (next.kind === 'verify' && carried)
      return insist(claim, snapshot) ?? decideCarried(claim, eni, entry, appearedAnew, snapshot);
    return next.kind === 'overtaken' ? standDown(claim, eni, entry) : next;
  }
  if (isProvisional(claim, snapshot)) return foresee(claim, snapshot);
  if (snapshot.knownFree.has(claim.address)) return PLAIN;
  const knownHeld = ['HeldElsewhere', 'PrimaryAddress', 'ProtectedInterface'].includes(backoff?.reason ?? '');
  return untried && !knownHeld && !snapshot.refusedAsHeld.has(claim.address) ? PLAIN : standDown(claim, eni, entry);
}

/** A refusal says who does not have the address: we. What else is known of it is in the snapshot's `refusedAsHeld`. */
function recordOfOurs(entry: LedgerEntry | undefined): LedgerEntry | undefined {
  return entry?.state === 'refused' ? undefined : entry;
}

/** EC2's describes lag behind its answers by less, ms. */
const LAG_MS = 10_000;
/** Pause between two looks at an IPv6 address of which EC2 says that another has it, and shows that we have it, ms. */
const LOOK_AGAIN_MS = 1_000;

const PLAIN = { kind: 'assign', takeover: false, from: undefined, looksUp: false } as const satisfies Decision;

function isProvisional({ provisionalUntil }: Claim, { now }: NodeSnapshot): boolean {
  return provisionalUntil !== undefined && provisionalUntil > now;
}

/** Asks for it, and finds the holder if there is one, so that nothing is left to ask once the CNI result says whose it is. */
function foresee({ address, since }: Claim, { refusedAsHeld, holders }: NodeSnapshot): Decision {
  if ((refusedAsHeld.get(address)?.lastAt ?? 0) < since) return { ...PLAIN, looksUp: true };
  const known = holders.get(address);
  return known === undefined || known.askedAt < since ? { kind: 'look' } : { kind: 'provisional' };
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
  const describedAt = snapshot.describedAt ?? Number.NEGATIVE_INFINITY;
  if (appearedAnew && describedAt < claim.since) return { kind: 'verify' };
  // Nor are they worth anything when a call for it has failed, or EC2 has said that another has it, since.
  const contradictedAt = [snapshot.doubts.get(claim.address)?.at, snapshot.refusedAsHeld.get(claim.address)?.lastAt];
  if (contradictedAt.some((at) => at !== undefined && describedAt < at)) return { kind: 'verify' };
  return { kind: 'assigned', record: recordOf(claim, eni, entry) };
}

/**
 * A floating IP that was here, left the pod and has come back: another node may have taken it meanwhile, and for some seconds neither
 * our memory of our own call nor a describe can say. So it is asked for like one that is not here. Assigning an address where it already is
 * changes nothing. After a failed call the facts are looked at again before anything is asked.
 */
function comesBack(
  claim: Claim,
  entry: LedgerEntry | undefined,
  appearedAnew: boolean,
  { policy, doubts }: NodeSnapshot,
): boolean {
  // What was found on the ENI is not ours: a call would make it so.
  const ours = entry !== undefined && entry.state !== 'found' && entry.notOurs === undefined;
  if (claim.kind !== 'floating' || !ours || claim.inPlace) return false;
  const asked = entry.state === 'assigning' && entry.claimedAt === claim.since && entry.spent === undefined;
  const failed = (doubts.get(claim.address)?.at ?? Number.NEGATIVE_INFINITY) >= claim.since;
  return mayTakeOver(claim, policy) && (appearedAnew || asked) && !failed;
}

/**
 * EC2 refuses an address that came back and that a look shows on our own ENI: its view lags, or it refuses what is there already. A look
 * after the refusal lets the call insist: where the look is right this changes nothing, and where it lags, the pod that added the address
 * last has it. IPv6 has no such call: there a look is believed that is younger than the refusal by more than any lag.
 */
function insist({ address, since }: Claim, { refusedAsHeld, holders, now }: NodeSnapshot): Decision | undefined {
  const refusedAt = refusedAsHeld.get(address)?.lastAt;
  if (refusedAt === undefined || refusedAt < since) return undefined;
  const askedAt = holders.get(address)?.askedAt ?? 0;
  if (askedAt < refusedAt) return { kind: 'look' };
  if (familyOf(address) === 6) {
    if (askedAt >= refusedAt + LAG_MS) return undefined;
    return now >= askedAt + LOOK_AGAIN_MS ? { kind: 'look' } : { kind: 'pause', until: askedAt + LOOK_AGAIN_MS };
  }
  return { kind: 'assign', takeover: true, from: undefined, looksUp: true };
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

function standDown(claim: Claim, eni: Eni, entry: LedgerEntry | undefined): Decision {
  const message = `${claim.address} is held by another ENI; standing down. It is taken over only when it appears again on ${claim.interface}${
    claim.kind === 'live' ? ', and only if eni-agent.io/floating-ips declares it' : ''
  }${whyUnconfirmed(claim)}`;
  const refusal: Refusal = { reason: 'HeldElsewhere', message, address: claim.address };
  return { kind: 'stand-down', refusal, ...lossOf(claim, eni, entry) };
}

function restless({ address, interface: on }: Claim, until: number): Decision {
  const message = `${address} comes and goes on ${on} too often; it is served once it stays, at most once in 5 s`;
  return { kind: 'settle', refusal: { reason: 'Flapping', message, address }, until };
}

/**
 * The record of a loss, once; also of what somebody else already had when we came, so that a restart does not take it for new.
 */
function lossOf(claim: Claim, eni: Eni, entry: LedgerEntry | undefined): { record?: LedgerEntry } {
  if (entry?.state === 'held' || entry?.state === 'assigning') return { record: lost(entry) };
  if (entry?.state === 'found') return { record: { ...lost(entry), notOurs: true } };
  if (entry !== undefined || claim.inPlace === undefined) return {};
  const { address, holder, since: claimedAt, interface: on } = claim;
  return { record: { address, eni: eni.id, state: 'lost', holder, interface: on, claimedAt, notOurs: true } };
}

function lost({ address, eni, holder, interface: on, claimedAt }: LedgerEntry): LedgerEntry {
  return { address, eni, state: 'lost', holder, interface: on, claimedAt };
}

function pick({ reason, message }: { reason: Refusal['reason']; message: string }) {
  return { reason, message };
}
