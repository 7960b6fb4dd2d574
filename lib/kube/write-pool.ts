import { backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { isKubeError, type KubeError } from './kube-error.ts';

export interface WritePoolOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends all work; what still waits rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Writes in flight together. @default 8 */
  readonly concurrency?: number;
}

/**
 * Writes values to keys: one write per key at a time, a bounded number together, and of what arrives for a key meanwhile only the
 * merged newest. A transient failure is repeated with backoff, together with whatever was merged since.
 */
export interface WritePool<V, R> {
  /** Resolves with the outcome of the write that carried this value. Rejects with a failure that repeating will not fix. */
  write(key: string, value: V): Promise<R>;
  /** Keys with work waiting or in flight. */
  readonly size: number;
}

export interface WriteStrategy<V, R> {
  merge(older: V, newer: V): V;
  perform(key: string, value: V, signal: AbortSignal): Promise<R>;
}

interface Job<V, R> {
  pending: V | undefined;
  waiters: Waiter<R>[];
}

interface Waiter<R> {
  resolve(result: R): void;
  reject(error: unknown): void;
}

const BACKOFF = { baseMs: 200, maxMs: 10_000 };

export function createWritePool<V, R>(strategy: WriteStrategy<V, R>, options: WritePoolOptions): WritePool<V, R> {
  return new KeyedWrites(strategy, options);
}

class KeyedWrites<V, R> implements WritePool<V, R> {
  readonly #strategy: WriteStrategy<V, R>;
  readonly #options: WritePoolOptions;
  readonly #jobs = new Map<string, Job<V, R>>();
  /** Keys in order of arrival that nobody works on yet. */
  readonly #queue: string[] = [];
  #workers = 0;

  constructor(strategy: WriteStrategy<V, R>, options: WritePoolOptions) {
    this.#strategy = strategy;
    this.#options = options;
  }

  get size(): number {
    return this.#jobs.size;
  }

  write(key: string, value: V): Promise<R> {
    if (this.#options.signal.aborted) return Promise.reject(this.#options.signal.reason);
    const job = this.#jobs.get(key) ?? this.#enqueue(key);
    job.pending = job.pending === undefined ? value : this.#strategy.merge(job.pending, value);
    const outcome = new Promise<R>((resolve, reject) => job.waiters.push({ resolve, reject }));
    if (this.#workers < (this.#options.concurrency ?? 8) && this.#queue.length > 0) void this.#work();
    return outcome;
  }

  #enqueue(key: string): Job<V, R> {
    const job: Job<V, R> = { pending: undefined, waiters: [] };
    this.#jobs.set(key, job);
    this.#queue.push(key);
    return job;
  }

  /** Owned by the pool: it cannot reject, every failure goes to the waiters. */
  async #work(): Promise<void> {
    this.#workers += 1;
    for (let key = this.#queue.shift(); key !== undefined; key = this.#queue.shift()) {
      await this.#finish(key);
    }
    this.#workers -= 1;
  }

  async #finish(key: string): Promise<void> {
    for (let job = this.#jobs.get(key); job?.pending !== undefined; job = this.#jobs.get(key))
      await this.#settle(key, job);
    this.#jobs.delete(key);
  }

  async #settle(key: string, job: Job<V, R>): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      const value = job.pending as V;
      const waiters = job.waiters;
      job.pending = undefined;
      job.waiters = [];
      try {
        this.#options.signal.throwIfAborted();
        const result = await this.#strategy.perform(key, value, this.#options.signal);
        for (const waiter of waiters) waiter.resolve(result);
        return;
      } catch (error) {
        if (this.#options.signal.aborted || !isWorthRepeating(error)) {
          for (const waiter of waiters)
            waiter.reject(this.#options.signal.aborted ? this.#options.signal.reason : error);
          return;
        }
        await this.#options.clock.sleep(this.#pauseAfter(error, failures), this.#options.signal);
        // What came in while we waited is newer than what failed.
        job.pending = job.pending === undefined ? value : this.#strategy.merge(value, job.pending);
        job.waiters = [...waiters, ...job.waiters];
      }
    }
  }

  #pauseAfter(error: KubeError, failures: number): number {
    return Math.max(error.retryAfterMs ?? 0, backoffMs(failures, { ...BACKOFF, random: this.#options.random }));
  }
}

/** A conflict of writes without a resource version means that the server gave up under contention. */
function isWorthRepeating(error: unknown): error is KubeError {
  return isKubeError(error) && (error.transient || error.status === 409);
}
