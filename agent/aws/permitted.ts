import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { reportFailure } from './report-failure.ts';

export interface Permission {
  readonly rateLimit: RateLimit;
  /** Lower goes first among those who wait. */
  readonly priority: number;
  /** Asked after the wait, right before the call: false when the world has changed so that the call must not be made. */
  readonly allowed: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * Waits for the permission to call EC2, looks again whether the call is still right, makes it, and reports to the rate limit how it ended, on every path.
 * @throws {Ec2Error} what `act` throws, or kind `unavailable` (surely nothing was done) with code `Stopping` or `NotAllowed`.
 */
export async function permitted<T>(
  { rateLimit, priority, allowed, signal }: Permission,
  act: () => Promise<T>,
): Promise<T> {
  if (!(await rateLimit.admit(() => priority, signal))) throw notSent('Stopping', 'the agent is stopping');
  if (!allowed()) {
    rateLimit.ended();
    throw notSent('NotAllowed', 'what asked for this call has changed while it waited');
  }
  try {
    const answer = await act();
    rateLimit.succeeded();
    return answer;
  } catch (error) {
    reportFailure(rateLimit, error);
    throw error;
  }
}

function notSent(code: string, message: string): Ec2Error {
  return new Ec2Error({ kind: 'unavailable', code, message, action: 'none' });
}
