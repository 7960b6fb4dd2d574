import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const LOW = 2;
const URGENT = 0;

function rateLimit() {
  const clock = new VirtualClock();
  // Half of each pause is random: without luck the first lasts 500 ms.
  const made = new RateLimit({ clock, random: () => 1, baseMs: 500, maxMs: 30_000 });
  const admitted: string[] = [];
  const stop = new AbortController();
  const ask = (name: string, priority: number | (() => number), signal = stop.signal) =>
    made.admit(typeof priority === 'number' ? () => priority : priority, signal).then((yes) => {
      admitted.push(yes ? name : `not ${name}`);
    });
  return { clock, rateLimit: made, admitted, ask, stop };
}

describe('RateLimit', () => {
  it('admits every call at once while nobody refuses', async () => {
    const { clock, admitted, ask } = rateLimit();

    void ask('a', LOW);
    void ask('b', LOW);
    await clock.settle();

    expect(admitted).toEqual(['a', 'b']);
  });

  it('pauses after a refusal and then lets one call through at a time', async () => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    made.refused();
    void ask('a', LOW);
    void ask('b', LOW);

    await clock.advance(499);
    expect(admitted).toEqual([]);
    await clock.advance(1);
    expect(admitted).toEqual(['a']);
    await clock.advance(60_000);
    expect(admitted).toEqual(['a']);
    made.succeeded();
    await clock.settle();

    expect(admitted).toEqual(['a', 'b']);
    expect(made.pressure).toBe(0);
  });

  it('says how much it leaves: 64 at once when open, nothing while it pauses, and how many wait', async () => {
    const { clock, rateLimit: made, ask } = rateLimit();
    expect(made.levels).toEqual({ tokens: 64, waiting: 0 });

    made.refused();
    void ask('a', LOW);
    void ask('b', LOW);
    await clock.settle();
    expect(made.levels).toEqual({ tokens: 0, waiting: 2 });

    await clock.advance(500);
    made.succeeded();
    await clock.settle();
    made.succeeded();
    expect(made.levels.waiting).toBe(0);
    expect(made.levels.tokens).toBeGreaterThan(0);
  });

  it.each([
    { refusals: 1, pause: 500 },
    { refusals: 2, pause: 1_000 },
    { refusals: 4, pause: 4_000 },
    { refusals: 10, pause: 30_000 },
  ])('pauses $pause ms after $refusals refusals in a row', async ({ refusals, pause }) => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    for (let count = 0; count < refusals; count += 1) made.refused();
    void ask('a', LOW);

    await clock.advance(pause - 1);
    expect(admitted).toEqual([]);
    await clock.advance(1);

    expect(admitted).toEqual(['a']);
  });

  it('lets the most urgent waiter go first, by its urgency at that moment', async () => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    let turned = LOW;
    made.refused();
    void ask('first', LOW);
    void ask('turned urgent while waiting', () => turned);
    turned = URGENT;

    await clock.advance(500);

    expect(admitted).toEqual(['turned urgent while waiting']);
  });

  it('opens again after a few successes', async () => {
    const { rateLimit: made } = rateLimit();
    for (let count = 0; count < 7; count += 1) made.refused();

    made.succeeded();
    made.succeeded();
    expect(made.pressure).toBe(1);
    made.succeeded();

    expect(made.pressure).toBe(0);
  });

  it('tells a waiter whose signal aborts that it may not send, and forgets it', async () => {
    const { clock, rateLimit: made, admitted, ask, stop } = rateLimit();
    made.refused();
    void ask('a', LOW);
    void ask('b', LOW, new AbortController().signal);
    stop.abort();
    await clock.settle();
    expect(admitted).toEqual(['not a']);

    await clock.advance(500);

    expect(admitted).toEqual(['not a', 'b']);
  });

  it('never makes a waiter wait for a call that ended without telling anything', async () => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    made.refused();
    void ask('a', LOW);
    void ask('b', LOW);
    await clock.advance(500);

    made.ended();
    await clock.settle();

    expect(admitted).toEqual(['a', 'b']);
  });

  it('takes the refusals of calls that were under way together for one', async () => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    for (let call = 0; call < 20; call += 1) void ask('volley', LOW);
    await clock.settle();
    for (let call = 0; call < 20; call += 1) made.refused();
    expect(made.pressure).toBe(1);
    admitted.length = 0;
    void ask('a', LOW);

    await clock.advance(500);

    expect(admitted).toEqual(['a']);
  });

  it('lets what waited through in growing steps, not as the flood that was refused', async () => {
    const { clock, rateLimit: made, admitted, ask } = rateLimit();
    made.refused();
    for (let call = 0; call < 100; call += 1) void ask('a', LOW);
    await clock.advance(500);
    const steps = [admitted.length];
    for (let round = 0; round < 7; round += 1) {
      const before = admitted.length;
      for (let call = 0; call < (steps.at(-1) ?? 0); call += 1) made.succeeded();
      await clock.settle();
      steps.push(admitted.length - before);
    }

    expect(steps.slice(0, 3)).toEqual([1, 2, 4]);
    expect(admitted).toHaveLength(100);
  });
});
