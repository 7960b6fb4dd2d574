import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { Refusal } from '../refusal.ts';
import type { TableStatus } from '../routed-ips/route-plan.ts';
import type { Action } from './action.ts';
import type { Claim } from './claim.ts';
import type { LedgerEntry } from './ledger.ts';

/** What to do now and what to report, derived from one snapshot. Nothing in it has happened yet. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly statuses: readonly ClaimStatus[];
  readonly ledger: LedgerChanges;
  /** Facts are too old to decide something: describe the node's ENIs. */
  readonly describe: boolean;
  /** Addresses whose holder should be looked up. */
  readonly lookUp: readonly HolderQuestion[];
  /** Claims on networks that are no part of the VPC: nothing is done for them, and nobody is warned. */
  readonly leftOut: readonly Claim[];
  /** Which networks the VPC has must be known to decide something. */
  readonly askNetworks: boolean;
  /** Earliest time (ms since the epoch) at which the passing of time alone changes the plan. */
  readonly retryAt: number | undefined;
}

/** `take`: it will be taken over if that may be, and nothing is reported meanwhile. `wait`: we stand down until nobody holds it. */
export interface HolderQuestion {
  readonly address: IpAddress;
  readonly purpose: 'take' | 'wait';
}

export interface LedgerChanges {
  readonly put: readonly LedgerEntry[];
  readonly forget: readonly IpAddress[];
}

/** Where one claim stands: `assigned` EC2 has it on the right ENI; `pending` being worked on; `refused` see `refusal`. */
export interface ClaimStatus {
  readonly claim: Claim;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly eni: EniId | undefined;
  readonly refusal?: Refusal;
  /** Of a routed address: where each of its route tables stands. */
  readonly tables?: readonly TableStatus[];
}
