import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Budget } from '../../lib/runtime/budget.ts';

/** Tells the shared budget how a call that it admitted has failed: only "slow down" weighs on it. */
export function reportFailure(budget: Budget, error: unknown): void {
  if (error instanceof Ec2Error && error.kind === 'throttled') budget.refused();
  else budget.ended();
}
