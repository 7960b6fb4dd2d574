import { describe, expect, it, onTestFinished } from 'vitest';
import { BatchedRead } from '../../../agent/node-enis/batched-read.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const READ_MS = 50;

/** Reads that take 50 ms; each may fail first. */
function rig(...failures: readonly Error[]) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const faults = [...failures];
  const asked: string[][] = [];
  const parts = { clock, random: () => 1, rateLimiter: undefined, minIntervalMs: 200 };
  const read = new BatchedRead<string>(
    {
      ...parts,
      ask: async (keys) => {
        asked.push([...keys]);
        await clock.sleep(READ_MS, stop.signal);
        const fault = faults.shift();
        if (fault) throw fault;
      },
      onAnswer: () => undefined,
      onProblem: () => undefined,
    },
    stop.signal,
  );
  return { clock, read, asked };
}

describe('BatchedRead', () => {
  it('does not ask again what is being asked, however often a plan wants it meanwhile', async () => {
    const { clock, read, asked } = rig();
    read.request(['i-a']);
    await clock.advance(READ_MS / 2);
    read.request(['i-a']);
    await clock.advance(10_000);

    expect(asked).toEqual([['i-a']]);
  });

  it('asks what comes meanwhile in the next question, all of it together', async () => {
    const { clock, read, asked } = rig();
    read.request(['i-a']);
    await clock.advance(READ_MS / 2);
    for (const key of ['i-b', 'i-a', 'i-c', 'i-b']) read.request([key]);
    await clock.advance(10_000);

    expect(asked).toEqual([['i-a'], ['i-b', 'i-c']]);
  });

  it('asks again what was answered, when somebody needs a younger answer', async () => {
    const { clock, read, asked } = rig();
    read.request(['i-a']);
    await clock.advance(1_000);
    read.request(['i-a']);
    await clock.advance(10_000);

    expect(asked).toEqual([['i-a'], ['i-a']]);
  });

  it('asks again what failed, and what came meanwhile with it', async () => {
    const { clock, read, asked } = rig(new Error('reset'));
    read.request(['i-a']);
    await clock.advance(READ_MS / 2);
    read.request(['i-a', 'i-b']);
    await clock.advance(10_000);

    expect(asked.slice(0, 1)).toEqual([['i-a']]);
    expect(asked.slice(1).map((keys) => keys.toSorted())).toEqual([['i-a', 'i-b']]);
  });
});
