import { NODE_ENI_FINALIZER, type NodeEni } from '../../model/node-enis/node-eni.ts';
import type { NodeEniSnapshot, NodeEniStep } from '../../model/node-enis/plan.ts';
import { retainedForNodeEni } from '../../model/node-enis/tags.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import type { SlotView } from './slots.ts';

/** After a creating call, and after a predecessor's possible one, describes may lack an interface for so long, ms. */
const QUIET_MS = 10_000;
const FRESH_MS = 2_000;

/** What an object itself needs, beside its slots. */
export interface ObjectDecision {
  readonly step?: NodeEniStep;
  readonly readEnding?: boolean;
  readonly readInterfaces?: boolean;
  readonly retryAt?: number;
  /** True while nothing may be done for its slots. */
  readonly held: boolean;
}

/** The finalizer: on before anything exists in EC2, off when nothing is left there and no node is reported of anything. */
export function decideObject(object: NodeEni, views: readonly SlotView[], snapshot: NodeEniSnapshot): ObjectDecision {
  const isMarked = object.finalizers.includes(NODE_ENI_FINALIZER[object.dialect]);
  const about = { key: object.uid, object } as const;
  if (!object.terminating)
    return isMarked ? { held: false } : { held: true, step: { ...about, kind: 'add-finalizer' } };
  if (!isMarked) return { held: true };
  if (!snapshot.endings.has(object.uid)) return { held: true, readEnding: true };
  const { now, interfacesAt = 0, createdAt, startedAt } = snapshot;
  const left = views.filter(
    ({ own }) => own !== undefined && own.tags[RETAINED_TAG] !== retainedForNodeEni(object.name),
  );
  const isAnnounced = snapshot.nodes.some(({ announcement }) =>
    announcement?.interfaces.some(({ nodeEni }) => nodeEni === object.name),
  );
  if (left.length > 0 || isAnnounced) return { held: false };
  const due = Math.max(createdAt.get(object.uid) ?? 0, startedAt) + QUIET_MS;
  if (now < due) return { held: false, retryAt: due };
  if (interfacesAt < due || interfacesAt < now - FRESH_MS) return { held: false, readInterfaces: true };
  return { held: false, step: { ...about, kind: 'remove-finalizer' } };
}
