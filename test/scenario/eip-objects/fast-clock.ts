import { type Clock, systemClock } from '../../../lib/runtime/clock.ts';

/** The machine's clock, but time runs `speed` times as fast: waits of seconds take part in tests with real connections. */
export function fastClock(speed: number): Clock {
  const real = systemClock();
  const startedAt = real.now();
  return {
    now: () => startedAt + (real.now() - startedAt) * speed,
    sleep: (ms, signal) => real.sleep(ms / speed, signal),
    after: (ms, callback) => real.after(ms / speed, callback),
  };
}
