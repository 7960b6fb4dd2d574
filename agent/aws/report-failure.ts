import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Budget } from '../../lib/runtime/budget.ts';

/** EC2 asks to slow down; no other failure says anything about the rate limit. */
export function isThrottling(error: unknown): boolean {
  return error instanceof Ec2Error && error.kind === 'throttled';
}

/** Tells the shared budget how a call that it admitted has failed: only "slow down" weighs on it. */
export function reportFailure(budget: Budget, error: unknown): void {
  if (isThrottling(error)) budget.refused();
  else budget.ended();
}
