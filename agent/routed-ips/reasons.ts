import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';

/** Others compete for the route, or what we knew of it was outdated. */
const AT_ONCE = [0, 0] as const;
const SOON = [200, 30_000] as const;
/** What a human has to change is asked rarely. */
const SLOW = [30_000, 600_000] as const;

type Judgement = readonly [Reason, string, readonly [number, number]];

/** What a refused call for a route means to the pod's owner, and what to do about it. */
export function routeFailure(error: Ec2Error, step: RouteStep): FailureReport<Reason> {
  const [reason, advice, pause] = judge(error, step);
  const what = step.kind === 'uncheck' ? step.eni : step.key;
  const message = `${what}: ${error.message} (${error.code})${advice === '' ? '' : `; ${advice}`}`;
  return { reason, message, pause };
}

function judge(error: Ec2Error, step: RouteStep): Judgement {
  if (error.kind === 'unauthorized') return forbidden(error, step);
  if (error.code === 'InvalidRouteTableID.NotFound') return ['RouteTableNotFound', 'name a table that exists', SLOW];
  if (error.code === 'InvalidNetworkInterfaceID.NotFound') return ['InterfaceGone', '', SOON];
  if (error.code === 'RouteLimitExceeded')
    return ['RouteLimitExceeded', 'remove routes from the table or ask for a higher quota of routes per table', SLOW];
  if (error.kind === 'conflict' || error.kind === 'not-assigned') return ['HeldElsewhere', '', AT_ONCE];
  if (error.kind === 'throttled') return ['Throttled', 'it is repeated', AT_ONCE];
  if (error.kind === 'unavailable' || error.kind === 'unknown-outcome')
    return ['Ec2Unavailable', 'it is looked at and repeated', SOON];
  if (/different networks|different vpc/i.test(error.message))
    return ['RouteTableOfOtherVpc', "name a table of the ENI's VPC", SLOW];
  return ['RejectedByEc2', '', [2_000, 300_000]];
}

function forbidden({ action }: Ec2Error, step: RouteStep): Judgement {
  if (step.kind === 'uncheck')
    return [
      'SourceDestCheckOn',
      `turn the source/destination check of ${step.eni} off, or allow ec2:${action} in the agent's IAM role`,
      SLOW,
    ];
  return ['Unauthorized', `allow ec2:${action} for this table in the agent's IAM role; its tags may be missing`, SLOW];
}
