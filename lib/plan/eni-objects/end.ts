import type { EniObject } from '../../model/eni-objects/eni-object.ts';
import type { EniDecision, EniSnapshot, EniStep } from '../../model/eni-objects/plan.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { RETAINED_TAG, retainedFor } from '../../model/retention.ts';
import { reclaimOf } from '../reclaim.ts';
import { detach } from './attachment.ts';
import type { Identified } from './identify.ts';
import { NOTHING } from './nothing.ts';
import { statusOf } from './status.ts';

/** How long no describe must have shown an interface before the object may go, ms: one may be on its way into the describes. */
const SETTLING_MS = 10_000;

/**
 * The end of an object. Deleted by itself: its interface goes off the instance, is deleted, and only then the finalizer goes, so that an
 * interrupted end goes on where it stopped. Deleted with its namespace or definition: the interface stays as and where it is, marked for
 * an object of the same name, because pods may still use it and nobody named it. The deletion policy outweighs both.
 */
export function planEnd(object: EniObject, { own, surplus }: Identified, snapshot: EniSnapshot): EniDecision {
  const found = own === undefined ? surplus : [...surplus, own];
  const [facts] = found;
  if (facts === undefined) return { ...NOTHING, object, ...removeFinalizer(object, snapshot) };
  const reclaim = reclaimOf(object.deletionPolicy, snapshot.endings.get(object.uid));
  if (reclaim === 'unknown') return { ...NOTHING, object, step: { kind: 'ask-ending', object } };
  if (reclaim !== 'released') return { ...NOTHING, object, step: retain(object, found, reclaim.retained) };
  const where = detach(object, facts);
  const message = where.state === 'settling' ? where.message : `${facts.id} is being deleted`;
  const status = statusOf(object, facts, undefined, { status: 'False', reason: 'Deleting', message });
  const gone: EniStep = { kind: 'delete', object, eni: facts.id };
  const step = where.state === 'step' ? where.step : where.state === 'there' ? gone : undefined;
  return { ...NOTHING, object, step, status, poll: step === undefined };
}

function removeFinalizer(object: EniObject, { absentSince, surelyGone, now, interfacesAt = 0 }: EniSnapshot) {
  const due = (absentSince.get(object.uid) ?? now) + SETTLING_MS;
  if (due > interfacesAt && !surelyGone.has(object.uid)) return { poll: true };
  return { step: { kind: 'remove-finalizer', object } as const };
}

/** The next tag, and the removal of the finalizer after the last one. */
function retain(object: EniObject, found: readonly NetworkInterface[], retained: string): EniStep {
  const retainedAs = retainedFor('ENI', object);
  const untagged = found.find(({ tags }) => tags[RETAINED_TAG] !== retainedAs);
  if (untagged === undefined) return { kind: 'remove-finalizer', object };
  return { kind: 'tag', object, eni: untagged.id, tags: { [RETAINED_TAG]: retainedAs }, retained };
}
