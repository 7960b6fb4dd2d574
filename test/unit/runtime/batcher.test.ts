import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher, type BatchItem, type Verdict } from '../../../lib/runtime/batcher.ts';
import { NO_CALL } from '../../../lib/runtime/rate-limiter.ts';

const SETTLED: Verdict = { kind: 'settled' };

/** A lane whose calls a test answers one by one. `wanted` is what its owner wants; it is offered again after each call. */
function lane(options: { maxBatch?: number; gated?: boolean } = {}) {
  const sent: string[][] = [];
  const wanted = new Map<string, BatchItem<string>>();
  const answers: ((verdict: Verdict) => void)[] = [];
  const gates: (() => void)[] = [];
  let unused = 0;
  const stop = new AbortController();
  const made = new Batcher<string>(
    {
      maxBatch: options.maxBatch ?? 64,
      perform: (items) => {
        sent.push(items.map(({ key }) => key));
        return new Promise((resolve) => answers.push(resolve));
      },
      failed: (error) => Promise.reject(error),
      settled: () => made.offer([...wanted.values()]),
      call: async (_priority, _signal, act) => {
        if (options.gated) await new Promise<void>((resolve) => gates.push(resolve));
        const answer = await act();
        if (answer === NO_CALL) unused += 1;
        return answer;
      },
    },
    stop.signal,
  );
  const offer = async () => {
    made.offer([...wanted.values()]);
    await settle();
  };
  return {
    sent,
    stop,
    idle: () => made.idle(),
    flying: () => Array.from(made.flying(), ({ key }) => key),
    unused: () => unused,
    want: async (...items: BatchItem<string>[]) => {
      for (const item of items) wanted.set(item.key, item);
      await offer();
    },
    drop: async (...keys: string[]) => {
      for (const key of keys) wanted.delete(key);
      await offer();
    },
    /** Answers the call under way; what is done is no longer wanted. */
    answer: async (verdict: Verdict, done: string[] = verdict.kind === 'settled' ? (sent.at(-1) ?? []) : []) => {
      for (const key of done) wanted.delete(key);
      answers.shift()?.(verdict);
      await settle();
    },
    open: async () => {
      gates.shift()?.();
      await settle();
    },
  };
}

function item(key: string, priority = 1, shape = 'assign'): BatchItem<string> {
  return { key, shape, priority, value: key };
}

