import type { EipObjectState, ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import { type ControllerSnapshot, type ObjectDecision, refused } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';

/** After a refusal of EC2 nothing is tried before its time. */
export function whileBackedOff(
  { object }: ObjectClaim,
  eip: ElasticIp | undefined,
  { backoffs, now }: ControllerSnapshot,
): ObjectDecision | undefined {
  const backoff = backoffs.get(object.uid);
  if (backoff === undefined || backoff.until <= now) return undefined;
  const state: EipObjectState =
    eip === undefined ? 'allocating' : eip.association === undefined ? 'assigning' : 'reassigning';
  const { reason, message } = backoff;
  return {
    outcome: refused({ state: object.deleting ? 'releasing' : state, eip }, { reason, message }),
    retryAt: backoff.until,
    handOver: 'as-it-is',
  };
}
