import type { Clock } from '../../lib/runtime/clock.ts';
import { NO_CALL, type RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';

export interface BatchedReadParts<Key> {
  readonly clock: Clock;
  readonly random: () => number;
  /** Undefined: no permission is needed. */
  readonly rateLimiter: RateLimiter | undefined;
  /** Least time between two questions, ms. */
  readonly minIntervalMs: number;
  /** Asks about all of these at once. `askedAt`: ms since the epoch. */
  readonly ask: (keys: readonly Key[], askedAt: number) => Promise<void>;
  /** An answer is there, or a failure that was reported. */
  readonly onAnswer: () => void;
  readonly onProblem: (error: unknown) => void;
}

/** First and longest pause after a question that failed, ms. */
const FAILED = [500, 60_000] as const;

/** A `Refresher` for questions about single things: what is asked meanwhile goes together into the next read, and what failed is asked again. */
export class BatchedRead<Key> {
  readonly #parts: BatchedReadParts<Key>;
  readonly #refresher: Refresher<void>;
  readonly #wanted = new Set<Key>();
  /** What the question under way is about. */
  #asked: ReadonlySet<Key> = new Set();

  constructor(parts: BatchedReadParts<Key>, signal: AbortSignal) {
    const { clock, random, rateLimiter, minIntervalMs, onProblem } = parts;
    this.#parts = parts;
    this.#refresher = new Refresher<void>(
      {
        clock,
        random,
        permission: rateLimiter && { rateLimiter, priority: () => 1 },
        pace: { minIntervalMs, pause: () => FAILED },
        read: () => (this.#wanted.size === 0 ? NO_CALL : this.#ask()),
        on: { answer: () => undefined, failure: onProblem, end: () => this.#ended() },
      },
      signal,
    );
  }

  /** A key that is being asked about is not asked again: whoever needs a younger answer says so when it has this one. */
  request(keys: Iterable<Key>): void {
    for (const key of keys) if (!this.#asked.has(key)) this.#wanted.add(key);
    if (this.#wanted.size > 0) this.#refresher.request();
  }

  async idle(): Promise<void> {
    await this.#refresher.idle();
  }

  async #ask(): Promise<void> {
    const { clock, ask } = this.#parts;
    const keys = [...this.#wanted];
    this.#asked = new Set(keys);
    this.#wanted.clear();
    try {
      await ask(keys, clock.now());
    } catch (error) {
      for (const key of keys) this.#wanted.add(key);
      throw error;
    } finally {
      this.#asked = new Set();
    }
  }

  #ended(): void {
    this.request([]);
    this.#parts.onAnswer();
  }
}
