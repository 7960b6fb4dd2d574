import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import { parseIp } from '../ip.ts';
import type { PodRef } from '../pod.ts';

/**
 * `assigning`: about to be asked of EC2, or asked with the answer unknown (the record is written before the call).
 * `held`: EC2 accepted our assignment. `found`: it was on the ENI before us; never released by us.
 * `lost`: it was on our ENI and no longer is; kept while the claim lives so that we do not steal it back.
 * `refused`: another ENI has it, says EC2, and this appearance has not had its takeover yet. Whoever reads it looks before asking again.
 */
export type LedgerState = 'assigning' | 'held' | 'found' | 'lost' | 'refused';

/** What this agent remembers about an address. One entry per address. */
export interface LedgerEntry {
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly state: LedgerState;
  /** The claim for which it was assigned or found. */
  readonly holder: PodRef;
  readonly interface: string;
  /** `since` of that claim, ms since the epoch: each appearance of an address has the right to one takeover. */
  readonly claimedAt: number;
  /**
   * `assigning` only: this appearance has had its takeover before, so the call may not take the address from anybody.
   * Without it a restart in the middle of trying a free address would give the right to a takeover back.
   */
  readonly spent?: true;
  /** `lost` only: it was `found`, never assigned by us; should it come back by itself, it is still not ours to release. */
  readonly notOurs?: true;
  /** `assigning` only: the ENI from which it is being taken (IPv6: unassigned there, then assigned here). */
  readonly movingFrom?: EniId;
}

/**
 * Turns a stored record back into an entry; undefined when it is none. A time in the future (ms since the epoch, after `now`) means that
 * the clock was set back: it counts as just before now, so that whatever appears from now on is newer.
 */
export function reviveLedgerEntry(stored: unknown, now: number): LedgerEntry | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { address, eni, state, holder, interface: ifName, claimedAt } = stored as Record<string, unknown>;
  const valid =
    typeof address === 'string' &&
    parseIp(address) === address &&
    typeof eni === 'string' &&
    typeof ifName === 'string' &&
    typeof claimedAt === 'number' &&
    Number.isFinite(claimedAt) &&
    ['assigning', 'held', 'found', 'lost', 'refused'].includes(state as string) &&
    isPodRef(holder);
  if (!valid) return undefined;
  return claimedAt < now ? (stored as LedgerEntry) : { ...(stored as LedgerEntry), claimedAt: now - 1 };
}

function isPodRef(value: unknown): value is PodRef {
  if (typeof value !== 'object' || value === null) return false;
  const { namespace, name, uid } = value as Record<string, unknown>;
  return typeof namespace === 'string' && typeof name === 'string' && typeof uid === 'string';
}
