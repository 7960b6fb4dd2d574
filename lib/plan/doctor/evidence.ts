import type { FloatingDeclaration } from '../../model/addresses/floating-declaration.ts';
import type { IpamRange } from '../../model/addresses/ipam-range.ts';
import type { Eni, EniId } from '../../model/eni.ts';
import type { Cidr } from '../../model/ip.ts';
import type { HostLink, NodeLinksState } from '../../model/node-links/node-links.ts';
import type { TableSelector } from '../../model/routed-ips/declaration.ts';
import type { RoutePolicy } from '../../model/routed-ips/route-plan.ts';
import type { RouteTable, VpcSubnet } from '../../model/routed-ips/route-table.ts';

/** What was asked and what came back. `denied`: nobody may ask; `failed`: no answer, or none that means anything. */
export type Answer<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'denied'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'skipped'; readonly message: string };

export type PermissionFound = 'allowed' | 'denied' | { readonly unknown: string };

export interface FolderFound {
  readonly path: string;
  readonly option: string;
  readonly readable: boolean;
}

export interface NamespacesFound {
  readonly dir: string;
  readonly files: number;
  /** Those of them on which a namespace is mounted, as far as our own mount namespace shows. */
  readonly mounted: number;
}

export interface AccessFound {
  readonly verb: string;
  readonly resource: string;
  readonly allowed: boolean;
}

/** Settings of reverse path filtering: 0 off, 1 strict, 2 loose; the larger of `all` and the link's own holds. */
export interface RpFiltersFound {
  readonly all: number;
  readonly byLink: ReadonlyMap<string, number>;
}

export interface SubnetFound {
  readonly id: string;
  /** Addresses that EC2 can still give out. */
  readonly free: number;
}

/** A part of a subnet that EC2 hands out to nobody who does not name the address (`explicit`), or for prefixes only. */
export interface ReservationFound {
  readonly subnetId: string;
  readonly cidr: Cidr;
  readonly explicit: boolean;
}

/** A NetworkAttachmentDefinition that pods of this node use. */
export interface NetworkFound {
  /** `namespace/name`. */
  readonly name: string;
  readonly master: string | undefined;
  readonly plugin: string | undefined;
  readonly ranges: readonly IpamRange[];
  /** For people: `pod NAMESPACE/NAME`, the first that asks for it where there is no such definition. */
  readonly missingFor?: string;
}

export interface VersionsFound {
  readonly agent: string;
  readonly node: string;
  readonly kernel: string;
  /** Images that the cluster's agents run, each once; undefined where pods may not be listed. */
  readonly images: readonly string[] | undefined;
}

/** Settings of the container of the VPC CNI; undefined: the cluster has no daemonset kube-system/aws-node. */
export interface VpcCniFound {
  readonly externalSnat: boolean;
  readonly excludedCidrs: string;
}

/** The tenant policy in force, or what is wrong with it. */
export interface TenantsFound {
  readonly closed: boolean;
  readonly faults: readonly string[];
  /** Namespaces with entries of their own. */
  readonly namespaces: readonly string[];
  /** Whether all other namespaces are granted something. */
  readonly others: boolean;
}

/** What the agent of this node answers to a readiness probe. */
export interface AgentFound {
  /** Why it is not ready. */
  readonly reasons: readonly string[];
  /** What looks wrong and does not keep it from its work. */
  readonly notes: readonly string[];
}

/** What a pod of this node, one of its networks, or a FloatingIP that it may serve says about routed addresses. */
export interface RoutedFound {
  /** For people: `pod NAMESPACE/NAME`, the network or `FloatingIP NAME`. */
  readonly where: string;
  readonly addresses: FloatingDeclaration;
  readonly tables: readonly TableSelector[];
  /** It names its interface: that may be one under a protected ENI. */
  readonly namesInterface?: true;
}

export interface RoutesFound {
  /** At least one. */
  readonly declared: readonly RoutedFound[];
  readonly defaultTag: RoutePolicy['defaultTag'];
  /** Those of the VPC, and those that are named by id. */
  readonly tables: readonly RouteTable[];
  readonly subnets: readonly VpcSubnet[];
  /** To write one of the selected tables; empty when none is selected. */
  readonly permissions: ReadonlyMap<string, PermissionFound>;
}

/** Everything that `doctor` found out, as plain data. */
export interface Evidence {
  readonly clusterName: string | undefined;
  /** How deep the agent looks: what a level does not need is not missed. */
  readonly observe: 'live' | 'cni' | 'annotations';
  readonly allowPrimary: boolean;
  /** HTTP status of instance metadata's refusal; undefined when it answered well, or not at all. */
  readonly imdsStatus: number | undefined;
  readonly identity: Answer<{ readonly instanceId: string; readonly region: string; readonly source: 'imds' | 'node' }>;
  readonly region: string | undefined;
  readonly permissions: Answer<ReadonlyMap<string, PermissionFound>>;
  readonly enis: Answer<readonly Eni[]>;
  readonly sourceChecks: Answer<readonly { readonly eni: EniId; readonly enabled: boolean }[]>;
  readonly routes: Answer<RoutesFound>;
  readonly gateway: Answer<boolean>;
  readonly elasticIps: Answer<{ readonly used: number; readonly limit: number | undefined }>;
  readonly folders: readonly FolderFound[];
  readonly links: Answer<readonly HostLink[]>;
  /** What this node's Node object says about interfaces of NodeENIs. */
  readonly nodeEnis: Answer<NodeLinksState>;
  /** Those of the ENIs for pods. */
  readonly subnets: Answer<readonly SubnetFound[]>;
  /** Those in subnets of ENIs from which the VPC CNI gives addresses to ordinary pods. */
  readonly reservations: Answer<readonly ReservationFound[]>;
  readonly rpFilters: Answer<RpFiltersFound>;
  readonly networks: Answer<readonly NetworkFound[]>;
  readonly versions: VersionsFound;
  readonly namespaces: Answer<NamespacesFound>;
  /** The effective capabilities of this process, as a bit mask. */
  readonly capabilities: Answer<bigint>;
  readonly apiServer: Answer<string>;
  readonly access: Answer<readonly AccessFound[]>;
  readonly vpcCni: Answer<VpcCniFound | undefined>;
  /** Whether the API server keeps this agent from writing to a pod of another node. */
  readonly ownNodeOnly: Answer<boolean>;
  readonly tenants: Answer<TenantsFound>;
  /** `namespace/name` of workloads that do what eni-agent does. */
  readonly rivals: Answer<readonly string[]>;
  readonly agent: Answer<AgentFound>;
}

export interface Check {
  readonly name: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'skipped';
  /** What was found. */
  readonly finding: string;
  /** What to do about it. */
  readonly fix?: string;
}
