import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../lib/runtime/backoff.ts';
import { Supervisor } from '../../../lib/runtime/supervisor.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function supervisor() {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const failures: { task: string; error: unknown; retryInMs: number }[] = [];
  const made = new Supervisor(
    { clock, random: () => 1, onFailure: (task, error, retryInMs) => failures.push({ task, error, retryInMs }) },
    stop.signal,
  );
  return { clock, stop, failures, supervisor: made };
}

describe('Supervisor', () => {
  it('starts a task again that fails, at growing pauses', async () => {
    const { clock, failures, supervisor: made } = supervisor();
    let starts = 0;
    made.keep('watch', () => {
      starts += 1;
      return Promise.reject(new Error('reset'));
    });

    await clock.advance(200 + 400 + 800);

    expect(starts).toBe(4);
    expect(failures.map(({ retryInMs }) => retryInMs)).toEqual([200, 400, 800, 1_600]);
  });

  it('treats a task that ends by itself as failed', async () => {
    const { clock, failures, supervisor: made } = supervisor();
    made.keep('monitor', () => Promise.resolve());

    await clock.settle();

    expect(failures).toMatchObject([{ task: 'monitor', error: new Error('ended before it was asked to') }]);
  });

  it('forgets earlier failures of a task that has run for long', async () => {
    const { clock, failures, supervisor: made } = supervisor();
    let starts = 0;
    made.keep('watch', async (signal) => {
      starts += 1;
      if (starts === 4) await clock.sleep(120_000, signal);
      throw new Error('reset');
    });

    await clock.advance(130_000);

    expect(failures.slice(0, 4).map(({ retryInMs }) => retryInMs)).toEqual([200, 400, 800, 200]);
  });

  it('ends when every task has ended, without calling that a failure', async () => {
    const { clock, stop, failures, supervisor: made } = supervisor();
    made.keep('sleeper', (signal) => clock.sleep(1e9, signal));
    made.keep('thrower', async (signal) => {
      await clock.sleep(1e9, signal);
      throw new Error('aborted');
    });
    await clock.settle();

    stop.abort();
    await made.finished();

    expect(failures).toEqual([]);
  });

  it('does not wait out a pause when it is told to stop', async () => {
    const { clock, stop, supervisor: made } = supervisor();
    made.keep('watch', () => Promise.reject(new Error('reset')));
    await clock.settle();

    stop.abort();

    await expect(made.finished()).resolves.toBeUndefined();
  });
});

describe('backoffMs', () => {
  it.each([
    { failures: 1, least: 50, most: 100 },
    { failures: 2, least: 100, most: 200 },
    { failures: 5, least: 800, most: 1_600 },
    { failures: 8, least: 5_000, most: 10_000 },
    { failures: 5_000, least: 5_000, most: 10_000 },
  ])('after $failures failures is between $least and $most ms', ({ failures, least, most }) => {
    const pause = (luck: number) => backoffMs(failures, { baseMs: 100, maxMs: 10_000, random: () => luck });

    expect([pause(0), pause(1)]).toEqual([least, most]);
  });

  it('never exceeds its ceiling and never is nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, luck) => {
          const pause = backoffMs(failures, { baseMs: 10, maxMs: 5_000, random: () => luck });
          expect(pause).toBeGreaterThanOrEqual(5);
          expect(pause).toBeLessThanOrEqual(5_000);
        },
      ),
    );
  });
});
