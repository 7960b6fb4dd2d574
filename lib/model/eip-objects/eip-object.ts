import type { AllocationId, ElasticIp } from '../elastic-ips/elastic-ip.ts';
import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { JsonObject } from '../json.ts';
import type { Refusal } from '../refusal.ts';
import type { DeletionPolicy } from '../retention.ts';

/** An object of a custom resource as the watch delivers it: what every kind has, and two fields that are not trusted yet. */
export interface CustomObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  readonly owners: readonly OwnerReference[];
  /** What the annotation of that name says, not trusted yet. */
  readonly deletionPolicy?: string | undefined;
  readonly spec: JsonObject;
  readonly status: JsonObject;
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export type EipObjectDialectName = 'eip-operator' | 'aws-operator';

/** What an object's Elastic IP is to be assigned to. */
export type EipAssignment =
  | { readonly kind: 'none' }
  /** Pod of this name in the object's namespace. */
  | { readonly kind: 'pod'; readonly name: string }
  /** One Ready node that has all these labels. */
  | { readonly kind: 'node'; readonly labels: Readonly<Record<string, string>> }
  /** One address of the ENI of an ENI object in the same namespace; index 0 is the primary. */
  | { readonly kind: 'eni'; readonly name: string; readonly addressIndex: number }
  | { readonly kind: 'private-ip'; readonly address: IpAddress };

/** How the EIP is obtained. */
export interface EipAllocation {
  /** Of several pools the one with most free addresses; empty means Amazon's. */
  readonly pools: readonly string[];
  /** This very address of a pool. */
  readonly address: IpAddress | undefined;
}

/** One object's request for one Elastic IP: what every dialect of EIP objects translates into. */
export interface ObjectClaim {
  readonly dialect: EipObjectDialectName;
  readonly object: CustomObject;
  /** True while our finalizer is on the object: nothing is allocated before, the object does not vanish before its EIP. */
  readonly held: boolean;
  readonly allocation: EipAllocation;
  /** From the status, which anybody may have written: a hint which of the object's own EIPs to keep, never proof that one is. */
  readonly allocationId: AllocationId | undefined;
  /** Tags that the EIP must have. Written in the allocating call. */
  readonly tags: Readonly<Record<string, string>>;
  /** An EIP with all these tags is this object's, whatever its status says. Contains the uid, so it is unique in the world. */
  readonly identity: Readonly<Record<string, string>>;
  /** The cluster's tag: an EIP that names another cluster is not this object's, even with its uid (a cluster restored from a copy). */
  readonly cluster: Readonly<Record<string, string>>;
  /** An EIP with all these tags was left for an object of this kind and name, and becomes this object's. */
  readonly adoption: Readonly<Record<string, string>>;
  /** Undefined: it depends on why the object goes. */
  readonly deletionPolicy: DeletionPolicy | undefined;
  /** Tags that are not in `tags` are removed, but for those with these prefixes. Undefined: none is ever removed. */
  readonly prunesTagsBut: readonly string[] | undefined;
  readonly assignment: EipAssignment;
  /** The EIP may be with a pod now, although `assignment` names none: the pod must be looked at. */
  readonly mayBeAtPod: boolean;
  /** A spec of an older shape is rewritten by this merge patch first. */
  readonly upgrade: JsonObject | undefined;
}

/** Where an object's EIP stands: the state machine of k8s-aws-operator, which the other dialects express in their own way. */
export type EipObjectState =
  | 'allocating'
  | 'allocated'
  | 'assigning'
  | 'assigned'
  | 'reassigning'
  | 'unassigning'
  | 'releasing';

export interface EipObjectOutcome {
  readonly state: EipObjectState;
  readonly eip: ElasticIp | undefined;
  /** Where it is bound, when `state` is `assigned`. */
  readonly bound: EipBinding | undefined;
  readonly refusal: Refusal | undefined;
}

export interface EipBinding {
  readonly eni: EniId;
  readonly privateIp: IpAddress;
  readonly associationId: string;
  /** Name of the pod, node or ENI object that has it; undefined for a bare private IP. */
  readonly holder: string | undefined;
  /** uid of the pod. */
  readonly holderUid: string | undefined;
}

/** Knowledge of the installation that translations need. */
export interface ObjectContext {
  readonly clusterName: string;
  /** Tags for everything that is allocated (`--default-tags`). */
  readonly defaultTags: Readonly<Record<string, string>>;
}

/** A pure translation between one operator's EIP objects and ours. Nothing else in the program knows its keys. */
export interface EipObjectDialect {
  readonly name: EipObjectDialectName;
  readonly resource: ResourceType;
  /** Ours on the object; the same as the replaced operator's, so that its objects are taken over as they are. */
  readonly finalizer: string;
  /** The claim of an object, or why there can be none. Never throws, whatever the object holds. */
  claimOf(object: CustomObject, context: ObjectContext): ObjectClaim | Refusal;
  /** The whole status that the object should have; undefined values mean absent. */
  statusOf(claim: ObjectClaim, outcome: EipObjectOutcome): JsonObject;
  /** The object that an EIP's tags name, if they are of this dialect and cluster: for a sweep of orphans. */
  ownerOf(tags: Readonly<Record<string, string>>, clusterName: string): TaggedOwner | undefined;
}

/** An object as the tags of something in EC2 name it. */
export interface TaggedOwner {
  readonly uid: string;
  /** Undefined: the tags do not say. */
  readonly namespace: string | undefined;
}

/** A kind of custom resource by the names of its REST path. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export function objectKey({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
