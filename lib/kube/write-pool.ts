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
  const { clock, random, signal, concurrency = 8 } = options;
  const jobs = new Map<string, Job<V, R>>();
  /** Keys in order of arrival that nobody works on yet. */
  const queue: string[] = [];
  let workers = 0;

  function write(key: string, value: V): Promise<R> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const job = jobs.get(key) ?? enqueue(key);
    job.pending = job.pending === undefined ? value : strategy.merge(job.pending, value);
    const outcome = new Promise<R>((resolve, reject) => job.waiters.push({ resolve, reject }));
    if (workers < concurrency && queue.length > 0) void work();
    return outcome;
  }

  function enqueue(key: string): Job<V, R> {
    const job: Job<V, R> = { pending: undefined, waiters: [] };
    jobs.set(key, job);
    queue.push(key);
    return job;
  }

  /** Owned by the pool: it cannot reject, every failure goes to the waiters. */
  async function work(): Promise<void> {
    workers += 1;
    for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
      await finish(key);
    }
    workers -= 1;
  }

  async function finish(key: string): Promise<void> {
    for (let job = jobs.get(key); job?.pending !== undefined; job = jobs.get(key)) await settle(key, job);
    jobs.delete(key);
  }

  async function settle(key: string, job: Job<V, R>): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      const value = job.pending as V;
      const waiters = job.waiters;
      job.pending = undefined;
      job.waiters = [];
      try {
        signal.throwIfAborted();
        const result = await strategy.perform(key, value, signal);
        for (const waiter of waiters) waiter.resolve(result);
        return;
      } catch (error) {
        if (signal.aborted || !isWorthRepeating(error)) {
          for (const waiter of waiters) waiter.reject(signal.aborted ? signal.reason : error);
          return;
        }
        await clock.sleep(pauseAfter(error, failures), signal);
        // What came in while we waited is newer than what failed.
        job.pending = job.pending === undefined ? value : strategy.merge(value, job.pending);
        job.waiters = [...waiters, ...job.waiters];
      }
    }
  }

  function pauseAfter(error: KubeError, failures: number): number {
    return Math.max(error.retryAfterMs ?? 0, backoffMs(failures, { ...BACKOFF, random }));
  }

  return {
    write,
    get size() {
      return jobs.size;
    },
  };
}

/** A conflict of writes without a resource version means that the server gave up under contention. */
function isWorthRepeating(error: unknown): error is KubeError {
  return isKubeError(error) && (error.transient || error.status === 409);
}
