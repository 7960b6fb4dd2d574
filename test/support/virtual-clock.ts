import type { Cancel, Clock } from '../../lib/runtime/clock.ts';

interface Timer {
  readonly at: number;
  /** Order of setting: timers of one instant fire in it. */
  readonly sequence: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/** Turns of the event loop without anything asking the clock, after which what an instant set off counts as done. */
const QUIET_TURNS = 3;

/** A Saturday noon, so that times in failures look like times. */
const EPOCH = Date.UTC(2026, 0, 3, 12);

/**
 * Time that passes only when told to. Between two instants promises and `setImmediate` callbacks settle, so what a timer sets off has
 * happened before the next timer fires.
 *
 * Guarantees: deterministic; timers of one instant fire in the order in which they were set. A timer set for now fires in this
 * instant, but after those that are due already.
 * File operations under way are waited for: without that, minutes would pass while one is read.
 * Caveat: other real I/O (sockets, processes) takes real time and is not waited for.
 */
export class VirtualClock implements Clock {
  #now: number;
  #sequence = 0;
  #activity = 0;
  readonly #timers = new Heap();

  constructor(startsAt: number = EPOCH) {
    this.#now = startsAt;
  }

  now(): number {
    this.#activity += 1;
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.#activity += 1;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  after(ms: number, callback: () => void): Cancel {
    this.#activity += 1;
    // Whole milliseconds, as the machine's timers count.
    const at = this.#now + Math.max(0, Math.ceil(ms));
    const timer: Timer = { at, sequence: this.#sequence++, fire: callback, cancelled: false };
    this.#timers.push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Lets time pass, instant by instant. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }

  async advanceTo(end: number): Promise<void> {
    await this.settle();
    for (let next = this.#timers.peek(); next !== undefined && next.at <= end; next = this.#timers.peek()) {
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await this.settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Lets time pass until the condition holds, at most `withinMs`. Returns how long that took, ms.
   * @throws {Error} when it does not hold by then.
   */
  async until(condition: () => boolean, withinMs: number, what = 'the condition'): Promise<number> {
    const start = this.#now;
    await this.settle();
    while (!condition()) {
      const next = this.#timers.peek();
      if (next === undefined || next.at > start + withinMs)
        throw new Error(`${what} does not hold within ${withinMs} ms`);
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await this.settle();
    }
    return this.#now - start;
  }

  /** Lets everything happen that needs no time to pass. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      const before = this.#activity;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#activity === before && !readsFile() ? quiet + 1 : 0;
    }
  }

  #fireDue(): void {
    const due: Timer[] = [];
    for (let next = this.#timers.peek(); next !== undefined && next.at <= this.#now; next = this.#timers.peek()) {
      this.#timers.pop();
      due.push(next);
    }
    for (const timer of due) if (!timer.cancelled) timer.fire();
  }
}

/** A binary heap by time, then by order of setting. Cancelled timers are dropped when they come to the top. */
class Heap {
  readonly #items: Timer[] = [];

  push(timer: Timer): void {
    this.#items.push(timer);
    let child = this.#items.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#precedes(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  peek(): Timer | undefined {
    while (this.#items[0]?.cancelled) this.pop();
    return this.#items[0];
  }

  pop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    let parent = 0;
    for (;;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let first = parent;
      if (this.#precedes(left, first)) first = left;
      if (this.#precedes(right, first)) first = right;
      if (first === parent) return;
      this.#swap(parent, first);
      parent = first;
    }
  }

  #precedes(a: number, b: number): boolean {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (left === undefined || right === undefined) return false;
    return left.at < right.at || (left.at === right.at && left.sequence < right.sequence);
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (left === undefined || right === undefined) return;
    this.#items[a] = right;
    this.#items[b] = left;
  }
}

/** Whether an operation of `node:fs/promises` is under way in this process. */
function readsFile(): boolean {
  return process.getActiveResourcesInfo().includes('FSReqPromise');
}

/** Numbers in [0, 1) that look random and are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
