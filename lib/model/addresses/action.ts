import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { Claim } from './claim.ts';

/** One thing to do about one address. The batchers merge actions of one shape on one ENI into one EC2 call. */
export type Action = AssignAction | UnassignAction;

export interface AssignAction {
  readonly kind: 'assign';
  readonly eni: EniId;
  readonly address: IpAddress;
  readonly claim: Claim;
  /** Send `AllowReassignment` (IPv4), or unassign on the old ENI first (IPv6): the claim is newer than any loss. */
  readonly takeover: boolean;
  /** The ENI that loses the address by a takeover, as far as it is known. */
  readonly from: EniId | undefined;
  /** When EC2 says that somebody holds the address, it is looked up at once: no refusal is reported, no pause begins. */
  readonly looksUp: boolean;
  /** Failover goes first: before everything else that waits on this ENI. */
  readonly urgent: boolean;
}

export interface UnassignAction {
  readonly kind: 'unassign';
  readonly eni: EniId;
  readonly address: IpAddress;
}
