import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../lib/runtime/clock.ts';

/** The real clock, sped up: for tests over real sockets, where only the machine can say when a byte has arrived. */
export function fastClock(factor: number): Clock {
  const origin = Date.now();
  const started = performance.now();
  const after = (ms: number, callback: () => void) => {
    const timer = setTimeout(callback, ms / factor);
    return () => clearTimeout(timer);
  };
  return {
    now: () => origin + (performance.now() - started) * factor,
    after,
    sleep: (ms, signal) => sleepOn(after, ms, signal),
  };
}

/** The real clock, but for pauses, which are short: a slow machine is not taken for a silent server. */
export function impatientClock(factor: number): Clock {
  const fast = fastClock(factor);
  return { ...fastClock(1), sleep: (ms, signal) => fast.sleep(ms, signal) };
}

/** Time that stands still until told otherwise. */
export interface ManualClock extends Clock {
  /** Lets time pass in order from timer to timer, and everything that hangs on them settle in between. */
  advance(ms: number): Promise<void>;
  /** Time passes while the process is stopped: timers are due all at once afterwards. */
  jump(ms: number): void;
}

export function manualClock(start = Date.parse('2026-11-21T10:00:00Z')): ManualClock {
  let now = start;
  let timers: { at: number; callback: () => void }[] = [];
  const after = (ms: number, callback: () => void) => {
    const timer = { at: now + ms, callback };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  async function advance(ms: number): Promise<void> {
    const end = now + ms;
    for (;;) {
      await settle();
      const next = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      timers = timers.filter((timer) => timer !== next);
      now = Math.max(now, next.at);
      next.callback();
    }
    now = Math.max(now, end);
    await settle();
  }
  return {
    now: () => now,
    after,
    sleep: (ms, signal) => sleepOn(after, ms, signal),
    advance,
    jump(ms) {
      now += ms;
    },
  };
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
}

function sleepOn(after: Clock['after'], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = after(ms, done);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
