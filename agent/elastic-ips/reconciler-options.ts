import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type {
  DialectContext,
  EipEventKind,
  EipRequests,
  EipStatus,
  ElasticIpClaim,
  PodDialect,
} from '../../lib/model/elastic-ips/claim.ts';
import type { PendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { LoopProcess } from '../process.ts';

/** What the loop for Elastic IPs sees of the rest of the agent. */
export interface EipSurroundingsNow {
  readonly pods: readonly Pod[];
  readonly podsKnown: boolean;
  readonly enis: readonly Eni[];
  readonly describedAt: number | undefined;
  readonly addresses: readonly ClaimStatus[];
  /** False while not every source of private addresses has been seen: the absence of one in `addresses` then means nothing. */
  readonly addressesComplete: boolean;
  /** See `EipSnapshot.leaving`. */
  readonly leaving: ReadonlySet<IpAddress>;
}

export interface EipReport {
  readonly statuses: readonly EipStatus[];
  /** What is being done, or in a dry run would be. */
  readonly steps: readonly EipStep[];
  /** Annotations that could not be understood, by pod key. */
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
  /** False before the first look at everything: the absence of a bound EIP then means nothing. */
  readonly complete: boolean;
  /** uids of the pods whose claims the statuses are about. */
  readonly pods: ReadonlySet<string>;
}

/** The process that the loop runs in. */
export interface ElasticIpProcess extends LoopProcess {
  readonly dryRun: boolean;
}

export interface ElasticIpEc2 {
  readonly elasticIps: ElasticIpApi;
  readonly interfaces: Pick<InterfaceApi, 'describe'>;
  readonly rateLimit: RateLimit;
  /** The facts about our ENIs may be wrong: describe them. */
  readonly invalidateEnis: (cause: string) => void;
}

/** How pods ask for Elastic IPs, and which may. */
export interface ElasticIpAdapters {
  readonly context: DialectContext;
  readonly dialects: readonly PodDialect[];
  readonly requestsOf: (pod: Pod, context: DialectContext) => EipRequests;
  /** False for a namespace that this agent leaves alone. */
  readonly serves: (namespace: string) => boolean;
}

/** Where it goes what became of the claims. */
export interface ElasticIpReports {
  readonly report: (report: EipReport) => void;
  readonly recordEvent: (claim: ElasticIpClaim | undefined, owner: string, event: EipEventKind) => void;
}

export interface ElasticIpReconcilerOptions {
  readonly process: ElasticIpProcess;
  readonly ec2: ElasticIpEc2;
  readonly requests: ElasticIpAdapters;
  /** Prepared EIPs that are being paired, by allocation id: survives the process, as the ENI does. */
  readonly pendingAssociations: Journal<PendingAssociation>;
  readonly releaseDelayMs: number;
  /** Pods of served namespaces only. */
  readonly observe: () => EipSurroundingsNow;
  readonly reports: ElasticIpReports;
}
