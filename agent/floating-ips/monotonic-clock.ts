import type { Clock } from '../../lib/runtime/clock.ts';

/**
 * The same timers, but a `now` that only the passing of time moves: a hold must not end, or seem to last, because somebody set the clock.
 * It goes on while the process is stopped (SIGSTOP), so a process that goes on knows for how long it did not.
 */
export function monotonicClock(clock: Clock, uptimeMs: () => number = () => performance.now()): Clock {
  const origin = clock.now() - uptimeMs();
  return {
    now: () => origin + uptimeMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
  };
}

/** Turns times of a monotonic clock into those that the wall clock shows for the same moments; the same time always into the same. */
export function toWallClock(monotonic: Clock, wall: Clock): (time: number | undefined) => number | undefined {
  let last: { readonly time: number; readonly onWall: number } | undefined;
  return (time) => {
    if (time === undefined) return undefined;
    if (last?.time !== time) last = { time, onWall: wall.now() - (monotonic.now() - time) };
    return last.onWall;
  };
}
