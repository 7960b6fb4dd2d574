import type { PodCondition, PodRef } from '../model/pod.ts';
import { podKey } from '../model/pod.ts';
import type { KubeClient } from './client.ts';
import { isKubeError, type KubeError } from './kube-error.ts';
import type { RawObject } from './object-store.ts';
import { createWritePool, type WritePoolOptions } from './write-pool.ts';

/** A pod as it was last seen: its conditions show whether a status changes. */
export type PatchTarget = PodRef & { readonly conditions: readonly PodCondition[] };

export interface PodChange {
  /** Null removes the key. */
  readonly annotations?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly conditions?: readonly PodCondition[];
}

/** `gone`: the pod does not exist any more, or another one has its name. */
export type PatchOutcome = 'written' | 'gone';

export interface PodPublisher {
  /**
   * Writes all of a change by one PATCH of `pods/status` (which keeps annotations and labels too: Multus writes network-status
   * through it). The uid is the precondition: a recreated pod is never touched. While the API server is unavailable the newest
   * values wait. Rejects with `KubeError` when the server refuses (403, 422), or with the signal's reason.
   */
  patchPod(pod: PatchTarget, change: PodChange): Promise<PatchOutcome>;
  /** Pods with a write waiting or in flight. */
  readonly pending: number;
}

interface PendingPatch extends PodChange {
  readonly pod: PatchTarget;
}

export function createPodPublisher(options: WritePoolOptions & { readonly client: KubeClient }): PodPublisher {
  const { client, clock } = options;
  const pool = createWritePool<PendingPatch, PatchOutcome>(
    {
      merge: mergePatches,
      perform: async (_key, patch, signal) => {
        try {
          await client.request({
            method: 'PATCH',
            path: `${podPath(patch.pod)}/status`,
            contentType: 'application/strategic-merge-patch+json',
            body: patchBody(patch, clock.now()),
            signal,
          });
          return 'written';
        } catch (error) {
          if (isKubeError(error) && (await isGone(client, patch.pod, error, signal))) return 'gone';
          throw error;
        }
      },
    },
    options,
  );
  return {
    patchPod: (pod, change) => pool.write(`${podKey(pod)}/${pod.uid}`, { ...change, pod }),
    get pending() {
      return pool.size;
    },
  };
}

/** The later write wins key by key; the earlier one's other keys are not lost. */
function mergePatches(older: PendingPatch, newer: PendingPatch): PendingPatch {
  const conditions = new Map(
    [...(older.conditions ?? []), ...(newer.conditions ?? [])].map((entry) => [entry.type, entry]),
  );
  return {
    pod: newer.pod,
    annotations: { ...older.annotations, ...newer.annotations },
    labels: { ...older.labels, ...newer.labels },
    conditions: [...conditions.values()],
  };
}

/**
 * A strategic merge patch: conditions merge by `type`. `lastTransitionTime` is sent only when the status changes; left out, the
 * server keeps the old one.
 */
function patchBody({ pod, annotations, labels, conditions }: PendingPatch, now: number): object {
  const transition = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const written = (conditions ?? []).map((entry) => {
    const known = pod.conditions.find(({ type }) => type === entry.type);
    return known?.status === entry.status ? entry : { ...entry, lastTransitionTime: transition };
  });
  return {
    metadata: {
      ...(pod.uid === '' ? {} : { uid: pod.uid }),
      ...(isEmpty(annotations) ? {} : { annotations }),
      ...(isEmpty(labels) ? {} : { labels }),
    },
    ...(written.length === 0 ? {} : { status: { conditions: written } }),
  };
}

function isEmpty(map: object | undefined): boolean {
  return map === undefined || Object.keys(map).length === 0;
}

/**
 * A foreign uid is refused as a change of an immutable field (422), or where preconditions are checked first as a conflict (409).
 * A conflict can also mean that too many others write to the pod: only a look at it says.
 */
async function isGone(client: KubeClient, pod: PodRef, error: KubeError, signal: AbortSignal): Promise<boolean> {
  if (error.status === 404 || (error.status === 422 && error.fields.includes('metadata.uid'))) return true;
  if (error.status !== 409) return false;
  const current = await client.request<RawObject>({ method: 'GET', path: podPath(pod), signal }).catch(() => undefined);
  return current !== undefined && pod.uid !== '' && current.metadata.uid !== pod.uid;
}

function podPath({ namespace, name }: PodRef): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}
