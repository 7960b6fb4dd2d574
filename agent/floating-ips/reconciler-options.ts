import type { FloatingLeases } from '../../lib/kube/floating-leases.ts';
import type { NodeState } from '../../lib/kube/own-node.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { FloatingIp, FloatingIpStatus } from '../../lib/model/floating-ips/floating-ip.ts';
import type { AddressRecord, FloatingTiming, RoutedState } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import type { ElasticIpParts } from './elastic-ip.ts';
import type { HostAddresses } from './host-addresses.ts';
import type { FloatingEvent, StepParts } from './step-parts.ts';

/** What the reconciler sees of the rest of the agent. */
export interface FloatingSurroundings {
  /** Undefined while it is not known which objects there are. */
  readonly floatingIps: readonly FloatingIp[] | undefined;
  readonly node: NodeState | undefined;
  /** Why the node is about to end, e.g. a spot interruption. */
  readonly leaving: string | undefined;
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on, wall-clock ms. */
  readonly describedAt: number | undefined;
  readonly podAddresses: ReadonlyMap<IpAddress, string>;
  /** See `FloatingSnapshot.routed`. */
  readonly routed: ReadonlyMap<IpAddress, RoutedState>;
}

export interface FloatingIpReconcilerOptions {
  /** Monotonic: see `monotonicClock`. */
  readonly clock: Clock;
  /** Wall-clock ms, for records that people read. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: StepParts['metrics'];
  readonly nodeName: string;
  readonly instanceId: string;
  readonly timing: FloatingTiming;
  readonly ec2: StepParts['ec2'];
  readonly wrote: StepParts['wrote'];
  readonly elasticIps: ElasticIpParts;
  readonly rateLimit: RateLimit;
  readonly leases: FloatingLeases;
  readonly host: HostAddresses;
  readonly records: Journal<AddressRecord>;
  readonly observe: () => FloatingSurroundings;
  readonly writeStatus: (ip: FloatingIp, status: FloatingIpStatus, exclusive: boolean) => Promise<void>;
  readonly happened: (ip: FloatingIp, event: FloatingEvent) => void;
  readonly fateOf: StepParts['fateOf'];
  readonly hasSuccessor: StepParts['hasSuccessor'];
  /** The facts about our ENIs may be wrong: describe them. */
  readonly doubtEnis: (cause: string) => void;
  /** What route tables should lead here may have changed: see `routed`. */
  readonly onRouted: () => void;
  /** What has to be watched from now on. */
  readonly need: (need: FloatingNeed) => void;
  readonly callSignal: AbortSignal;
  /** Hears how reconciles end. @default kept to itself */
  readonly health?: ReconcileHealth;
}

/** Nothing is watched for objects that do not exist, and no Lease for objects that concern other nodes. */
export interface FloatingNeed {
  readonly node: boolean;
  readonly leases: boolean;
  /** Names of the objects whose Lease names this node. */
  readonly holds: readonly string[];
}
