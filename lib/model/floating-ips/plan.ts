import type { Eni, EniId, Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { Reason } from '../refusal.ts';
import type { RoutedStatus } from '../routed-ips/route-plan.ts';
import type { FloatingIp, FloatingIpStatus, HostAddress } from './floating-ip.ts';

/**
 * All times of this file are ms of one monotonic clock of this process: nothing here compares two machines' clocks, and a clock that is
 * set forwards or backwards changes no decision.
 */
export interface FloatingTiming {
  /** Without a renewal for this long others may take over. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** EC2 is asked for nothing in the last part of a hold: a call on its way must not arrive when somebody else holds the Lease. */
  readonly guardMs: number;
  /** How long others wait for an agent that has stopped cleanly and will come back. */
  readonly parkMs: number;
  /** Each address set that a node holds already makes it wait so much longer before it takes one more. */
  readonly spreadMs: number;
  /** Head start of preferred nodes. */
  readonly preferMs: number;
  /** How long a node's readiness may be unknown before it hands over. */
  readonly unknownNodeMs: number;
}

/** A dead node is replaced within `leaseMs` + 1.5 s (the longest delay) + two calls to the API server + one to EC2. */
export const FLOATING_TIMING: FloatingTiming = {
  leaseMs: 3_000,
  renewMs: 1_000,
  guardMs: 500,
  parkMs: 30_000,
  spreadMs: 200,
  preferMs: 300,
  unknownNodeMs: 10_000,
};

export interface FloatingSnapshot {
  readonly now: number;
  readonly timing: FloatingTiming;
  readonly node: NodeView;
  /** Why the node is about to end (a spot interruption); undefined while it stays. */
  readonly leaving: string | undefined;
  /** Since when this agent knows enough to take part in elections. */
  readonly fitSince: number;
  /** The agent is stopping and will be back. */
  readonly stopping: boolean;
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on; undefined before the first. */
  readonly describedAt: number | undefined;
  /** Host interface by MAC, as far as known. */
  readonly devices: ReadonlyMap<Mac, string>;
  /** Host interface by alternative name. @default none has one */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Addresses that pods of this node claim, each with its pod. */
  readonly podAddresses: ReadonlyMap<IpAddress, string>;
  readonly items: readonly FloatingIpView[];
  /** Where routed addresses stand in their route tables. @default nothing is known */
  readonly routed?: ReadonlyMap<IpAddress, RoutedState>;
  /** In [0, 1), fixed for this agent: keeps nodes that have equal rights from asking in the same instant. */
  readonly jitter: number;
}

/** Where the route tables of an address stand: all of them together, and each. */
export type RoutedState = Pick<RoutedStatus, 'state' | 'refusal' | 'tables'>;

export interface NodeView {
  readonly name: string;
  /** Undefined: not read yet. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly cordoned: boolean;
  readonly ready: 'True' | 'False' | 'Unknown';
  /** Since when `ready` is what it is, as we saw it. */
  readonly readySince: number;
}

/** One FloatingIP with everything that this node knows of it. */
export interface FloatingIpView {
  readonly ip: FloatingIp;
  /** When this node saw that the object was deleted: then `ip` is how it was last seen. Undefined while it exists. */
  readonly deletedAt: number | undefined;
  /** Undefined: not read yet. */
  readonly lease: LeaseView | undefined;
  /** When our last accepted claim or renewal was sent; undefined: none in this life. */
  readonly renewedAt: number | undefined;
  /** Earliest next write to the Lease, after one that failed. */
  readonly leaseRetryAt: number;
  /** Where its addresses are on this host's interfaces. */
  readonly configured: readonly ConfiguredAddress[];
  readonly records: ReadonlyMap<IpAddress, AddressRecord>;
  /** When EC2 accepted an assignment in this life. */
  readonly takenAt: ReadonlyMap<IpAddress, number>;
  readonly backoffs: ReadonlyMap<IpAddress, FloatingBackoff>;
  /** Taking it in EC2 has failed for good: this node leaves it to others for a while. */
  readonly unfit: FloatingBackoff | undefined;
  /** The Elastic IP of `acquisition`, bound or refused. */
  readonly elasticIp: ElasticIpView | undefined;
  /** When this node got the Lease, or this agent saw the object first. */
  readonly heldSince: number;
  /** Whether another selected node is ready and not cordoned; undefined: not asked. */
  readonly successor: SuccessorView | undefined;
}

export interface SuccessorView {
  readonly askedAt: number;
  readonly exists: boolean;
}

export interface LeaseView {
  /** Its own uid: one that was made again counts its holders from the beginning. Undefined: there is none, or it is not known. */
  readonly uid?: string | undefined;
  /** uid of the object that it belongs to, and with which it is collected; undefined: not said. */
  readonly owner?: string | undefined;
  /** Empty: nobody. */
  readonly holder: string;
  readonly durationMs: number;
  /** Counts changes of the holder: it names one acquisition of this Lease. */
  readonly acquisition: number;
  /** When the record first looked like this to us. */
  readonly changedAt: number;
  /** RFC 3339, by the holder's clock; only ever shown. */
  readonly since: string;
}

/** One acquisition of one Lease. */
export type Hold = Pick<AddressRecord, 'acquisition' | 'lease'>;

export interface ConfiguredAddress extends HostAddress {
  readonly device: string;
}

/**
 * What this node has to do with an address, kept on disk. `taking` about to be asked of EC2; `taken` accepted; `lost` it was ours and EC2
 * gave it to somebody else without our Lease changing hands. A record means: look for the address on the interface and tidy it away.
 */
export interface AddressRecord extends ConfiguredAddress {
  readonly floatingIp: string;
  /** Its `spec.elasticIP`: after a restart the object may be gone, and the Elastic IP has to go back all the same. */
  readonly elasticIp?: string;
  readonly eni: EniId;
  /** The acquisition of the Lease for which it was taken. Each has the right to one takeover. */
  readonly acquisition: number;
  /** uid of that Lease: an object that was made again has another one, whose acquisitions have the same numbers. */
  readonly lease?: string;
  readonly state: 'taking' | 'taken' | 'lost';
  /** Route tables lead it here: no ENI has it. */
  readonly routed?: true;
  /** Which ENI had it when this acquisition first asked for it; empty: none. Should another one have it by the next try, that one keeps it. */
  readonly from?: EniId;
}

export interface FloatingBackoff {
  readonly reason: Reason;
  readonly message: string;
  readonly until: number;
  readonly failures: number;
}

/** In place of an acquisition: what an earlier object of this name had, to be looked at again whatever the Lease says. */
export const OF_EARLIER_OBJECT = -1;

export interface ElasticIpView {
  readonly acquisition: number;
  /** `spec.elasticIP` that this is about. */
  readonly source: string | undefined;
  readonly publicIp: IpAddress | undefined;
  readonly backoff: FloatingBackoff | undefined;
}

/** Where an address belongs on this node. */
export interface Placement extends ConfiguredAddress {
  readonly eni: EniId;
}

/** Condition reasons beside the {@link Reason}s of refusals. */
export type FloatingReason =
  | Reason
  | 'Serving'
  | 'InvalidSpec'
  | 'NodeCordoned'
  | 'NodeNotReady'
  | 'NodeLeaving'
  | 'NodeNotSelected'
  | 'Deleted';

/** Why this node does not serve an object. */
export interface Ineligible {
  readonly reason: FloatingReason;
  readonly message: string;
}

/** One thing to do. Steps on one kind of thing are done one after the other; see `laneOf`. */
export type FloatingStep =
  | { readonly kind: 'read' | 'acquire' | 'renew' | 'park'; readonly name: string }
  /** Asks whether another selected node is ready: see `SuccessorView`. */
  | { readonly kind: 'find-successor'; readonly name: string }
  | { readonly kind: 'release'; readonly name: string; readonly why: Ineligible }
  | {
      readonly kind: 'take';
      readonly name: string;
      readonly places: readonly Placement[];
      readonly hold: Hold;
      readonly takeover: boolean;
    }
  | { readonly kind: 'record'; readonly name: string; readonly record: AddressRecord }
  | { readonly kind: 'unassign'; readonly name: string; readonly record: AddressRecord }
  | { readonly kind: 'forget'; readonly name: string; readonly record: AddressRecord }
  | { readonly kind: 'add'; readonly name: string; readonly place: ConfiguredAddress }
  | { readonly kind: 'remove'; readonly name: string; readonly place: ConfiguredAddress }
  | {
      readonly kind: 'bind';
      readonly name: string;
      /** Undefined only without a source. */
      readonly place: Placement | undefined;
      /** Undefined: none is asked for, and what there is goes back. */
      readonly source: string | undefined;
      readonly acquisition: number;
    }
  /** The object is gone: so goes what it had. */
  | { readonly kind: 'unbind'; readonly name: string }
  | { readonly kind: 'write-status'; readonly name: string; readonly status: WantedStatus };

/** Status to write; `exclusive` when others may write it too: then only over what we have seen. */
export interface WantedStatus extends Omit<FloatingIpStatus, 'conditions'> {
  readonly ready: boolean;
  readonly reason: FloatingReason;
  readonly message: string;
  readonly exclusive: boolean;
}

export interface FloatingPlan {
  readonly steps: readonly FloatingStep[];
  /** Look at EC2: something hangs on facts that are too old. */
  readonly describe: string | undefined;
  /** When the passing of time alone changes the plan. */
  readonly retryAt: number | undefined;
}
