import type { Backoff } from '../addresses/snapshot.ts';
import type { AllocationId, ElasticIp } from '../elastic-ips/elastic-ip.ts';
import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { JsonObject } from '../json.ts';
import type { Pod } from '../pod.ts';
import type { Refusal } from '../refusal.ts';
import type { Ending } from '../retention.ts';
import type { CustomObject, EipObjectOutcome, ObjectClaim } from './eip-object.ts';

/** A pod as the controller's own, lean watch shows it. */
export interface ControllerPod extends Pod {
  readonly resourceVersion: string;
}

/** A node that an EIP may be assigned to. */
export interface ControllerNode {
  readonly name: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
  readonly ready: boolean;
  readonly deleting: boolean;
  /** Undefined for a node that is not an EC2 instance. */
  readonly instanceId: string | undefined;
  readonly internalIp: IpAddress | undefined;
}

/** A claim with what this process remembers of its object. Times are ms since the epoch. */
export interface SeenClaim {
  readonly claim: ObjectClaim;
  /**
   * A list of Elastic IPs older than this may miss an EIP that the object has already. Later than the first sight when the object was held
   * by then: a predecessor may have allocated a moment ago, and EC2's lists lag.
   */
  readonly eipsAfter: number;
}

/** One private address where EC2 has it. */
export interface PrivatePlace {
  readonly eni: EniId;
  readonly privateIp: IpAddress;
}

/** What is asked of EC2 to find a place: the primary address of an instance, an address by itself, or one of an ENI object. */
export type PlaceQuery =
  | { readonly kind: 'instance'; readonly instanceId: string }
  | { readonly kind: 'address'; readonly address: IpAddress }
  /** An address of an ENI object's interface, if the interface's tags say that it is that object's. */
  | { readonly kind: 'eni-object'; readonly uid: string; readonly eni: EniId; readonly address: IpAddress };

/** Everything the plan for EIP objects depends on, as plain data taken at one instant. Times are ms since the epoch. */
export interface ControllerSnapshot {
  readonly now: number;
  readonly claims: readonly SeenClaim[];
  /** False while objects are still loading: then nothing is created or deleted because of their absence. */
  readonly claimsComplete: boolean;
  /** True while an object cannot be understood: what it holds, and where, is not known. */
  readonly claimsRefused: boolean;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, ControllerPod>;
  readonly podsKnown: boolean;
  readonly nodes: readonly ControllerNode[];
  readonly nodesKnown: boolean;
  /** ENI objects by `namespace/name`. */
  readonly eniObjects: ReadonlyMap<string, CustomObject>;
  readonly eniObjectsKnown: boolean;
  readonly eips: readonly ElasticIp[];
  /** When the list of Elastic IPs was asked for; undefined before the first one. */
  readonly eipsAt: number | undefined;
  /** Answers to place queries by {@link placeKey}; undefined: looked up and not there. */
  readonly places: ReadonlyMap<string, PrivatePlace | undefined>;
  /** By object uid. */
  readonly backoffs: ReadonlyMap<string, Backoff>;
  /** Why objects are being deleted, as far as it was asked, by their uids. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** Since when an EIP has been bound or tagged where it should not be. */
  readonly misplacedSince: ReadonlyMap<AllocationId, number>;
}

/** One call, to EC2 or to the API server. `key` names what it is about: one step per key at a time. */
export type ObjectStep = Ec2Step | KubeStep;

interface Keyed {
  readonly key: string;
}

interface ForClaim extends Keyed {
  readonly claim: ObjectClaim;
}

interface ForEip extends ForClaim {
  readonly eip: ElasticIp;
}

export type Ec2Step =
  | (ForClaim & { readonly kind: 'allocate' })
  | (ForEip & { readonly kind: 'associate'; readonly place: PrivatePlace; readonly query: PlaceQuery | undefined })
  | (ForEip & { readonly kind: 'disassociate'; readonly associationId: string })
  | (ForEip & {
      readonly kind: 'tag';
      readonly tags: Readonly<Record<string, string>>;
      /** Set when the EIP is to stay although its object goes: why. */
      readonly retained?: string;
    })
  | (ForEip & { readonly kind: 'untag'; readonly tags: readonly string[] })
  | (ForEip & { readonly kind: 'release' })
  | (Keyed & { readonly kind: 'look-up'; readonly query: PlaceQuery });

