import type { Backoff } from '../addresses/snapshot.ts';
import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { Refusal } from '../refusal.ts';
import type { EipStatus, ElasticIpClaim } from './claim.ts';
import type { AllocationId, ElasticIp } from './elastic-ip.ts';
import type { EipOwner } from './owner.ts';

/** The tag that says which node's agent looks after an EIP: it finds its orphans again after a restart, with no disk at all. */
export const NODE_TAG = 'eni-agent.io/node';

/** Where a claim's private address is. */
export type EipPlace =
  /** On this ENI. A list of Elastic IPs from before `since` (ms since the epoch) is not believed about it: the address moved here, or the ENI says otherwise. */
  | { readonly state: 'ready'; readonly eni: EniId; readonly privateIp: IpAddress; readonly since: number | undefined }
  /** The pod has no address yet, or it is not on its ENI yet. At `recheckAt` (ms since the epoch) the ENIs should be described again. */
  | { readonly state: 'awaited'; readonly recheckAt?: number }
  /** A floating address that this pod may hold but does not: somebody else's turn. */
  | { readonly state: 'elsewhere' }
  | { readonly state: 'impossible'; readonly refusal: Refusal; readonly recheckAt?: number };

export interface PlacedEipClaim {
  readonly claim: ElasticIpClaim;
  readonly place: EipPlace;
  /** A list of Elastic IPs older than this (ms since the epoch) may miss an EIP that already belongs to the claim. */
  readonly eipsAfter: number;
  /** Since when the claim has been refused for what the list of Elastic IPs shows, ms since the epoch: the older, the rarer it is looked at again. */
  readonly refusedSince: number | undefined;
  /** It has had its EIP: whoever has that on another node now has taken it after this claim. @default false */
  readonly wasBound?: boolean;
}

/** An EIP that carries the tags of one of our dialects. */
export interface OwnedEip {
  readonly eip: ElasticIp;
  /** `namespace/name` of the claim's owner that the tags name. */
  readonly owner: string;
  readonly allocatedByUs: boolean;
  /** Keys to remove when it is given back without being released. */
  readonly ownTags: readonly string[];
  /** It is not given back on a list of Elastic IPs older than this (ms since the epoch). */
  readonly eipsAfter: number;
}

/** Everything a plan for Elastic IPs depends on. Times are ms since the epoch. */
export interface EipSnapshot {
  readonly now: number;
  /**
   * Undefined: the claims belong to no node but to whoever holds a Lease. Then no node's tag is written, and an EIP is tagged before it is
   * paired: no record on one node's disk could say to the next holder whose pairing it is.
   */
  readonly nodeName: string | undefined;
  readonly releaseDelayMs: number;
  readonly claims: readonly PlacedEipClaim[];
  /** False while pods are still loading: then nothing is given back. */
  readonly claimsComplete: boolean;
  /** `namespace/name` of the pods that live on this node. */
  readonly livePods: ReadonlySet<string>;
  /** Private addresses that pods of this node have to themselves, with the pod's `namespace/name`. */
  readonly liveAddresses: ReadonlyMap<IpAddress, string>;
  readonly ourEnis: ReadonlySet<EniId>;
  /** Private addresses on this node's ENIs that are about to be unassigned, which ends the pairing of their EIPs. */
  readonly leaving: ReadonlySet<IpAddress>;
  readonly eips: readonly ElasticIp[];
  /** When the list of Elastic IPs was asked for; undefined before the first one. */
  readonly eipsAt: number | undefined;
  /** Why the list of Elastic IPs cannot be read. */
  readonly eipsError: Refusal | undefined;
  readonly owned: readonly OwnedEip[];
  /** Whom the tags of EIPs name, whatever the dialect and the cluster. */
  readonly owners: ReadonlyMap<AllocationId, readonly EipOwner[]>;
  /** Since when an owned EIP has had no claim. */
  readonly unclaimedSince: ReadonlyMap<AllocationId, number>;
  /** By claim id, and by allocation id for giving back. */
  readonly backoffs: ReadonlyMap<string, Backoff>;
  /** Calls that were sent and have not been answered yet, by key. Steps that wait for permission are not among them: they are planned again. */
  readonly flying: ReadonlyMap<string, EipStep>;
}

/** One EC2 call for one EIP. `key` names what it is about: one step per key at a time. */
export type EipStep =
  | {
      readonly kind: 'allocate';
      readonly key: string;
      readonly claim: ElasticIpClaim;
      readonly pool: string;
      readonly tags: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'associate';
      readonly key: string;
      readonly claim: ElasticIpClaim;
      readonly eip: ElasticIp;
      readonly eni: EniId;
      readonly privateIp: IpAddress;
      /** False: only if it is free (compare-and-set); true: it is ours and must come here. */
      readonly allowReassociation: boolean;
    }
  | {
      readonly kind: 'tag';
      readonly key: string;
      readonly claim: ElasticIpClaim;
      readonly eip: ElasticIp;
      readonly tags: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'disassociate';
      readonly key: string;
      readonly owner: string;
      readonly eip: ElasticIp;
      readonly associationId: string;
    }
  | { readonly kind: 'release'; readonly key: string; readonly eip: ElasticIp }
  | { readonly kind: 'untag'; readonly key: string; readonly eip: ElasticIp; readonly tags: readonly string[] };

export interface EipPlan {
  /** What is nearest to done comes first: an association before an allocation. */
  readonly steps: readonly EipStep[];
  readonly statuses: readonly EipStatus[];
  /** EIPs of ours that no claim owns: they are given back when their time has come. */
  readonly unclaimed: readonly AllocationId[];
  /** Something cannot be decided on a list of Elastic IPs this old. */
  readonly readEips: boolean;
  readonly retryAt: number | undefined;
}
