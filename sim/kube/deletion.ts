import { timestamp } from './creation.ts';
import type { KubeObject } from './object.ts';
import type { Preconditions } from './replacement.ts';

/** The body of a DELETE (meta/v1 DeleteOptions), as far as it matters here. */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: Preconditions;
}

export type Deletion =
  /** Gone at once; a pod is seen `marked` with no grace left just before. */
  | { kind: 'remove'; marked?: KubeObject }
  /** Marked; a finalizer or the kubelet has the last word. */
  | { kind: 'mark'; marked: KubeObject }
  /** Was marked already, with no more time than this call gives. */
  | { kind: 'unchanged' };

/**
 * What DELETE does to an object. A pod that is bound to a node and not finished gets its grace period (a second call
 * may only shorten it); finalizers hold any object back.
 */
export function deletionOf(object: KubeObject, isPod: boolean, options: DeleteOptions, now: number): Deletion {
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  const grace = isPod ? podGrace(object, options) : 0;
  const held = (object.metadata.finalizers ?? []).length > 0;
  if (grace === 0 && !held) {
    const alreadyMarked = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0;
    return isPod && !alreadyMarked ? { kind: 'remove', marked: withGrace(object, 0, now) } : { kind: 'remove' };
  }
  if (deletionTimestamp && grace >= (deletionGracePeriodSeconds ?? 0)) return { kind: 'unchanged' };
  return { kind: 'mark', marked: withGrace(object, grace, now) };
}

/** True when a marked object has nothing left that holds it. */
export function isReleased(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
}

function podGrace(pod: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  const phase = pod.status?.['phase'];
  if (!pod.spec?.['nodeName'] || phase === 'Succeeded' || phase === 'Failed') return 0;
  if (gracePeriodSeconds !== undefined) return Math.max(0, gracePeriodSeconds);
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  return Number(pod.spec['terminationGracePeriodSeconds'] ?? 30);
}

function withGrace(object: KubeObject, grace: number, now: number): KubeObject {
  const deletionTimestamp = timestamp(now + grace * 1000);
  return {
    ...object,
    metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace },
  };
}
