import type { EniId } from './eni.ts';
import type { IpAddress } from './ip.ts';
import type { PodRef } from './pod.ts';

/**
 * `held`: this agent assigned it (or was about to: the record is written before the call).
 * `lost`: it was ours and EC2 has it elsewhere now; kept while the claim lives, so that we do not steal it back.
 */
export type LedgerState = 'held' | 'lost';

/** What this agent knows about an address that it assigned. One entry per address. */
export interface LedgerEntry {
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly state: LedgerState;
  /** The claim for which it was assigned. */
  readonly holder: PodRef;
  readonly interface: string;
  /** `since` of that claim, ms since the epoch. */
  readonly claimedAt: number;
  /** When the state was entered, ms since the epoch. */
  readonly at: number;
  /** IPv6 only: the ENI from which it was being moved when the record was written (unassign there, assign here). */
  readonly movingFrom?: EniId;
}
