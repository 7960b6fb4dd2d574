import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { NO_CALL, type RateLimiter } from './rate-limiter.ts';

export interface RefresherParts<T> {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Undefined: no permission is needed. */
  readonly permission: ReadPermission | undefined;
  readonly pace: ReadPace;
  /** Asked after permission; `NO_CALL` when nobody needs an answer any more. */
  readonly read: (signal: AbortSignal) => Promise<T> | typeof NO_CALL;
  readonly on: ReadListener<T>;
}

interface ReadPermission {
  readonly rateLimiter: RateLimiter;
  /** Lower goes first among those who wait for permission. */
  readonly priority: () => number;
}

interface ReadPace {
  /** Least time between the starts of two reads, ms: a burst of requests shares one. */
  readonly minIntervalMs: number;
  /** First and longest pause after a failed read, ms; undefined: none beside that of the rate limit. */
  readonly pause: (error: unknown) => readonly [baseMs: number, maxMs: number] | undefined;
}

interface ReadListener<T> {
  /** An answer to what was asked at `askedAt`, ms since the epoch. */
  readonly answer: (answer: T, askedAt: number) => void;
  /** Not called once the signal has aborted. */
  readonly failure: (error: unknown) => void;
  /** A read has ended, however: the next one can be asked for. */
  readonly end: () => void;
}

/**
 * Reads something under the rate limit when it is asked for: one read at a time, at most one per interval, and after a failure only when
 * a growing pause is over. A failed read is not repeated by itself: whoever still needs it asks again when it has ended.
 */
export class Refresher<T> {
  readonly #parts: RefresherParts<T>;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: RefresherParts<T>, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Reads soon; does nothing while a read is waiting or under way. */
  request(): void {
    if (this.#signal.aborted) return;
    this.#running ??= this.#read().finally(() => this.#ended());
  }

  /** Resolves when a read that was asked for after this call has ended, or the signal has aborted. */
  next(): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.request();
    });
  }

  /** Resolves when no read is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #read(): Promise<void> {
    const { clock, random, permission, pace, read, on } = this.#parts;
    const early = this.#notBefore - clock.now();
    if (early > 0) await clock.sleep(early, this.#signal);
    let askedAt = 0;
    let answered: (() => void)[] = [];
    try {
      const ask = () => {
        // Taken only now: a question that came while we waited for permission is answered by this read.
        answered = this.#waiting.splice(0);
        askedAt = clock.now();
        return this.#signal.aborted ? NO_CALL : read(this.#signal);
      };
      const answer = await (permission === undefined
        ? ask()
        : permission.rateLimiter.call(permission.priority, this.#signal, ask));
      this.#failures = 0;
      if (answer === NO_CALL) return;
      this.#notBefore = askedAt + pace.minIntervalMs;
      on.answer(answer, askedAt);
    } catch (error) {
      if (this.#signal.aborted) return;
      const bounds = pace.pause(error);
      this.#failures += bounds === undefined ? 0 : 1;
      const [baseMs, maxMs] = bounds ?? [0, 0];
      this.#notBefore = clock.now() + (bounds === undefined ? 0 : backoffMs(this.#failures, { baseMs, maxMs, random }));
      on.failure(error);
    } finally {
      for (const resolve of answered) resolve();
    }
  }

  #ended(): void {
    this.#running = undefined;
    if (this.#signal.aborted) for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#waiting.length > 0) this.request();
    this.#parts.on.end();
  }
}
