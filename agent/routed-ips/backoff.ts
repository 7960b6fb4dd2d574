import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';
import { routeFailure } from '../aws/failures.ts';

/** What a refused call for a route means to the pod's owner, and what to do about it. */
export function routeBackoff(error: Ec2Error, step: RouteStep): FailureReport<Reason> {
  const { reason, advice, pause } = routeFailure(error, step.kind);
  const what = step.kind === 'uncheck' ? step.eni : step.key;
  const message = `${what}: ${error.message} (${error.code})${advice === '' ? '' : `; ${advice}`}`;
  return { reason, message, pause };
}
