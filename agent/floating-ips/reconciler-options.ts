import type { NodeState } from '../../lib/kube/own-node.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type { RoutedState } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { StepParts } from './step-parts.ts';

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

export interface FloatingIpReconcilerOptions extends StepParts {
  readonly observe: () => FloatingSurroundings;
  /** What route tables should lead here may have changed: see `routed`. */
  readonly onRouted: () => void;
  /** What has to be watched from now on. */
  readonly need: (need: FloatingNeed) => void;
}

/** Nothing is watched for objects that do not exist, and no Lease for objects that concern other nodes. */
export interface FloatingNeed {
  readonly node: boolean;
  readonly leases: boolean;
  /** Names of the objects whose Lease names this node. */
  readonly holds: readonly string[];
}
