import { describe, expect, it, onTestFinished } from 'vitest';
import { FailureMemory } from '../../../lib/runtime/failure-memory.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { NO_CALL, RateLimiter } from '../../../lib/runtime/rate-limiter.ts';
import { Reconciler } from '../../../lib/runtime/reconciler.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

const SLOW_DOWN = new Error('slow down');

function rig() {
  const clock = new VirtualClock();
  const rateLimit = new RateLimit({ clock, random: seededRandom(1) });
  const rateLimiter = new RateLimiter(rateLimit, (error) => error === SLOW_DOWN);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  return { clock, rateLimit, rateLimiter, stop };
}

/** Steps are texts `key:what`; those in capital letters need no permission. */
function loop(parts: ReturnType<typeof rig>, answers: readonly ('ok' | 'slow')[] = []) {
  const { clock, rateLimiter, stop } = parts;
  const left = [...answers];
  const world = { steps: [] as string[], leads: true, done: [] as string[], failed: [] as string[], plans: 0 };
  const reconciler = new Reconciler<string>(
    {
      clock,
      rateLimiter,
      plan: () => {
        world.plans += 1;
        return { steps: world.steps, retryAt: undefined };
      },
      steps: {
        keyOf: (step) => step.split(':')[0] ?? '',
        priorityOf: (step) => (step === step.toUpperCase() ? undefined : 1),
        mayAct: () => world.leads,
        act: async (step) => {
          if (left.shift() === 'slow') throw SLOW_DOWN;
          world.done.push(step);
          world.steps = world.steps.filter((one) => one !== step);
        },
        failed: (step) => world.failed.push(step),
      },
      onFault: () => undefined,
    },
    stop.signal,
  );
  return { world, reconciler };
}

describe('Reconciler', () => {
  it('carries out what the plan wants, each step once', async () => {
    const parts = rig();
    const { world, reconciler } = loop(parts);
    world.steps = ['a:one', 'b:two', 'C:WRITE'];
    reconciler.trigger();
    await parts.clock.advance(1_000);

    expect(world.done.toSorted()).toEqual(['C:WRITE', 'a:one', 'b:two']);
  });

  it('does after a wait what is wanted by then', async () => {
    const parts = rig();
    const { world, reconciler } = loop(parts, ['slow']);
    world.steps = ['a:there'];
    reconciler.trigger();
    await parts.clock.advance(1);
    world.steps = ['a:here'];
    await parts.clock.advance(60_000);

    expect([world.failed, world.done]).toEqual([['a:there'], ['a:here']]);
  });

  it.each([
    ['is wanted no more', (world: { steps: string[] }) => void (world.steps = [])],
    ['may not be done any more', (world: { leads: boolean }) => void (world.leads = false)],
  ])('does nothing after a wait for what %s, and the permit goes back', async (_, change) => {
    const parts = rig();
    const { world, reconciler } = loop(parts, ['slow']);
    world.steps = ['a:there'];
    reconciler.trigger();
    await parts.clock.advance(1);
    change(world);
    await parts.clock.advance(60_000);
    let admitted = false;
    void parts.rateLimiter.call(
      () => 1,
      parts.stop.signal,
      () => {
        admitted = true;
        return NO_CALL;
      },
    );
    await parts.clock.advance(60_000);

    expect([world.done, admitted]).toEqual([[], true]);
  });

  it('plans a burst once, not once for each step', async () => {
    const parts = rig();
    const { world, reconciler } = loop(parts);
    world.steps = Array.from({ length: 200 }, (_, index) => `${index}:go`);
    reconciler.trigger();
    await parts.clock.advance(1);

    expect(world.done.length).toBe(200);
    expect(world.plans).toBeLessThanOrEqual(3);
  });

  it('starts nothing after the signal has aborted', async () => {
    const parts = rig();
    const { world, reconciler } = loop(parts, ['slow']);
    world.steps = ['a:there'];
    reconciler.trigger();
    await parts.clock.advance(1);
    parts.stop.abort();
    await parts.clock.advance(60_000);

    expect(world.done).toEqual([]);
    await reconciler.idle();
  });
});

describe('RateLimiter', () => {
  it.each<[string, () => Promise<unknown>, number]>([
    ['succeeds', () => Promise.resolve(), 0],
    ['does nothing', () => Promise.resolve(NO_CALL), 0],
    ['fails', () => Promise.reject(new Error('no')), 0],
    ['is told to slow down', () => Promise.reject(SLOW_DOWN), 1],
  ])('gives the permit back when the act %s', async (_, act, pressure) => {
    const { clock, rateLimit, rateLimiter, stop } = rig();
    rateLimit.refused();
    void rateLimiter.call(
      () => 1,
      stop.signal,
      () => Promise.resolve(),
    );
    await clock.advance(60_000);
    for (let time = 0; time < 3; time += 1) {
      void rateLimiter.call(() => 1, stop.signal, act as () => Promise<void>).catch(() => undefined);
      await clock.advance(1);
    }
    await clock.advance(600_000);
    let admitted = false;
    void rateLimiter.call(
      () => 1,
      stop.signal,
      () => {
        admitted = true;
        return NO_CALL;
      },
    );
    await clock.advance(60_000);

    expect([admitted, Math.sign(rateLimit.pressure)]).toEqual([true, pressure]);
  });
});

describe('FailureMemory', () => {
  it('waits longer each time the same happens, and starts again with another reason', () => {
    const clock = new VirtualClock();
    const memory = new FailureMemory<'a' | 'b'>({ clock, random: () => 1 });
    const pauses = (['a', 'a', 'a', 'b', 'a'] as const).map(
      (reason) => memory.failed('key', { reason, message: '', pause: [1_000, 3_000] }).until - clock.now(),
    );

    expect(pauses).toEqual([1_000, 2_000, 3_000, 1_000, 1_000]);
    memory.keep(new Set());
    expect(memory.known.size).toBe(0);
  });

  it('plans a burst at once and then at its interval, however many events there are', async () => {
    const { clock, rateLimiter, stop } = rig();
    const at: number[] = [];
    const start = clock.now();
    const reconciler = new Reconciler<string>(
      {
        clock,
        rateLimiter,
        plan: () => {
          at.push(clock.now() - start);
          return { steps: [], retryAt: undefined };
        },
        intervalMs: () => 100,
        steps: {
          keyOf: (step) => step,
          priorityOf: () => undefined,
          mayAct: () => true,
          act: () => Promise.resolve(),
          failed: () => undefined,
        },
        onFault: () => undefined,
      },
      stop.signal,
    );
    for (let event = 0; event < 2_000; event += 1) {
      reconciler.trigger();
      await clock.advance(1);
    }
    expect(at.filter((time) => time < 12)).toHaveLength(11);
    expect(at.length).toBeLessThanOrEqual(31);
    await clock.advance(5_000);
    const last = at.length;
    reconciler.trigger();
    await clock.advance(0);
    expect(at).toHaveLength(last + 1);
  });
});
