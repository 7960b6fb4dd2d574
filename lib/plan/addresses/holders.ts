import { netnsName } from '../../model/addresses/cni.ts';
import type { CachedAttachment } from '../../model/addresses/observation.ts';
import { type Pod, type PodRef, podKey } from '../../model/pod.ts';
import type { Observations } from './claims.ts';

/** A pod, as far as any source knows it. */
export interface Holder {
  readonly ref: PodRef;
  /** Undefined when only the CNI cache knows the pod. */
  readonly pod: Pod | undefined;
  readonly cache: readonly CachedAttachment[];
}

/** Pods by the API's word, then those that only the CNI cache knows and whose network namespace still stands. */
export function holders({ pods, podsKnown, cache, namespaces }: Observations): Holder[] {
  const mounted = new Set(namespaces?.map(({ path }) => netnsName(path)));
  const stands = ({ netns }: CachedAttachment) =>
    namespaces === undefined || netns === undefined || mounted.has(netnsName(netns));
  const current = cache.filter(stands);
  const byPod = Map.groupBy(current, ({ pod }) => podKey(pod));
  const fromApi = pods
    .filter((pod) => !pod.hostNetwork)
    .map((pod) => ({ ref: pod, pod, cache: (byPod.get(podKey(pod)) ?? []).filter(belongsTo(pod)) }));
  // Without namespaces to look at, a cache entry of a pod that the API has deleted is just a stale file.
  const cacheAlone = namespaces !== undefined || !podsKnown;
  if (!cacheAlone) return fromApi;
  // A pod that was force-deleted and recreated under its name may still run: its namespace stands, so its addresses are in use.
  const known = new Map(pods.map((pod) => [podKey(pod), pod]));
  const isUnknown = (entry: CachedAttachment) => {
    const pod = known.get(podKey(entry.pod));
    return pod === undefined || !belongsTo(pod)(entry);
  };
  const orphans = Map.groupBy(current.filter(isUnknown), ({ pod }) => `${podKey(pod)} ${pod.uid}`);
  const fromCache = Array.from(orphans.values()).flatMap((entries) =>
    entries[0] ? [{ ref: entries[0].pod, pod: undefined, cache: entries }] : [],
  );
  return [...fromApi, ...fromCache];
}

/** A recreated pod has the same name and another uid; older runtimes do not report the uid. */
function belongsTo(pod: Pod): (entry: CachedAttachment) => boolean {
  return (entry) => entry.pod.uid === '' || entry.pod.uid === pod.uid;
}
