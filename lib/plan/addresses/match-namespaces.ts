import { netnsName } from '../../model/addresses/cni.ts';
import { parseNetworkStatus } from '../../model/addresses/network-status.ts';
import type { LiveNamespace } from '../../model/addresses/observation.ts';
import { isAlive, type Pod, type PodRef, podKey } from '../../model/pod.ts';
import type { Observations } from './claims.ts';

export interface NamespaceMatch {
  readonly of: (pod: PodRef) => LiveNamespace | undefined;
  /** Namespaces that fit no pod that the API or the CNI cache knows, not even one that has finished. */
  readonly unmatched: readonly LiveNamespace[];
}

/**
 * Which network namespace is which pod's: by the CNI cache, which names both; else by the pod's primary address on an interface in
 * there; else by an interface and address that network-status lists. A namespace that fits no pod belongs to nobody.
 */
export function matchNamespaces(observed: Observations): NamespaceMatch {
  const matched = new Map<string, LiveNamespace>();
  const taken = new Set<string>();
  const byName = new Map(observed.namespaces?.map((namespace) => [netnsName(namespace.path), namespace]));
  for (const { pod, netns } of observed.cache) {
    const namespace = netns === undefined ? undefined : byName.get(netnsName(netns));
    if (namespace === undefined) continue;
    matched.set(keyOf(pod), namespace);
    taken.add(namespace.path);
  }
  const free = new Set((observed.namespaces ?? []).filter(({ path }) => !taken.has(path)));
  for (const pod of observed.pods) {
    // A finished pod keeps its addresses in the API while a new pod may have them already.
    if (!isAlive(pod) || pod.hostNetwork || matched.has(pod.uid) || matched.has(podKey(pod))) continue;
    const namespace = Array.from(free).find((candidate) => looksLike(pod, candidate));
    if (namespace === undefined) continue;
    matched.set(keyOf(pod), namespace);
    free.delete(namespace);
  }
  const finished = observed.pods.filter((pod) => !isAlive(pod));
  return {
    of: (pod) => matched.get(pod.uid) ?? matched.get(podKey(pod)),
    unmatched: Array.from(free).filter((namespace) => !finished.some((pod) => looksLike(pod, namespace))),
  };
}

function keyOf(pod: PodRef): string {
  return pod.uid || podKey(pod);
}

function looksLike(pod: Pod, { interfaces }: LiveNamespace): boolean {
  const has = (ifName: string | undefined, address: string) =>
    interfaces.some(({ name, addresses }) => (ifName ?? name) === name && addresses.some(({ ip }) => ip === address));
  if (pod.podIps.some((address) => has(undefined, address))) return true;
  return parseNetworkStatus(pod.annotations).value.some((network) =>
    network.ips.some((address) => has(network.interface, address)),
  );
}
