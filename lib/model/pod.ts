import type { Mac } from './eni.ts';
import type { IpAddress } from './ip.ts';
import type { Refusal } from './refusal.ts';

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  /** Empty when only a CNI cache entry of an older runtime named the pod. */
  readonly uid: string;
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** What the agent needs of a pod; everything else of the API object is dropped at the adapter to save memory. */
export interface Pod extends PodRef {
  readonly nodeName: string;
  readonly phase: PodPhase;
  readonly terminating: boolean;
  readonly hostNetwork: boolean;
  /** The primary network's addresses (`status.podIPs`). Never claimed as secondary addresses. */
  readonly podIps: readonly IpAddress[];
  readonly labels: Readonly<Record<string, string>>;
  /** Only annotations with a meaning to some part of the program are kept. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Status of our condition and of Ready, to write only what changes. */
  readonly conditions: readonly PodCondition[];
  readonly finalizers: readonly string[];
}

export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** One entry of the `k8s.v1.cni.cncf.io/network-status` annotation. */
export interface NetworkStatus {
  /** `namespace/name` of the NetworkAttachmentDefinition, or the CNI conf's name for the cluster default. */
  readonly name: string;
  readonly interface: string;
  readonly ips: readonly IpAddress[];
  readonly mac: Mac | undefined;
  readonly isDefault: boolean;
}

/** What an annotation says, with what of it could not be understood. */
export interface Parsed<T> {
  readonly value: T;
  readonly refusals: readonly Refusal[];
}

/** True while containers of the pod may run, so that its addresses are in use. */
export function isAlive(pod: Pod): boolean {
  return pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
}

export function podKey(pod: { namespace: string; name: string }): string {
  // A process inside a pod may not know its namespace.
  return pod.namespace === '' ? pod.name : `${pod.namespace}/${pod.name}`;
}
