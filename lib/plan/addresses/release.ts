import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { NodeSnapshot } from '../../model/addresses/snapshot.ts';
import type { Eni } from '../../model/eni.ts';
import { addressOn, isInSubnetOf, slotLimit, usedSlots } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';
import { compareIp, familyOf } from '../../model/ip.ts';

/** What becomes of addresses that no claim wants any more. */
export interface ReleasePlan {
  readonly unassign: readonly LedgerEntry[];
  readonly forget: readonly IpAddress[];
  /** Something is due, but the facts are from before it was: describe first. */
  readonly describe: boolean;
  /** When something is due next, ms since the epoch. */
  readonly nextDue: number | undefined;
}

/**
 * A namespace that has not been read within this time of its appearance, ms, may hide a pod that works already: then nothing is
 * released at all. It covers the time until the runtime has bound a new namespace.
 */
const HIDDEN_MS = 5_000;
/** An address that is missing is forgotten only by a describe asked for this much later, ms: EC2's views lag behind its answers. */
const ABSENT_MS = 60_000;
/** What is on a detached ENI comes back with it; one that stays away for so long, ms, does not come back. */
const DETACHED_MS = 24 * 3_600_000;
/** Describes for releases alone, at most one in so many ms: where pods come and go all the time, releases leave together. */
const LOOK_MS = 5_000;

/**
 * Releases only what the ledger says this agent assigned, on the ENI that it names, after the cool-down and on facts younger than its
 * end. A cool-down is cut short when its ENI is full and `wanted` addresses of that family wait for a slot.
 *
 * A namespace that has only just appeared hides nothing that was idle long before: an address may go whose cool-down had ended by
 * then. So pods that come and go do not hold back the releases of others.
 */
export function planReleases(
  snapshot: NodeSnapshot,
  claimed: ReadonlySet<IpAddress>,
  wanted: (eni: Eni, family: 4 | 6) => number,
): ReleasePlan {
  const { describedAt, policy, now } = snapshot;
  const seenUntil = snapshot.claimsComplete ? now : snapshot.hiddenSince;
  if (describedAt === undefined || seenUntil === undefined) return NOTHING;
  // Looked at again even when nothing happens by then: a view that has become complete is not an event of its own.
  if (now - seenUntil > HIDDEN_MS) return { ...NOTHING, nextDue: now + HIDDEN_MS };
  const idle = Array.from(snapshot.ledger.values())
    .filter((entry) => !claimed.has(entry.address) && !snapshot.inFlight.has(entry.address))
    .toSorted((a, b) => idleSince(a, snapshot) - idleSince(b, snapshot) || compareIp(a.address, b.address));
  const here = idle.filter((entry) => isReleasable(entry, snapshot));
  const absent = idle.filter((entry) => !here.includes(entry));
  const gone = absent.filter((entry) => goneAt(entry, snapshot) <= describedAt);
  const releasable = policy.release === 'never' ? [] : here;
  const evicted = chooseEvictions(releasable, snapshot, wanted);
  const dueAt = (entry: LedgerEntry) =>
    idleSince(entry, snapshot) + (evicted.has(entry.address) ? 0 : policy.releaseDelayMs);
  const due = releasable.filter((entry) => dueAt(entry) <= now);
  const ready = due.filter((entry) => dueAt(entry) <= seenUntil);
  const decidable = ready.filter((entry) => dueAt(entry) <= describedAt);
  const undecided = [
    ...ready.filter((entry) => !decidable.includes(entry)).map(dueAt),
    ...verdictsAt(absent, snapshot),
  ];
  const urgent = ready.some((entry) => evicted.has(entry.address));
  const lookAt = undecided.length === 0 ? [] : [Math.max(Math.min(...undecided), urgent ? 0 : describedAt + LOOK_MS)];
  const later = [
    ...releasable.map(dueAt).filter((time) => time > now),
    ...lookAt.filter((time) => time > now),
    ...(ready.length < due.length ? [now + HIDDEN_MS] : []),
  ];
  return {
    unassign: decidable,
    forget: gone.map((entry) => entry.address),
    describe: lookAt.some((time) => time <= now),
    nextDue: later.length > 0 ? Math.min(...later) : undefined,
  };
}

const NOTHING: ReleasePlan = { unassign: [], forget: [], describe: false, nextDue: undefined };

function idleSince(entry: LedgerEntry, snapshot: NodeSnapshot): number {
  return snapshot.idleSince.get(entry.address) ?? snapshot.now;
}

/** Assigned by us, perhaps with the answer lost, perhaps only out of sight for a while. */
function isOurs({ state, notOurs }: LedgerEntry): boolean {
  return state !== 'found' && state !== 'refused' && notOurs === undefined;
}

/**
 * Ours and still where the ledger says. The ledger is a file: whatever it says, a primary address, an ENI that is not on this node, and
 * an address that the ENI's subnet does not have are never touched.
 */
function isReleasable(entry: LedgerEntry, snapshot: NodeSnapshot): boolean {
  const eni = snapshot.enis.find(({ id }) => id === entry.eni);
  const here = eni && addressOn(eni, entry.address);
  const seen = here?.primary === false && !snapshot.unseen.has(entry.eni);
  return isOurs(entry) && seen && isInSubnetOf(eni as Eni, entry.address);
}

/**
 * A describe asked for from then on decides that an entry without a claim is over. At once when it is nothing of ours. EC2 may have
 * done what we asked although no describe shows it yet, or leave out what is there: forgotten too early, it would stay forever.
 */
function goneAt(entry: LedgerEntry, snapshot: NodeSnapshot): number {
  const eni = snapshot.enis.find(({ id }) => id === entry.eni);
  if (!isOurs(entry) || (eni && isImpossible(entry, eni))) return 0;
  const missing = snapshot.missingSince.get(entry.address) ?? snapshot.now;
  return missing + (eni ? ABSENT_MS : DETACHED_MS);
}

/** No record of ours says such a thing. */
function isImpossible({ address }: LedgerEntry, eni: Eni): boolean {
  return addressOn(eni, address)?.primary === true || (eni.cidrs.length > 0 && !isInSubnetOf(eni, address));
}

/** When a describe is needed to decide about what is missing. What is on a detached ENI waits for the describes that come anyway. */
function verdictsAt(absent: readonly LedgerEntry[], snapshot: NodeSnapshot): number[] {
  const attached = absent.filter((entry) => snapshot.enis.some(({ id }) => id === entry.eni));
  return attached.map((entry) => goneAt(entry, snapshot)).filter((time) => time > (snapshot.describedAt ?? 0));
}

function chooseEvictions(
  releasable: readonly LedgerEntry[],
  snapshot: NodeSnapshot,
  wanted: (eni: Eni, family: 4 | 6) => number,
): ReadonlySet<IpAddress> {
  const chosen = new Set<IpAddress>();
  for (const eni of snapshot.enis) {
    for (const family of [4, 6] as const) {
      const limit = slotLimit(eni, family);
      if (limit === undefined) continue;
      const missing = wanted(eni, family) - (limit - usedSlots(eni, family));
      const here = releasable.filter((entry) => entry.eni === eni.id && familyOf(entry.address) === family);
      for (const entry of here.slice(0, Math.max(0, missing))) chosen.add(entry.address);
    }
  }
  return chosen;
}
