import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { Pod, PodRef } from '../pod.ts';
import type { Refusal } from '../refusal.ts';
import type { AllocationId } from './elastic-ip.ts';

/**
 * How the EIP of a claim is obtained.
 * `allocate`: a new one from a pool (`amazon`, or an own pool's id), ours to release.
 * `tagged`: a free one that has this tag key (and value, if given); never released by us.
 * `fixed`: exactly this one; never released by us.
 */
export type EipSource =
  | { readonly kind: 'allocate'; readonly pool: string }
  | { readonly kind: 'tagged'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'fixed'; readonly allocationId: AllocationId };

/** Which private address of the pod the EIP belongs to. */
export type EipTarget =
  | { readonly kind: 'primary' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'address'; readonly address: IpAddress };

/** Which manifests' language a claim was written in; results go back in the same one. */
export type DialectName = 'own' | 'handover' | 'pod-eip-controller';

/** One request for one Elastic IP on one private address of a pod or of a FloatingIP: what every dialect translates into. */
export interface ElasticIpClaim {
  /** Unique within the cluster and stable over restarts: dialect, pod name and target. Survives the recreation of the pod. */
  readonly id: string;
  readonly dialect: DialectName | 'floating-ip';
  /** The pod; of a FloatingIP the object, which is in no namespace. */
  readonly owner: PodRef;
  readonly source: EipSource;
  readonly target: EipTarget;
  /** Tags that mark the EIP as this claim's: written in the allocating call, or after taking a prepared EIP. */
  readonly tags: Readonly<Record<string, string>>;
  /** The keys of `tags` that together name the owner: an EIP with equal values is this claim's from an earlier life. */
  readonly identity: readonly string[];
  /** Those of `identity` that an earlier version did not write: an EIP without them may be this claim's all the same. @default none */
  readonly lateKeys?: readonly string[];
}

/** Where one claim stands. `unseen`: EC2 has not been asked since the claim is what it is; it may well be bound already. */
export type EipStatus =
  | {
      readonly state: 'bound';
      readonly claim: ElasticIpClaim;
      readonly publicIp: IpAddress;
      readonly allocationId: AllocationId;
      readonly eni: EniId;
      readonly privateIp: IpAddress;
    }
  | { readonly state: 'pending'; readonly claim: ElasticIpClaim; readonly refusal?: Refusal; readonly unseen?: true }
  | { readonly state: 'refused'; readonly claim: ElasticIpClaim; readonly refusal: Refusal; readonly unseen?: true };

/** What a dialect reads from one pod. */
export interface EipRequests {
  readonly claims: readonly ElasticIpClaim[];
  readonly refusals: readonly Refusal[];
}

/** What a dialect wants written on a pod; null removes a key. Only what differs from the pod is sent. */
export interface EipMetadata {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** A thing that happened to a claim and that the dialect's users expect an Event for. */
export type EipEventKind =
  | { readonly kind: 'associated'; readonly publicIp: IpAddress; readonly privateIp: IpAddress }
  | { readonly kind: 'association-failed'; readonly message: string }
  | { readonly kind: 'disassociated'; readonly publicIp: IpAddress }
  | { readonly kind: 'disassociation-failed'; readonly message: string };

export interface EipEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Knowledge of the installation that translations need. */
export interface DialectContext {
  /** `--cluster-name`; part of every owner tag. Undefined: no EIP may be claimed, because owners cannot be told apart. */
  readonly clusterName: string | undefined;
  readonly nodeName: string;
}

/** A pure translation between one tool's manifests and ours. Nothing else in the program knows its keys. */
export interface PodDialect {
  readonly name: DialectName;
  /** The key on the pod by which its users ask for an EIP; refusals name it. */
  readonly annotation: string;
  /** The tag key that every EIP of this dialect has; its value is the cluster's name. */
  readonly clusterTag: string;
  requests(pod: Pod, context: DialectContext): EipRequests;
  /** What to write for these statuses of this dialect's claims on the pod (all of them; empty when it has none any more). */
  metadata(pod: Pod, statuses: readonly EipStatus[]): EipMetadata;
  event(event: EipEventKind): EipEvent;
  /** Whose an EIP with these tags is: `namespace/name` of the pod; undefined when it is not of this dialect and cluster. */
  ownerOf(tags: Readonly<Record<string, string>>, context: DialectContext): string | undefined;
  /** True when an EIP with these tags was allocated by us (and is ours to release), false when it was only taken. */
  allocatedByUs(tags: Readonly<Record<string, string>>): boolean;
  /** Keys that are removed again from an EIP that was only taken. */
  readonly ownTags: readonly string[];
}
