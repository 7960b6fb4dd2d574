import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { ec2Limiter } from './rate-limiter.ts';

export interface Permission {
  readonly rateLimit: RateLimit;
  /** Lower goes first among those who wait. */
  readonly priority: number;
  /** Asked after the wait, right before the call: false when the world has changed so that the call must not be made. */
  readonly allowed: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * A call under the rate limit with a fence: after the wait it is asked once more whether the call is still right.
 * @throws {Ec2Error} what `act` throws, or kind `unavailable` (surely nothing was done) with code `Stopping` or `NotAllowed`.
 */
export async function permitted<T>(
  { rateLimit, priority, allowed, signal }: Permission,
  act: () => Promise<T>,
): Promise<T> {
  let isAllowed = true;
  const answer = await ec2Limiter(rateLimit).call<T>(
    () => priority,
    signal,
    () => {
      isAllowed = allowed();
      return isAllowed ? act() : NO_CALL;
    },
  );
  if (answer !== NO_CALL) return answer;
  throw isAllowed
    ? notSent('Stopping', 'the agent is stopping')
    : notSent('NotAllowed', 'what asked for this call has changed while it waited');
}

function notSent(code: string, message: string): Ec2Error {
  return new Ec2Error({ kind: 'unavailable', code, message, action: 'none' });
}
