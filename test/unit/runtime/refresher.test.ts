import { describe, expect, it, onTestFinished } from 'vitest';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { NO_CALL, RateLimiter } from '../../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../../lib/runtime/refresher.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

const SLOW_DOWN = new Error('slow down');
const BROKEN = new Error('connection reset');
/** How long a read takes, ms. */
const READ_MS = 30;

/** Reads the number of the read; each may fail first. */
function rig({ failures = [] as readonly Error[] } = {}) {
  const clock = new VirtualClock();
  const rateLimit = new RateLimit({ clock, random: seededRandom(1) });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const faults = [...failures];
  const seen = { asked: [] as number[], taken: [] as number[], failed: [] as unknown[], ended: 0, wanted: true };
  const refresher = new Refresher<number>(
    {
      clock,
      random: () => 1,
      permission: {
        rateLimiter: new RateLimiter(rateLimit, (error) => error === SLOW_DOWN),
        priority: () => 1,
      },
      pace: { minIntervalMs: 200, pause: (error) => (error === SLOW_DOWN ? undefined : [1_000, 4_000]) },
      read: () => (seen.wanted ? read() : NO_CALL),
      on: {
        answer: (answer) => seen.taken.push(answer),
        failure: (error) => seen.failed.push(error),
        end: () => {
          seen.ended += 1;
        },
      },
    },
    stop.signal,
  );
  async function read(): Promise<number> {
    seen.asked.push(clock.now());
    const number = seen.asked.length;
    await clock.sleep(READ_MS, stop.signal);
    const fault = faults.shift();
    if (fault) throw fault;
    return number;
  }
  return { clock, rateLimit, refresher, seen, stop, startedAt: clock.now() };
}

describe('Refresher', () => {
  it('answers requests that come together with one read', async () => {
    const { clock, refresher, seen } = rig();
    for (let times = 0; times < 5; times += 1) refresher.request();
    await clock.advance(1_000);

    expect(seen).toMatchObject({ taken: [1], ended: 1 });
  });

  it('does not repeat a read for a request that came while it was under way, unless its answer has to be younger', async () => {
    const { clock, refresher, seen } = rig();
    refresher.request();
    await clock.advance(10);
    refresher.request();
    await clock.advance(1_000);
    expect(seen.taken).toEqual([1]);

    refresher.request();
    await clock.advance(10);
    let takenBefore: readonly number[] = [];
    void refresher.next().then(() => (takenBefore = [...seen.taken]));
    await clock.advance(1_000);

    expect(takenBefore).toEqual([1, 2, 3]);
  });

  it('keeps the least time between the starts of two reads', async () => {
    const { clock, refresher, seen, startedAt } = rig();
    void refresher.next();
    await clock.advance(10);
    void refresher.next();
    await clock.advance(1_000);

    expect(seen.asked.map((at) => at - startedAt)).toEqual([0, 200]);
  });

  it('waits longer after each failure in a row, and not after a success', async () => {
    const { clock, refresher, seen, startedAt } = rig({ failures: [BROKEN, BROKEN, BROKEN] });
    for (let read = 0; read < 5; read += 1) {
      refresher.request();
      await refreshed(clock, refresher);
    }

    const [first = 0, ...later] = seen.asked.map((at) => at - startedAt);
    expect([first, ...later.map((at, index) => at - ([first, ...later][index] ?? 0))]).toEqual([
      0,
      1_000 + READ_MS,
      2_000 + READ_MS,
      4_000 + READ_MS,
      200,
    ]);
    expect(seen).toMatchObject({ taken: [4, 5], failed: [BROKEN, BROKEN, BROKEN], ended: 5 });
  });

  it('adds no pause of its own to that of the rate limit', async () => {
    const { clock, refresher, seen, rateLimit } = rig({ failures: [SLOW_DOWN] });
    refresher.request();
    await clock.advance(READ_MS + 1);
    expect(rateLimit.pressure).toBe(1);
    refresher.request();
    await clock.advance(600);

    expect(seen.taken).toEqual([2]);
  });

  it('answers by the same read who asks while it waits for permission', async () => {
    const { clock, refresher, seen, rateLimit } = rig();
    rateLimit.refused();
    refresher.request();
    await clock.advance(10);
    let answered = false;
    void refresher.next().then(() => (answered = true));
    await clock.advance(2_000);

    expect({ answered, reads: seen.asked.length }).toEqual({ answered: true, reads: 1 });
  });

  it('asks nothing when nobody needs it any more after the wait, and gives the permission back', async () => {
    const { clock, refresher, seen, rateLimit } = rig();
    rateLimit.refused();
    refresher.request();
    seen.wanted = false;
    await clock.advance(2_000);
    expect(seen).toMatchObject({ asked: [], ended: 1 });

    seen.wanted = true;
    refresher.request();
    await clock.advance(2_000);
    expect(seen.taken).toEqual([1]);
  });

  it('lets nobody wait for ever after a stop', async () => {
    const { clock, refresher, seen, stop, rateLimit } = rig();
    rateLimit.refused();
    let answered = false;
    void refresher.next().then(() => (answered = true));
    stop.abort();
    await clock.advance(1);
    await refresher.idle();
    await refresher.next();

    expect({ answered, reads: seen.asked.length }).toEqual({ answered: true, reads: 0 });
  });
});

/** Lets the time pass until no read is under way. */
async function refreshed(clock: VirtualClock, refresher: Refresher<number>): Promise<void> {
  let isIdle = false;
  void refresher.idle().then(() => (isIdle = true));
  for (let step = 0; step < 2_000 && !isIdle; step += 1) await clock.advance(5);
}