function items(keys: string): BatchItem<string>[] {
  return keys.split('').map((key) => item(key));
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('Batcher', () => {
  it('sends a single item at once', async () => {
    const { want, sent } = lane();

    await want(item('a'));

    expect(sent).toEqual([['a']]);
  });

  it('sends together in the next call what arrives while one is under way', async () => {
    const { want, answer, sent } = lane();

    await want(item('a'));
    await want(item('b'));
    await want(item('c'), item('d'));
    expect(sent).toEqual([['a']]);
    await answer(SETTLED);

    expect(sent).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('never sends a key twice while it is in flight', async () => {
    const { want, answer, sent, flying } = lane();

    await want(item('a'));
    await want(item('a'));
    expect(flying()).toEqual(['a']);
    await answer(SETTLED);

    expect(sent).toEqual([['a']]);
  });

  it('repeats what is still wanted after it has settled without success', async () => {
    const { want, answer, sent } = lane();

    await want(item('a'));
    await answer(SETTLED, []);

    expect(sent).toEqual([['a'], ['a']]);
  });

  it('forgets what is withdrawn before it was sent', async () => {
    const { want, drop, answer, sent } = lane();

    await want(item('a'));
    await want(item('b'), item('c'));
    await drop('b');
    await answer(SETTLED);

    expect(sent).toEqual([['a'], ['c']]);
  });

  it('keeps a call within the largest batch', async () => {
    const { want, answer, sent } = lane({ maxBatch: 3 });

    await want(...items('abcdefg'));
    await answer(SETTLED);
    await answer(SETTLED);
    await answer(SETTLED);

    expect(sent.map((call) => call.length)).toEqual([3, 3, 1]);
  });

  it('does not mix shapes', async () => {
    const { want, answer, sent } = lane();

    await want(item('a'), item('b', 1, 'unassign'), item('c'));
    await answer(SETTLED);

    expect(sent).toEqual([['a', 'c'], ['b']]);
  });

  it('halves a refused group until the bad item stands alone', async () => {
    const { want, answer, sent } = lane();
    await want(...items('abcdefgh'));

    for (let call = sent.at(-1); call !== undefined && sent.length < 20; call = sent.at(-1)) {
      const before = sent.length;
      const bad = call.includes('f');
      await (bad && call.length > 1 ? answer({ kind: 'split' }) : answer(SETTLED));
      if (sent.length === before) break;
    }

    expect(sent).toEqual([
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
      ['a', 'b', 'c', 'd'],
      ['e', 'f', 'g', 'h'],
      ['e', 'f'],
      ['e'],
      ['f'],
      ['g', 'h'],
    ]);
  });

  it('sets named culprits aside and sends the rest in one call', async () => {
    const { want, answer, sent } = lane();
    await want(...items('abcd'));

    await answer({ kind: 'split', culprits: ['b', 'd'] });
    await answer(SETTLED);
    await answer(SETTLED);

    expect(sent).toEqual([['a', 'b', 'c', 'd'], ['a', 'c'], ['b'], ['d']]);
  });

  it('halves when every member is named, because then the names tell nothing', async () => {
    const { want, answer, sent } = lane();
    await want(...items('ab'));

    await answer({ kind: 'split', culprits: ['a', 'b'] });

    expect(sent.at(-1)).toEqual(['a']);
  });

  it('lets urgent work overtake between the halves', async () => {
    const { want, answer, sent } = lane();
    await want(...items('abcd'));
    await want(item('failover', 0));

    await answer({ kind: 'split' });
    await answer(SETTLED);

    expect(sent.slice(1)).toEqual([['failover'], ['a', 'b']]);
  });

  it('gives its permission back when the work was withdrawn while it waited', async () => {
    const { want, drop, open, sent, unused, idle } = lane({ gated: true });
    await want(item('a'));
    await drop('a');

    await open();
    await idle();

    expect({ sent, unused: unused() }).toEqual({ sent: [], unused: 1 });
    await want(item('b'));
    await open();
    expect(sent).toEqual([['b']]);
  });

  it('forms the batch only when it may send, so that it takes all there is by then', async () => {
    const { want, open, sent } = lane({ gated: true });
    await want(item('a'));
    await want(item('b'));

    await open();

    expect(sent).toEqual([['a', 'b']]);
  });

  it('starts nothing after a stop, and lets the call under way end', async () => {
    const { want, answer, stop, sent, idle } = lane();
    await want(item('a'));
    await want(item('b'));
    stop.abort();
    let ended = false;
    const idling = idle().then(() => (ended = true));
    await settle();
    expect(ended).toBe(false);

    await answer(SETTLED);
    await idling;

    expect(sent).toEqual([['a']]);
  });

  it('gets every good item through, and no call carries a key twice, whatever is bad', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 5 }),
        fc.boolean(),
        async (keys, badKeys, named) => {
          const bad = new Set(badKeys.map(String));
          const through = new Set<string>();
          const refused = new Set<string>();
          const { want, answer, sent } = lane({ maxBatch: 16 });
          await want(...keys.map((key) => item(String(key))));
          for (let answered = 0; answered < sent.length; answered += 1) {
            const call = sent[answered] ?? [];
            expect(new Set(call).size).toBe(call.length);
            const culprits = call.filter((key) => bad.has(key));
            if (culprits.length === 0) for (const key of call) through.add(key);
            else if (call.length === 1) refused.add(String(call[0]));
            if (culprits.length > 0 && call.length > 1)
              await answer({ kind: 'split', culprits: named ? culprits : [] });
            else await answer(SETTLED);
          }
          const wanted = keys.map(String);
          expect([...through].sort()).toEqual(wanted.filter((key) => !bad.has(key)).sort());
          expect([...refused].sort()).toEqual(wanted.filter((key) => bad.has(key)).sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});
