import { NO_CALL, type RateLimiter } from './rate-limiter.ts';

/** One piece of work that waits in a batcher. */
export interface BatchItem<T> {
  /** Identity: offering the same key again replaces what waits; a key in flight is not sent twice. */
  readonly key: string;
  /** Items with equal `shape` may travel in one call. */
  readonly shape: string;
  /** Lower goes first. */
  readonly priority: number;
  readonly value: T;
}

/**
 * What a call came to. `settled`: every item has its outcome. `split`: the group was refused as a whole and its members must be
 * tried in smaller groups; `culprits` are the keys known to be at fault, if the answer named them.
 */
export type Verdict = { readonly kind: 'settled' } | { readonly kind: 'split'; readonly culprits?: readonly string[] };

export interface BatcherOptions<T> {
  /** Performs one call; a stopping batcher lets it finish. */
  readonly perform: (items: readonly BatchItem<T>[]) => Promise<Verdict>;
  /** What it means that `perform` rejected. Asked when the permission has been given back; must not reject. */
  readonly failed: (error: unknown, items: readonly BatchItem<T>[]) => Promise<Verdict>;
  /** Called after each call, when nothing is in flight: the owner plans again and offers what is wanted now. */
  readonly settled: () => void;
  /**
   * See {@link RateLimiter.call}. `priority` says how urgent the most urgent item is by then: an urgent one that arrives meanwhile need
   * not wait behind others' calls.
   */
  readonly call: RateLimiter['call'];
  /** Most items in one call. */
  readonly maxBatch: number;
}

/**
 * Group commit: one call in flight; what arrives meanwhile leaves together in the next one. There is no timer, so a single item
 * leaves at once.
 *
 * Guarantees: a refused group is halved until the bad item stands alone and all others are through, and work of lower priority
 * number overtakes even between the halves.
 * Assumptions: the owner offers all that it wants each time; what is no longer wanted and not yet sent is forgotten.
 */
export class Batcher<T> {
  readonly #options: BatcherOptions<T>;
  readonly #signal: AbortSignal;
  #waiting = new Map<string, BatchItem<T>>();
  #flying: ReadonlyMap<string, BatchItem<T>> = new Map();
  /** Group that an item was put in by a split; it travels with that group only until it has settled. */
  #groups = new Map<string, number>();
  #nextGroup = 1;
  #running: Promise<void> | undefined;

  constructor(options: BatcherOptions<T>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Replaces everything that waits. */
  offer(items: readonly BatchItem<T>[]): void {
    this.#waiting = new Map(items.filter((item) => !this.#flying.has(item.key)).map((item) => [item.key, item]));
    for (const key of this.#groups.keys()) {
      if (!this.#waiting.has(key) && !this.#flying.has(key)) this.#groups.delete(key);
    }
    if (this.#waiting.size > 0 && !this.#signal.aborted) this.#running ??= this.#run();
  }

  /** What the call under way carries. */
  flying(): Iterable<BatchItem<T>> {
    return this.#flying.values();
  }

  /** Resolves when nothing is in flight and nothing will be sent any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#signal.aborted) {
      const verdict = await this.#send();
      if (verdict === NO_CALL) continue;
      const batch = [...this.#flying.values()];
      this.#flying = new Map();
      this.#regroup(batch, verdict);
      this.#options.settled();
    }
    this.#running = undefined;
  }

  async #send(): Promise<Verdict | typeof NO_CALL> {
    const { call, perform, failed } = this.#options;
    const act = () => {
      // What is wanted may have changed while waiting for permission: the batch is formed only now, so that it takes all there is.
      const batch = this.#take();
      this.#flying = new Map(batch.map((item) => [item.key, item]));
      return batch.length === 0 ? NO_CALL : perform(batch);
    };
    try {
      return await call(() => this.#mostUrgent(), this.#signal, act);
    } catch (error) {
      return failed(error, [...this.#flying.values()]);
    }
  }

  #mostUrgent(): number {
    return Math.min(...Array.from(this.#waiting.values(), (item) => item.priority));
  }

  #take(): BatchItem<T>[] {
    const first = Array.from(this.#waiting.values()).reduce<BatchItem<T> | undefined>(
      (best, item) => (best === undefined || item.priority < best.priority ? item : best),
      undefined,
    );
    if (first === undefined) return [];
    const group = this.#groups.get(first.key);
    const fits = (item: BatchItem<T>) =>
      item.shape === first.shape && item.priority === first.priority && this.#groups.get(item.key) === group;
    const batch = Array.from(this.#waiting.values()).filter(fits).slice(0, this.#options.maxBatch);
    for (const item of batch) this.#waiting.delete(item.key);
    return batch;
  }

  #regroup(batch: readonly BatchItem<T>[], verdict: Verdict): void {
    for (const { key } of batch) this.#groups.delete(key);
    if (verdict.kind === 'settled') return;
    for (const keys of splitGroups(batch, verdict.culprits ?? [])) {
      const group = this.#nextGroup++;
      for (const key of keys) this.#groups.set(key, group);
    }
  }
}

/** Named culprits stand alone and the rest stays together; without names, halves. */
function splitGroups(batch: readonly BatchItem<unknown>[], culprits: readonly string[]): string[][] {
  const keys = batch.map((item) => item.key);
  const named = keys.filter((key) => culprits.includes(key));
  const rest = keys.filter((key) => !culprits.includes(key));
  if (named.length > 0 && rest.length > 0) return [rest, ...named.map((key) => [key])];
  const middle = Math.ceil(keys.length / 2);
  return [keys.slice(0, middle), keys.slice(middle)];
}
