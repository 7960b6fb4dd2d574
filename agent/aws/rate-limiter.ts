import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { RateLimiter } from '../../lib/runtime/rate-limiter.ts';

/** EC2 is throttling requests; no other failure says anything about the rate limit. */
export function isThrottling(error: unknown): boolean {
  return error instanceof Ec2Error && error.kind === 'throttled';
}

/** Calls to EC2 under the rate limit that the whole process shares. */
export function ec2Limiter(rateLimit: RateLimit): RateLimiter {
  return new RateLimiter(rateLimit, isThrottling);
}
