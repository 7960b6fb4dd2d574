import type { Action } from '../../lib/model/addresses/action.ts';
import type { Claim } from '../../lib/model/addresses/claim.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { Policy } from '../../lib/model/addresses/snapshot.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { TableSelector } from '../../lib/model/routed-ips/declaration.ts';
import type { ClaimDraft, UnclaimedAddress } from '../../lib/plan/addresses/claims.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import type { LoopProcess } from '../process.ts';
import type { AddressEvents } from './events.ts';

/** What the sources say, as far as the engine needs it. */
export interface Observed {
  readonly drafts: readonly ClaimDraft[];
  /** Those that route tables lead here: no ENI has them. */
  readonly routed?: readonly ClaimDraft[];
  readonly routeTables?: readonly TableSelector[];
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
  readonly unclaimed?: readonly UnclaimedAddress[];
  /** See `NodeSnapshot.declared`. */
  readonly declared?: readonly IpAddress[];
  /** See `NodeSnapshot.claimsComplete`. */
  readonly complete: boolean;
  /** See `NodeSnapshot.hiddenSince`. */
  readonly hiddenSince?: number | undefined;
  /** Addresses reported in namespaces that are not identified yet: somebody uses them, nobody knows who. */
  readonly unplaced?: readonly IpAddress[];
}

/** The ENIs as they are known. */
export interface KnownEnis {
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on, ms since the epoch; undefined before the first. */
  readonly describedAt: number | undefined;
}

/** The state of the node after one reconcile, for publishing. */
export interface NodeReport {
  readonly at: number;
  readonly statuses: readonly ClaimStatus[];
  /** Claims on networks that are no part of the VPC. */
  readonly leftOut: readonly Claim[];
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
  readonly enis: readonly Eni[];
  /** What is being done, or in a dry run would be. */
  readonly actions: readonly Action[];
  readonly complete: boolean;
}

/** The process that the loop runs in. */
export interface AddressProcess extends Omit<LoopProcess, 'log'> {
  /** Plan and report only; no EC2 write ever. */
  readonly dryRun: boolean;
}

export interface AddressEc2 {
  readonly addresses: EniWriter;
  /** Shared by everything in the process that calls EC2. */
  readonly rateLimit: RateLimit;
  /** Longest time between two describes of the node's ENIs, ms. */
  readonly resyncMs: number;
}

/** The instance whose ENIs these are. */
export interface AddressInstance {
  readonly instanceId: string;
  /** Of `--cluster-name`, if it is set. */
  readonly clusterName?: string | undefined;
}

/** What is remembered from before this process. */
export interface AddressRecords {
  readonly ledger: Journal<LedgerEntry>;
  /**
   * Nothing has been here before this process, so that whatever it finds has just appeared: an init container in its pod.
   * @default false
   */
  readonly firstStart?: boolean;
}

/** Where it goes what became of the addresses. */
export interface AddressReports {
  readonly report: (report: NodeReport) => void;
  readonly events: AddressEvents;
}

export interface AddressReconcilerOptions {
  readonly process: AddressProcess;
  readonly ec2: AddressEc2;
  readonly instance: AddressInstance;
  readonly records: AddressRecords;
  readonly policy: Policy;
  /** Given the ENIs that the decisions will rest on. */
  readonly observe: (known: KnownEnis) => Observed;
  readonly reports: AddressReports;
}
