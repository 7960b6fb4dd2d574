import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { ObjectStep } from '../../lib/model/eip-objects/plan.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';
import { backoffOf } from '../elastic-ips/backoff.ts';
import { eipCallOf } from './step-facts.ts';

/** Why a call failed and how long its object waits: not at all when nobody knows the outcome, because a look says. */
export function failureOf(error: Ec2Error, step: ObjectStep): FailureReport<Reason> {
  const { reason, message, pause } = backoffOf(error, { kind: eipCallOf(step) });
  return { reason, message, pause: error.kind === 'unknown-outcome' ? [0, 0] : pause };
}
