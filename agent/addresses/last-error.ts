import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Refusal } from '../../lib/model/refusal.ts';

/** In words for a pod's owner: why EC2 does not do now what every address of the node depends on. */
export function lastErrorOf(error: unknown): Refusal {
  if (!(error instanceof Ec2Error)) return { reason: 'Ec2Unavailable', message: String(error) };
  const { kind, code, action, message } = error;
  if (kind === 'throttled')
    return { reason: 'Throttled', message: `EC2 is throttling requests (${code}); ${action} is repeated` };
  if (kind === 'unauthorized')
    return { reason: 'Unauthorized', message: `EC2 refused ${action}: ${message} (${code})` };
  return { reason: 'Ec2Unavailable', message: `${action} did not go through (${code}: ${message}); it is repeated` };
}
