import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';

/** EC2 is throttling requests; no other failure says anything about the rate limit. */
export function isThrottling(error: unknown): boolean {
  return error instanceof Ec2Error && error.kind === 'throttled';
}

/** Reports the shared rate limit how a call that it admitted has failed: only "slow down" weighs on it. */
export function reportFailure(rateLimit: RateLimit, error: unknown): void {
  if (isThrottling(error)) rateLimit.refused();
  else rateLimit.ended();
}
