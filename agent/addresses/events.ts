import type { Claim } from '../../lib/model/addresses/claim.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';

/** What the engine did, for whoever says it: logs, metrics and Kubernetes Events are made of these. */
export interface AddressEvents {
  assigned(claims: readonly Claim[], eni: EniId, call: CallFacts): void;
  /** A call that got no answer has been done all the same, as a describe shows; `from`: the ENI that lost the address, if one did. */
  confirmed(claim: Claim, entry: LedgerEntry, from: EniId | undefined): void;
  released(entries: readonly LedgerEntry[], call: CallFacts): void;
  /** An address that was ours is no longer on its ENI. */
  lost(entry: LedgerEntry): void;
  callFailed(error: Ec2Error, eni: EniId, addresses: readonly IpAddress[]): void;
  described(cause: string, durationMs: number, enis: number): void;
  problem(message: string, error: unknown): void;
}

export interface CallFacts {
  readonly durationMs: number;
  readonly requestId: string | undefined;
  /** True when the call was allowed to take addresses from other ENIs. */
  readonly takeover: boolean;
  /** The ENIs that lost addresses by it, as far as they are known. */
  readonly from: ReadonlyMap<IpAddress, EniId>;
  /** What the answer says it assigned; undefined when it does not say. */
  readonly assigned?: readonly IpAddress[] | undefined;
}
