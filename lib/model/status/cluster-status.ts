import type { SlotUse } from './agent-snapshot.ts';
import type { EventFact, StatusScope } from './cluster-facts.ts';

/** Names the shape that `eni-agent status -o json` prints. Fields may be added within it; none changes its meaning. */
export const STATUS_SCHEMA = 'eni-agent.io/status/v1';

/** The state of a cluster, made for people and scripts alike: `status`, `ui` and `bundle` show this one value. */
export interface ClusterStatus {
  readonly schema: typeof STATUS_SCHEMA;
  /** RFC 3339. */
  readonly at: string;
  readonly server: string;
  readonly scope: StatusScope;
  readonly summary: ClusterSummary;
  /** Errors first. With an error the cluster is not healthy. */
  readonly problems: readonly Problem[];
  readonly nodes: readonly NodeStatus[];
  readonly pods: readonly PodStatus[];
  readonly addresses: readonly AddressStatus[];
  readonly elasticIps: readonly ElasticIpStatus[];
  readonly floatingIps: readonly FloatingIpState[];
  readonly nodeEnis: readonly NodeEniState[];
  readonly agents: readonly AgentStatus[];
  /** Newest first. */
  readonly events: readonly EventFact[];
  /** What could not be read and is therefore missing above, each a sentence. */
  readonly gaps: readonly string[];
}

export interface StateCounts {
  readonly assigned: number;
  readonly pending: number;
  readonly refused: number;
}

export interface ClusterSummary {
  readonly healthy: boolean;
  readonly nodes: { readonly total: number; readonly ready: number; readonly withAgent: number };
  /** `slots` adds up the IPv4 addresses of ENIs whose limit is known; null where no agent could be asked. */
  readonly enis: { readonly total: number; readonly slots: { readonly used: number; readonly limit: number } | null };
  readonly addresses: StateCounts & {
    /** Refusals by reason, the most frequent first. */
    readonly refusedByReason: Readonly<Record<string, number>>;
  };
  readonly elasticIps: {
    readonly bound: number;
    readonly pending: number;
    readonly refused: number;
    /** Of the account and region; null where no leading controller could be asked. */
    readonly quota: SlotUse | null;
  };
  readonly floatingIps: { readonly total: number; readonly served: number };
  readonly nodeEnis: NodeEniCounts;
  /** Whose calls EC2 throttles now, by node or pod, and how many wait there; null where no agent could be asked. */
  readonly ec2: { readonly throttled: readonly string[]; readonly waiting: number } | null;
  readonly agents: {
    readonly total: number;
    readonly ready: number;
    readonly versions: Readonly<Record<string, number>>;
  };
}

export interface Problem {
  readonly severity: 'error' | 'warning';
  /** `Pod default/web`, `Node a`, `FloatingIP vip`, `Cluster`. */
  readonly subject: string;
  /** A reason code where there is one; docs/troubleshooting.md has a paragraph for each. */
  readonly reason: string;
  readonly message: string;
}

export interface NodeStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly instanceId?: string;
  readonly instanceType?: string;
  readonly zone?: string;
  readonly agent: 'ready' | 'not ready' | 'missing';
  readonly version?: string;
  /** `agent`: the ENIs are all that the instance has; `pods`: only those that pods of the node name. */
  readonly source: 'agent' | 'pods';
  readonly enis: readonly EniStatus[];
  readonly addresses: StateCounts;
}

export interface EniStatus {
  readonly id: string;
  readonly deviceIndex?: number;
  readonly subnetId?: string;
  readonly protection?: string;
  readonly ipv4: SlotUse;
  readonly ipv6: SlotUse;
  readonly addresses: readonly SlotStatus[];
}

/** One taken slot of an ENI. */
export interface SlotStatus {
  readonly address: string;
  readonly primary: boolean;
  readonly publicIp?: string;
  /** `Pod default/web` or `FloatingIP vip`; absent: nobody that we know of. */
  readonly holder?: string;
}

export interface PodStatus {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly phase: string;
  readonly state: 'assigned' | 'pending' | 'refused' | 'ended' | 'unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly addresses: readonly AddressStatus[];
}

/** Where one VPC route table stands that leads a routed address to its holder. */
export interface RouteStatus {
  readonly table: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly reason?: string;
}

export interface AddressStatus {
  readonly address: string;
  /** `Pod default/web` or `FloatingIP vip`. */
  readonly holder: string;
  readonly node: string;
  readonly interface?: string;
  readonly eni?: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly publicIp?: string;
  /** Only of a routed address. */
  readonly routes?: readonly RouteStatus[];
}

export interface ElasticIpStatus {
  /** Empty while none is bound. */
  readonly publicIp: string;
  /** `Pod default/web`, `FloatingIP vip`, `EIP default/a`, `Eip default/b`. */
  readonly holder: string;
  readonly node?: string;
  readonly privateIp?: string;
  readonly eni?: string;
  readonly allocationId?: string;
  readonly state: 'bound' | 'allocated' | 'pending' | 'refused';
  readonly reason?: string;
  readonly message?: string;
}

export interface FloatingIpState {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Empty while nobody serves it. */
  readonly node: string;
  readonly eni?: string;
  readonly publicIp?: string;
  /** RFC 3339. */
  readonly since?: string;
  /** Only where route tables lead its addresses to the holder. */
  readonly routes?: readonly RouteStatus[];
  readonly served: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Interfaces that NodeENIs want, and how far they are. */
export interface NodeEniCounts {
  readonly objects: number;
  readonly desired: number;
  readonly attached: number;
  /** Attached ones whose node reports that the link is ready. */
  readonly ready: number;
  readonly failed: number;
}

export interface NodeEniState {
  readonly name: string;
  readonly apiGroup: 'eni-agent.io' | 'networking.k8s.aws';
  readonly interfaceName?: string;
  readonly desired: number;
  readonly attached: number;
  readonly ready: number;
  readonly failed: number;
  /** `pending`: under way; `refused`: somebody has to do something, `reason` and `message` say what. */
  readonly state: 'ready' | 'pending' | 'refused';
  readonly reason: string;
  readonly message: string;
  readonly interfaces: readonly {
    readonly node: string;
    readonly index: number;
    readonly eni?: string;
    readonly state: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

export interface AgentStatus {
  readonly namespace: string;
  readonly name: string;
  readonly role: 'node' | 'controller';
  readonly node: string;
  readonly ready: boolean;
  readonly version: string;
  readonly restarts: number;
  readonly leader?: boolean;
  /** Why it is not ready, or could not be asked. */
  readonly trouble?: string;
  /** Age of what it knows about EC2 when it was asked, ms. */
  readonly ec2AgeMs?: number;
}
