import type { Eni, EniId } from '../eni.ts';
import type { Cidr, IpAddress } from '../ip.ts';
import type { Reason, Refusal } from '../refusal.ts';
import type { Claim } from './claim.ts';
import type { Doubt, HeldRefusal, KnownHolder } from './holder.ts';
import type { LedgerEntry } from './ledger.ts';

/** Everything a plan depends on, as plain data taken at one instant. Times are ms since the epoch. */
export interface NodeSnapshot {
  readonly now: number;
  readonly policy: Policy;
  readonly enis: readonly Eni[];
  /** Those of `enis` that the last describe did not list. */
  readonly unseen: ReadonlySet<EniId>;
  /** When the describe that `enis` rest on was asked for; undefined before the first one. */
  readonly describedAt: number | undefined;
  /** Why the last describe failed; undefined while describes go through. */
  readonly readError: Refusal | undefined;
  /** The networks of all subnets of the VPC: not asked for yet, or EC2 does not say. */
  readonly vpcNetworks: readonly Cidr[] | 'unasked' | 'unknown';
  readonly claims: readonly Claim[];
  /** False while any source of claims is still loading or has gone blind: the absence of a claim then means nothing. */
  readonly claimsComplete: boolean;
  /**
   * When `claimsComplete` is false only because some namespaces have not been read: since when the oldest of them may hide something,
   * ms since the epoch. Up to that time the claims are complete.
   */
  readonly hiddenSince: number | undefined;
  readonly ledger: ReadonlyMap<IpAddress, LedgerEntry>;
  /** Since when each ledger address is without a claim, as far as we looked: the cool-down counts from there. */
  readonly idleSince: ReadonlyMap<IpAddress, number>;
  /** Since when the facts do not show a ledger address on the ENI that the ledger names. */
  readonly missingSince: ReadonlyMap<IpAddress, number>;
  /** Addresses in namespaces that belong to no pod we know, or that are not identified yet: nobody may take them away. */
  readonly inUse: ReadonlySet<IpAddress>;
  /** Addresses in a call that has not been answered yet. */
  readonly inFlight: ReadonlySet<IpAddress>;
  /** Addresses that a look-up has just found on no ENI at all. */
  readonly knownFree: ReadonlySet<IpAddress>;
  /** What look-ups have found, as long as a claim or a declaration names the address. */
  readonly holders: ReadonlyMap<IpAddress, KnownHolder>;
  /** Addresses that EC2 would not give us because somebody holds them. */
  readonly refusedAsHeld: ReadonlyMap<IpAddress, HeldRefusal>;
  /**
   * EC2 refuses these although it shows no holder: its view lags behind. They are left alone until then, ms since the epoch.
   */
  readonly disputedUntil: ReadonlyMap<IpAddress, number>;
  readonly doubts: ReadonlyMap<IpAddress, Doubt>;
  /** Floating addresses that pods here may hold, although they do not (yet): their holders are looked up ahead. */
  readonly declared: readonly IpAddress[];
  /** Claims that failed, by `attemptKey`: until when to wait and why. */
  readonly backoffs: ReadonlyMap<string, Backoff>;
  /** What currently keeps all calls of an ENI from going through. */
  readonly lastErrors: ReadonlyMap<EniId, Refusal>;
}

export interface Policy {
  /** `declared`: only ipam and floating claims take addresses over; `any`: live ones too. */
  readonly takeover: 'declared' | 'any';
  /** Whether addresses may be put on the primary ENI when the interface of the pod leads there. */
  readonly allowPrimary: boolean;
  readonly release: 'after-delay' | 'never';
  /** Cool-down between the end of a claim and the release of its address, ms. */
  readonly releaseDelayMs: number;
}

/** A claim's last failure. The claim is not tried again before `until` (ms since the epoch). */
export interface Backoff {
  readonly reason: Reason;
  readonly message: string;
  readonly until: number;
  /** Failures in a row; the next pause grows with it. */
  readonly failures: number;
}
