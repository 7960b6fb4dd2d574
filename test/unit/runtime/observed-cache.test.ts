import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObservedCache } from '../../../lib/runtime/observed-cache.ts';

interface Write {
  readonly key: string;
  readonly text: string | undefined;
}

/** Texts by key; a write wins over every read until it has settled. */
function cache(settlingMs = 5_000) {
  const made = new ObservedCache<ReadonlyMap<string, string>, string, Write>({
    initial: new Map(),
    settlingMs,
    lay: (value, { key, text }) => {
      const copy = new Map(value);
      if (text === undefined) copy.delete(key);
      else copy.set(key, text);
      return copy;
    },
  });
  return {
    made,
    write: (key: string, text: string | undefined, at: number) => made.wrote(key, { key, text }, at),
    read: (texts: Record<string, string>, askedAt: number) => made.read(new Map(Object.entries(texts)), askedAt),
    get texts() {
      return Object.fromEntries(made.value);
    },
  };
}

describe('ObservedCache', () => {
  it('shows what was read, and when that was asked for', () => {
    const known = cache();
    expect(known.made.readAt).toBeUndefined();
    known.read({ a: 'read' }, 1_000);

    expect({ texts: known.texts, readAt: known.made.readAt }).toEqual({ texts: { a: 'read' }, readAt: 1_000 });
  });

  it('shows a write at once, and against reads until one that was asked for after it has settled', () => {
    const known = cache();
    known.read({ a: 'old', b: 'b' }, 1_000);
    known.write('a', 'ours', 2_000);
    known.write('b', undefined, 2_000);
    expect(known.texts).toEqual({ a: 'ours' });

    known.read({ a: 'old', b: 'b' }, 7_000);
    expect(known.texts).toEqual({ a: 'ours' });

    known.read({ a: 'theirs', b: 'b' }, 7_001);
    expect(known.texts).toEqual({ a: 'theirs', b: 'b' });
  });

  it('goes by when a read was asked for, not by when its answer came', () => {
    const known = cache();
    known.write('a', 'ours', 2_000);
    known.read({}, 1_999);

    expect(known.texts).toEqual({ a: 'ours' });
    expect(known.made.pending('a')).toEqual({ key: 'a', text: 'ours' });
    expect([...known.made.pendingSince]).toEqual([['a', 2_000]]);
  });

  it('lays what has not settled over a part that was read alone, and keeps none of it', () => {
    const known = cache();
    known.write('a', 'ours', 2_000);
    const part = (askedAt: number) => Object.fromEntries(known.made.corrected(new Map([['b', 'b']]), askedAt));

    expect([part(7_000), part(7_001)]).toEqual([{ a: 'ours', b: 'b' }, { b: 'b' }]);
    expect(known.texts).toEqual({ a: 'ours' });
  });

  it('leaves to the next read what was heard from somebody else', () => {
    const known = cache();
    known.made.learned(new Map([['a', 'heard']]));
    expect(known.texts).toEqual({ a: 'heard' });
    known.read({}, 1_000);

    expect(known.texts).toEqual({});
  });

  it('counts a write to the same key again', () => {
    const known = cache();
    known.write('a', 'first', 1_000);
    known.write('a', 'second', 5_000);
    known.read({ a: 'old' }, 9_000);
    expect(known.texts).toEqual({ a: 'second' });

    known.read({ a: 'old' }, 10_001);
    expect(known.texts).toEqual({ a: 'old' });
    expect(known.made.pending('a')).toBeUndefined();
  });

  it('never shows less than the truth of its own writes while they settle, in any order of writes and reads', () => {
    const event = fc.record({
      what: fc.constantFrom('write' as const, 'read' as const),
      key: fc.constantFrom('a', 'b'),
      pause: fc.integer({ min: 0, max: 4_000 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const known = cache();
        const written = new Map<string, { text: string; at: number }>();
        let now = 0;
        for (const [index, { what, key, pause }] of events.entries()) {
          now += pause;
          if (what === 'write') {
            written.set(key, { text: String(index), at: now });
            known.write(key, String(index), now);
          } else known.read({}, now);
          const latest =
            what === 'read'
              ? [...written].filter(([, { at }]) => now - at <= 5_000)
              : [[key, written.get(key)] as const];
          for (const [name, write] of latest) expect(known.texts[name]).toBe(write?.text);
        }
      }),
    );
  });
});
