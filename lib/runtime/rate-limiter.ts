import type { RateLimit } from './rate-limit.ts';

/** What a permitted act answers when it found nothing to do any more: the permit goes back unused. */
export const NO_CALL = Symbol('no call');

/**
 * Calls under the rate limit of a process: permission and its end are in one place, so that no permit is lost, however a call ends.
 * `isThrottling` says which errors mean "slow down"; no other failure says anything about the limit.
 */
export class RateLimiter {
  readonly #rateLimit: RateLimit;
  readonly #isThrottling: (error: unknown) => boolean;

  constructor(rateLimit: RateLimit, isThrottling: (error: unknown) => boolean) {
    this.#rateLimit = rateLimit;
    this.#isThrottling = isThrottling;
  }

  /**
   * Waits for permission, which may take minutes, and only then asks `act`, which has to look at the world again before it calls.
   * `NO_CALL` when the signal aborted first or `act` had nothing to do. Rejects as `act` does.
   * @param priority lower goes first; asked whenever somebody is let through
   */
  async call<T>(
    priority: () => number,
    signal: AbortSignal,
    act: () => Promise<T | typeof NO_CALL> | typeof NO_CALL,
  ): Promise<T | typeof NO_CALL> {
    if (!(await this.#rateLimit.admit(priority, signal))) return NO_CALL;
    let end: 'succeeded' | 'refused' | 'ended' = 'ended';
    try {
      const answer = await act();
      if (answer !== NO_CALL) end = 'succeeded';
      return answer;
    } catch (error) {
      if (this.#isThrottling(error)) end = 'refused';
      throw error;
    } finally {
      this.#rateLimit[end]();
    }
  }
}
