import { describe, expect, it } from 'vitest';
import { Trigger } from '../../../lib/runtime/trigger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function trigger() {
  const clock = new VirtualClock();
  const start = clock.now();
  const runs: number[] = [];
  const made = new Trigger(() => runs.push(clock.now() - start), clock);
  return { clock, start, runs, trigger: made };
}

describe('Trigger', () => {
  it('runs once however often it is asked in one turn', async () => {
    const { clock, runs, trigger: made } = trigger();

    for (let count = 0; count < 5; count += 1) made.now();
    expect(runs).toEqual([]);
    await clock.settle();

    expect(runs).toEqual([0]);
  });

  it('can be made to run at once, and then does not run again for the same', async () => {
    const { clock, runs, trigger: made } = trigger();

    made.flush();
    expect(runs).toEqual([]);
    made.now();
    made.flush();
    expect(runs).toEqual([0]);
    await clock.settle();

    expect(runs).toEqual([0]);
  });

  it('runs again when asked while it runs', async () => {
    const clock = new VirtualClock();
    let runs = 0;
    const made: Trigger = new Trigger(() => {
      runs += 1;
      if (runs < 3) made.now();
    }, clock);

    made.now();
    await clock.settle();

    expect(runs).toBe(3);
  });

  it('triggers at the time of the latest alarm only', async () => {
    const { clock, start, runs, trigger: made } = trigger();

    made.at(start + 500);
    made.at(start + 200);
    await clock.advance(1_000);

    expect(runs).toEqual([200]);
  });

  it('triggers at once for a time that has passed, and not at all for a cleared alarm', async () => {
    const { clock, start, runs, trigger: made } = trigger();

    made.at(start - 10);
    await clock.advance(0);
    made.at(start + 10);
    made.at(undefined);
    await clock.advance(1_000);

    expect(runs).toEqual([0]);
  });

  it('triggers early rather than at once for a time beyond the longest timer', async () => {
    const { clock, start, runs, trigger: made } = trigger();

    made.at(start + 40 * 86_400_000);
    await clock.advance(20 * 86_400_000);
    expect(runs).toEqual([]);
    await clock.advance(5 * 86_400_000);

    expect(runs).toEqual([2 ** 31 - 1]);
  });

  it('runs nothing after a stop, not even what was asked for before', async () => {
    const { clock, start, runs, trigger: made } = trigger();

    made.now();
    made.at(start + 10);
    made.stop();
    made.now();
    made.at(start + 20);
    await clock.advance(1_000);

    expect(runs).toEqual([]);
  });
});
