import type { Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { PodRef } from '../pod.ts';
import type { IpamRange } from './ipam-range.ts';

/** One attachment of a pod as libcni cached its result at the end of CNI ADD. */
export interface CachedAttachment {
  readonly file: string;
  readonly pod: PodRef;
  readonly ifName: string;
  /** Path of the network namespace, when the cache says it. */
  readonly netns: string | undefined;
  /** `master` of the CNI conf: the host interface under the attachment. */
  readonly master: string | undefined;
  /** What the attachment's IPAM plugin may hand out, as far as its conf says. */
  readonly ipam?: readonly IpamRange[];
  /** Type of the CNI plugin that made the interface. */
  readonly plugin?: string | undefined;
  readonly mac: Mac | undefined;
  readonly addresses: readonly IpAddress[];
}

/** An address as the kernel has it in a pod's network namespace. */
export interface LiveAddress {
  readonly ip: IpAddress;
  /** When it was first seen here, ms since the epoch; an address that was deleted and added again has a new time. */
  readonly since: number;
}

export interface LiveInterface {
  readonly name: string;
  readonly mac: Mac | undefined;
  /** Index of the link under this one in the host's namespace, when the kernel says. */
  readonly parentIndex: number | undefined;
  readonly addresses: readonly LiveAddress[];
}

export interface LiveNamespace {
  readonly path: string;
  readonly interfaces: readonly LiveInterface[];
}

/** A NetworkAttachmentDefinition, as far as claims depend on it. */
export interface AttachmentDefinition {
  /** Value of `eni-agent.io/floating-ips` on it. */
  readonly floatingIps: string | undefined;
  /** Values of `eni-agent.io/routed-ips` and `eni-agent.io/route-tables` on it. */
  readonly routedIps?: string | undefined;
  readonly routeTables?: string | undefined;
  /** `master` of its CNI conf. */
  readonly master: string | undefined;
  /** What its IPAM plugin may hand out. */
  readonly ipam?: readonly IpamRange[];
  /** Type of the first plugin of its CNI conf. */
  readonly plugin?: string | undefined;
  /** Value of `eni-agent.io/ignore` on it. */
  readonly ignore?: string | undefined;
}
