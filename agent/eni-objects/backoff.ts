import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniReason } from '../../lib/model/eni-objects/eni-object.ts';
import type { EniStep } from '../../lib/model/eni-objects/plan.ts';
import { DELETION_POLICY } from '../../lib/model/retention.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';
import { eniObjectFailure } from '../aws/failures.ts';

/** Translates a refusal of EC2 into what the object's owner reads. */
export function eniBackoff(error: Ec2Error, step: EniStep): FailureReport<EniReason> {
  const { reason, advice, pause } = eniObjectFailure(error);
  return { reason, pause, message: `${step.kind}: ${error.message} (${error.code})${advice && `; ${advice}`}` };
}

/** The API server refused a write, because the object has changed since it was read, or does not say why an object goes. */
export function kubeBackoff(cause: unknown, { kind }: EniStep): FailureReport<EniReason> {
  if (kind === 'ask-ending') {
    const message = `cannot tell whether the object's namespace or definition is being deleted, so its interface is kept for now: ${String(cause)}; allow the controller to get namespaces and customresourcedefinitions, or set the annotation ${DELETION_POLICY}`;
    return { reason: 'Unauthorized', message, pause: [500, 60_000] };
  }
  return { reason: 'Settling', message: `${kind}: ${String(cause)}`, pause: [500, 30_000] };
}
