import type { Eni } from '../model/eni.ts';
import { carries, slotLimit, usedSlots } from '../model/eni.ts';
import type { IpAddress } from '../model/ip.ts';
import { compareIp, familyOf } from '../model/ip.ts';
import type { LedgerEntry } from '../model/ledger.ts';
import type { NodeSnapshot } from '../model/snapshot.ts';

/** What becomes of addresses that no claim wants any more. */
export interface ReleasePlan {
  readonly unassign: readonly LedgerEntry[];
  readonly forget: readonly IpAddress[];
  /** Something is due, but the facts are from before it was: describe first. */
  readonly describe: boolean;
  /** When the next cool-down ends, ms since the epoch. */
  readonly nextDue: number | undefined;
}

/**
 * Releases only what the ledger says this agent assigned, on the ENI that it names, after the cool-down and on facts younger than its
 * end. A cool-down is cut short when its ENI is full and `wanted` addresses of that family wait for a slot.
 */
export function planReleases(
  snapshot: NodeSnapshot,
  claimed: ReadonlySet<IpAddress>,
  wanted: (eni: Eni, family: 4 | 6) => number,
): ReleasePlan {
  if (!snapshot.claimsComplete || snapshot.describedAt === undefined) return NOTHING;
  const idle = Array.from(snapshot.ledger.values())
    .filter((entry) => !claimed.has(entry.address) && !snapshot.inFlight.has(entry.address))
    .toSorted((a, b) => idleSince(a, snapshot) - idleSince(b, snapshot) || compareIp(a.address, b.address));
  const gone = idle.filter((entry) => !isReleasable(entry, snapshot) && !mayStillArrive(entry, snapshot));
  const releasable = snapshot.policy.release === 'never' ? [] : idle.filter((entry) => isReleasable(entry, snapshot));
  const evicted = chooseEvictions(releasable, snapshot, wanted);
  const dueAt = (entry: LedgerEntry) =>
    idleSince(entry, snapshot) + (evicted.has(entry.address) ? 0 : snapshot.policy.releaseDelayMs);
  const due = releasable.filter((entry) => dueAt(entry) <= snapshot.now);
  const { describedAt } = snapshot;
  const decidable = due.filter((entry) => describedAt >= dueAt(entry));
  const open = idle.filter((entry) => mayStillArrive(entry, snapshot));
  const pending = [...releasable, ...open].filter((entry) => dueAt(entry) > snapshot.now).map(dueAt);
  return {
    unassign: decidable,
    forget: gone.map((entry) => entry.address),
    describe: decidable.length < due.length || open.some((entry) => dueAt(entry) <= snapshot.now),
    nextDue: pending.length > 0 ? Math.min(...pending) : undefined,
  };
}

const NOTHING: ReleasePlan = { unassign: [], forget: [], describe: false, nextDue: undefined };

function idleSince(entry: LedgerEntry, snapshot: NodeSnapshot): number {
  return snapshot.idleSince.get(entry.address) ?? snapshot.now;
}

/** Ours and still where the ledger says. Anything else without a claim is forgotten, not touched. */
function isReleasable(entry: LedgerEntry, snapshot: NodeSnapshot): boolean {
  const eni = snapshot.enis.find(({ id }) => id === entry.eni);
  const ours = entry.state === 'held' || entry.state === 'assigning';
  return ours && eni !== undefined && carries(eni, entry.address);
}

/** EC2 may have done what we asked although no describe shows it yet: forgetting it too early would leave it there for ever. */
function mayStillArrive(entry: LedgerEntry, snapshot: NodeSnapshot): boolean {
  if (entry.state !== 'assigning' || isReleasable(entry, snapshot)) return false;
  const settledAt = idleSince(entry, snapshot) + snapshot.policy.releaseDelayMs;
  return (snapshot.describedAt ?? 0) < settledAt && snapshot.enis.some(({ id }) => id === entry.eni);
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
