import type { EniId } from '../eni.ts';
import type { KnownRoom } from '../eni-objects/plan.ts';
import type { InterfacePlace, NetworkInterface } from '../network-interface.ts';
import type { Ending } from '../retention.ts';
import type { Announcement } from './announcement.ts';
import type { GroupFacts, SubnetFacts } from './networks.ts';
import type { NodeEni, NodeEniEntry, NodeEniStatus } from './node-eni.ts';
import type { NodeEniReason } from './reasons.ts';
import type { Slot } from './tags.ts';

/** A node as the plan needs it. */
export interface NodeEniNode {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined for a node that names no EC2 instance (yet). */
  readonly instanceId: string | undefined;
  readonly deleting: boolean;
  /** It has the startup taint. */
  readonly tainted: boolean;
  /** The text of the controller's annotation. */
  readonly announced: string | undefined;
  /** What it says, read once for each version of the Node; undefined: nothing that can be understood. */
  readonly announcement: Announcement | undefined;
  /** What the node's agent says of its links; undefined: nothing yet. */
  readonly links: { readonly ready: boolean; readonly message: string } | undefined;
}

/** A pod that may use an interface of its node. */
export interface InterfaceUser {
  /** `namespace/name` */
  readonly pod: string;
  /** MAC addresses and ENIs that its annotations name, lower case. */
  readonly uses: ReadonlySet<string>;
}

/** Everything that a plan for NodeENIs depends on. Times are ms since the epoch; maps by slot are by {@link slotKey}. */
export interface NodeEniSnapshot {
  readonly now: number;
  /** Since when this process leads: its predecessor's calls may still take effect for a while. */
  readonly startedAt: number;
  readonly clusterName: string;
  readonly objects: readonly NodeEni[];
  readonly nodes: readonly NodeEniNode[];
  /** Interfaces with this cluster's tags of NodeENIs, and those of aws-multi-eni-controller; with what our accepted calls changed since. */
  readonly interfaces: readonly NetworkInterface[];
  /** When the describe that they rest on was asked for; undefined before the first one. */
  readonly interfacesAt: number | undefined;
  /** When an accepted call of ours last changed an interface. */
  readonly touchedAt: ReadonlyMap<EniId, number>;
  readonly rooms: ReadonlyMap<string, KnownRoom>;
  readonly networks: KnownNetworks | undefined;
  /** Pods by the name of their node, from an uncached read. */
  readonly users: ReadonlyMap<string, KnownUsers>;
  /** A describe asked for before this says nothing about the slot: a call for it failed or went unanswered then. */
  readonly trustAfter: ReadonlyMap<string, number>;
  readonly failures: ReadonlyMap<string, NodeEniFailure>;
  /** Since when the node's annotation says that an interface is leaving. */
  readonly leavingSince: ReadonlyMap<EniId, number>;
  /** Since when an object wants what it does now, as far as this process knows, by uid. */
  readonly changedAt: ReadonlyMap<string, number>;
  /** When a creating call for an object was last under way, by uid. */
  readonly createdAt: ReadonlyMap<string, number>;
  /** Since when describes lack an interface that a status records, by its id. */
  readonly absentSince: ReadonlyMap<EniId, number>;
  /** The subnet in which a slot's interface was last asked for: the same token needs the same request. */
  readonly attempted: ReadonlyMap<string, string>;
  /** What changes a slot's token, because EC2 holds the plain one for an interface that nobody can find. */
  readonly salts: ReadonlyMap<string, string>;
  /** Why objects are being deleted, as far as it was asked, by uid. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** Interfaces of network card 0 that the VPC CNI keeps, the primary included. */
  readonly reserved: number;
}

export interface KnownNetworks {
  readonly subnets: readonly SubnetFacts[];
  /** Undefined: not asked for, because no object names a group by name or tags. */
  readonly groups: readonly GroupFacts[] | undefined;
  readonly vpcIds: ReadonlySet<string>;
  readonly at: number;
}

export interface KnownUsers {
  readonly pods: readonly InterfaceUser[];
  readonly at: number;
}

export interface NodeEniFailure {
  readonly reason: NodeEniReason;
  readonly message: string;
  readonly until: number;
}

/** One call for one slot; never more than one at a time for each. */
export type NodeEniStep = { readonly key: string; readonly object: NodeEni } & (
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'remove-finalizer' }
  | ({ readonly kind: 'create' } & NodeEniCreation)
  | ({ readonly kind: 'attach' } & OnInterface & { readonly instanceId: string } & InterfacePlace)
  | ({ readonly kind: 'keep-on-termination' | 'delete-on-termination' } & OnInterface & {
        readonly attachmentId: string;
      })
  | ({ readonly kind: 'tag' } & OnInterface & { readonly tags: Readonly<Record<string, string>> })
  | ({ readonly kind: 'set-groups' } & OnInterface & { readonly groups: readonly string[] })
  | ({ readonly kind: 'set-description' } & OnInterface & { readonly description: string })
  | ({ readonly kind: 'set-check' } & OnInterface & { readonly enabled: boolean })
  | ({ readonly kind: 'detach' } & OnInterface & { readonly attachmentId: string })
  | ({ readonly kind: 'delete' } & OnInterface)
);

interface OnInterface {
  /** For Events. */
  readonly node: string;
  readonly eni: EniId;
}

export interface NodeEniCreation {
  readonly node: string;
  readonly slot: Slot;
  readonly subnetId: string;
  readonly groups: readonly string[];
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly clientToken: string;
}

/** The annotation that a node must have; undefined: none. */
export interface NodeEniNotice {
  readonly node: NodeEniNode;
  readonly text: string | undefined;
}

export interface NodeEniPlan {
  readonly steps: readonly NodeEniStep[];
  readonly statuses: readonly { readonly object: NodeEni; readonly status: NodeEniStatus }[];
  readonly notices: readonly NodeEniNotice[];
  /** What the decisions lacked. */
  readonly read: {
    readonly interfaces: boolean;
    readonly rooms: readonly string[];
    /** VPCs whose subnets and groups must be known; empty: none. */
    readonly networks: readonly string[];
    readonly groups: boolean;
    /** Names of nodes. */
    readonly users: readonly string[];
    readonly endings: readonly NodeEni[];
  };
  /** EC2 carries something out: look again before long. */
  readonly poll: boolean;
  readonly retryAt: number | undefined;
}

/** What is decided for one slot. */
export interface SlotDecision {
  readonly entry: NodeEniEntry;
  readonly step?: NodeEniStep | undefined;
  readonly readInterfaces?: boolean;
  readonly readRoom?: string;
  readonly readNetworks?: boolean;
  readonly readUsers?: string;
  readonly poll?: boolean;
  readonly retryAt?: number | undefined;
  /** How the node is reported of the interface; undefined: not at all. */
  readonly notice?: 'attached' | 'leaving';
}
