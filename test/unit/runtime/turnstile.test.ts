import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../../lib/runtime/turnstile.ts';

/** Begins `count` pieces of work in one turn; each is done after some microtasks. Returns what is done after each turn. */
async function work(turnstile: Turnstile, count: number): Promise<string[]> {
  const done: number[] = [];
  const begin = async (index: number) => {
    await turnstile.pass();
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
    done.push(index);
  };
  const all = Array.from({ length: count }, (_, index) => begin(index));
  const seen: string[] = [];
  for (let turn = 0; turn <= count; turn += 1) {
    seen.push(done.join(''));
    await nextTurn();
  }
  await Promise.all(all);
  return seen;
}

describe('Turnstile', () => {
  it('finishes the first of a burst before the second begins, and all in order', async () => {
    const seen = await work(new Turnstile(), 3);

    // Each piece is alone in its turn: what is done grows by one at a time.
    expect([...new Set(seen)]).toEqual(['', '0', '01', '012']);
  });

  it('lets a lone one in within the same turn, also after a burst', async () => {
    const turnstile = new Turnstile();
    await work(turnstile, 3);
    await nextTurn();

    let isIn = false;
    void turnstile.pass().then(() => {
      isIn = true;
    });
    for (let step = 0; step < 5; step += 1) await Promise.resolve();

    expect(isIn).toBe(true);
  });
});