export type KubeStep =
  | (ForClaim & { readonly kind: 'write-object'; readonly patch: JsonObject })
  | (ForClaim & { readonly kind: 'write-status'; readonly patch: JsonObject })
  | (Keyed & { readonly kind: 'write-pod'; readonly pod: ControllerPod; readonly patch: JsonObject })
  | (Keyed & { readonly kind: 'write-node'; readonly node: ControllerNode; readonly patch: JsonObject })
  | (Keyed & { readonly kind: 'create-eip'; readonly pod: ControllerPod })
  | (ForClaim & {
      readonly kind: 'delete-eip';
      /** Set when the object goes because its owner is another pod of this one's name: whether that is gone, or only not here yet, has to be asked. */
      readonly namesake?: ControllerPod;
    })
  /** Whether the object is deleted by itself or with its namespace or definition. */
  | (ForClaim & { readonly kind: 'ask-ending' });

export interface ObjectVerdict {
  readonly claim: ObjectClaim;
  readonly outcome: EipObjectOutcome;
}

export interface ControllerPlan {
  readonly steps: readonly ObjectStep[];
  readonly verdicts: readonly ObjectVerdict[];
  /** EIPs that are bound or tagged where they should not be. */
  readonly misplaced: ReadonlySet<AllocationId>;
  readonly readEips: boolean;
  readonly retryAt: number | undefined;
}

/** What a claim needs next and where it stands until then. */
export interface ObjectDecision {
  readonly outcome: EipObjectOutcome | undefined;
  readonly step?: ObjectStep | undefined;
  /** What the status says now is not to be overwritten, although the outcome is another. */
  readonly keepsStatus?: boolean;
  /** The EIP may be handed to the claim's pod. */
  readonly handOver?: boolean | 'as-it-is';
  /** The EIP is bound or tagged where it should not be. */
  readonly misplaced?: boolean;
  readonly readEips?: boolean;
  readonly retryAt?: number | undefined;
}

/** What a pod should say about the EIPs of objects. */
export interface PodRequest {
  /** The EIP that its node's agent is to bind to its primary address. */
  readonly handOver: AllocationId | undefined;
  /** The EIP that is bound to it by an object whose dialect says so on the pod. */
  readonly shown: AllocationId | undefined;
  /** True for EIPs of known objects: those may be taken off the pod again. */
  readonly isOurs: (id: AllocationId) => boolean;
}

/** The words in which the plan speaks to objects, pods and EIP tags. Pure; the dialects implement it, the plan knows no keys. */
export interface ObjectAdapter {
  finalizerOf(claim: ObjectClaim): string;
  statusOf(claim: ObjectClaim, outcome: EipObjectOutcome): JsonObject;
  /** `namespace/name` of the pod whose node agent has or had an EIP with these tags. */
  podOf(tags: Readonly<Record<string, string>>): string | undefined;
  /** Tag keys that a node agent writes on an EIP that was handed to a pod. */
  readonly handoverTags: readonly string[];
  handedOver(pod: Pod): readonly AllocationId[];
  /** True when the pod's node agent says that this EIP is bound. */
  saysBound(pod: Pod, eip: ElasticIp): boolean;
  /** Merge patches of metadata; undefined when nothing differs. */
  writePod(pod: Pod, request: PodRequest): JsonObject | undefined;
  /** `holdsEip` undefined: what the node says about it stays. */
  writeNode(node: ControllerNode, holdsEip: boolean | undefined): JsonObject | undefined;
  /** True for a node that says that it holds an EIP. */
  saysHolds(node: ControllerNode): boolean;
  /** True for a pod that wants an object of its own name created and deleted with it. */
  wantsObject(pod: Pod): boolean;
}

export function placeKey(query: PlaceQuery): string {
  if (query.kind === 'instance') return query.instanceId;
  return query.kind === 'address' ? query.address : `${query.address} of ${query.eni} of ${query.uid}`;
}

export function refused(outcome: Omit<EipObjectOutcome, 'refusal' | 'bound'>, refusal: Refusal): EipObjectOutcome {
  return { ...outcome, bound: undefined, refusal };
}

const EC2_KINDS = new Set<string>([
  'allocate',
  'associate',
  'disassociate',
  'tag',
  'untag',
  'release',
  'look-up',
] satisfies Ec2Step['kind'][]);

export function isEc2Step(step: ObjectStep): step is Ec2Step {
  return EC2_KINDS.has(step.kind);
}
