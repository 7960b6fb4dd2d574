import type { CachedAttachment, LiveInterface } from '../../model/addresses/observation.ts';
import type { IpAddress } from '../../model/ip.ts';
import { type PodRef, podKey } from '../../model/pod.ts';
import type { Observations } from './claims.ts';

/** One interface of a pod, as far as anything but the pod's annotations shows. */
export interface InterfaceEvidence {
  readonly pod: PodRef;
  readonly ifName: string;
  /** CNI results whose namespace stands. */
  readonly cached: readonly CachedAttachment[];
  readonly live: LiveInterface | undefined;
}

/**
 * Whether anything but an annotation says that the interface has the address: its CNI result, or, where there is none, the kernel in the
 * pod's namespace. Network-status is Multus's word, but whoever may edit the pod can write it.
 */
export function isConfirmed(
  address: IpAddress,
  { pod, ifName, cached, live }: InterfaceEvidence,
  observed: Observations,
): boolean {
  // The usual case, for every address in every plan.
  if (cached.some(({ addresses }) => addresses.includes(address))) return true;
  const ofPod = observed.cache.filter((entry) => entry.ifName === ifName && podKey(entry.pod) === podKey(pod));
  const results = ofPod
    .filter((entry) => entry.pod.uid === '' || pod.uid === '' || entry.pod.uid === pod.uid)
    .flatMap(({ addresses }) => addresses);
  if (results.length > 0) return results.includes(address);
  return live?.addresses.some(({ ip }) => ip === address) ?? false;
}

/** False where nothing on this node could confirm anything, e.g. with `--observe=annotations`: then network-status has to be believed. */
export function canConfirm({ cache, namespaces }: Pick<Observations, 'cache' | 'namespaces'>): boolean {
  return cache.length > 0 || (namespaces?.length ?? 0) > 0;
}
