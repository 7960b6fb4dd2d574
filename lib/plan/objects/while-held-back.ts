import { type ControllerSnapshot, type ObjectDecision, refused } from '../../model/controller-plan.ts';
import type { EipObjectState, ObjectClaim } from '../../model/eip-object.ts';
import type { ElasticIp } from '../../model/elastic-ip.ts';

/** After a refusal of EC2 nothing is tried before its time. */
export function whileHeldBack(
  { object }: ObjectClaim,
  eip: ElasticIp | undefined,
  { setbacks, now }: ControllerSnapshot,
): ObjectDecision | undefined {
  const setback = setbacks.get(object.uid);
  if (setback === undefined || setback.until <= now) return undefined;
  const state: EipObjectState =
    eip === undefined ? 'allocating' : eip.association === undefined ? 'assigning' : 'reassigning';
  const { reason, message } = setback;
  return {
    outcome: refused({ state: object.deleting ? 'releasing' : state, eip }, { reason, message }),
    wakeAt: setback.until,
    handOver: 'as-it-is',
  };
}
