import type { EniObject } from '../../model/eni-objects/eni-object.ts';
import type { EniDecision, EniSnapshot, EniStep } from '../../model/eni-objects/plan.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { leave } from './attachment.ts';
import { statusOf } from './status.ts';

/** How long no describe must have shown an interface before the object may go, ms: one may be on its way into the describes. */
const SETTLING_MS = 10_000;

/**
 * The end of an object: off the instance, deleted, and only then the finalizer, so that an interrupted end goes on where it stopped.
 * `found`: every interface that is the object's by tag, or by status as identified before.
 */
export function planEnd(object: EniObject, found: readonly NetworkInterface[], snapshot: EniSnapshot): EniDecision {
  const base = { object, readInterfaces: false, readRoom: undefined, poll: false, retryAt: undefined };
  const [facts] = found;
  if (facts === undefined) return { ...base, ...farewell(object, snapshot) };
  const where = leave(object, facts);
  const message = where.state === 'settling' ? where.message : `${facts.id} is being deleted`;
  const status = statusOf(object, facts, undefined, { status: 'False', reason: 'Deleting', message });
  const gone: EniStep = { kind: 'delete', object, eni: facts.id };
  const step = where.state === 'step' ? where.step : where.state === 'there' ? gone : undefined;
  return { ...base, step, status, poll: step === undefined };
}

function farewell(object: EniObject, { absentSince, surelyGone, now, interfacesAt = 0 }: EniSnapshot) {
  const due = (absentSince.get(object.uid) ?? now) + SETTLING_MS;
  if (due > interfacesAt && !surelyGone.has(object.uid)) return { step: undefined, status: undefined, poll: true };
  return { step: { kind: 'remove-finalizer', object } as const, status: undefined };
}
