import type { Clock } from '../../lib/runtime/clock.ts';

/**
 * The same timers, but a `now` that only the passing of time moves: a hold must not end, or seem to last, because somebody set the clock.
 * It goes on while the process is stopped (SIGSTOP), so a process that wakes knows that it has slept.
 */
export function monotonicClock(clock: Clock, uptimeMs: () => number = () => performance.now()): Clock {
  const origin = clock.now() - uptimeMs();
  return {
    now: () => origin + uptimeMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
  };
}
