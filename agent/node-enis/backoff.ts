import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import type { NodeEniReason } from '../../lib/model/node-enis/reasons.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';
import { nodeEniFailure } from '../aws/failures.ts';

/** What a step's failure means to the owner of the object, and how long to wait. Throttling does not come here. */
export function nodeEniBackoff(cause: unknown, step: NodeEniStep): FailureReport<NodeEniReason> {
  if (!(cause instanceof Ec2Error))
    return { reason: 'Settling', message: `${step.kind}: ${String(cause)}`, pause: [500, 30_000] };
  const { reason, advice, pause } = nodeEniFailure(cause);
  const message = `${step.kind}: ${cause.message} (${cause.code})${advice === '' ? '' : `; ${advice}`}`;
  return { reason, message, pause };
}
