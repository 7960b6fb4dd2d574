import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Refusal } from '../../lib/model/refusal.ts';

/** In words for a pod's owner: why EC2 does not do now what every address of the node depends on. */
export function troubleOf(error: unknown): Refusal {
  if (!(error instanceof Ec2Error)) return { reason: 'Ec2Unavailable', message: String(error) };
  switch (error.kind) {
    case 'throttled':
      return { reason: 'Throttled', message: `EC2 asks to slow down (${error.code}); ${error.action} is repeated` };
    case 'unauthorized':
      return { reason: 'Unauthorized', message: `EC2 refused ${error.action}: ${error.message} (${error.code})` };
    default:
      return {
        reason: 'Ec2Unavailable',
        message: `${error.action} did not go through (${error.code}: ${error.message}); it is repeated`,
      };
  }
}
