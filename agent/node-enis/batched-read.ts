import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface BatchedReadParts<Key> {
  readonly clock: Clock;
  readonly random: () => number;
  /** Least time between two questions, ms. */
  readonly minIntervalMs: number;
  /** Asks about all of these at once. `askedAt`: ms since the epoch. */
  readonly ask: (keys: readonly Key[], askedAt: number) => Promise<void>;
  /** An answer is there, or a failure that was reported. */
  readonly onAnswer: () => void;
  readonly onProblem: (error: unknown) => void;
}

const BACKOFF = { baseMs: 500, maxMs: 60_000 };

/** Questions of one kind: one at a time; what is asked meanwhile goes together into the next; after a failure it waits. */
export class BatchedRead<Key> {
  readonly #parts: BatchedReadParts<Key>;
  readonly #signal: AbortSignal;
  readonly #wanted = new Set<Key>();
  #running: Promise<void> | undefined;
  #askedAt = -Infinity;
  #failures = 0;

  constructor(parts: BatchedReadParts<Key>, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  request(keys: Iterable<Key>): void {
    if (this.#signal.aborted) return;
    for (const key of keys) this.#wanted.add(key);
    if (this.#wanted.size > 0) this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Cannot reject. */
  async #run(): Promise<void> {
    const { clock, random, minIntervalMs, ask, onAnswer, onProblem } = this.#parts;
    while (this.#wanted.size > 0 && !this.#signal.aborted) {
      const pause =
        this.#failures > 0
          ? backoffMs(this.#failures, { ...BACKOFF, random })
          : this.#askedAt + minIntervalMs - clock.now();
      if (pause > 0) await clock.sleep(pause, this.#signal);
      if (this.#signal.aborted) return;
      const keys = [...this.#wanted];
      this.#wanted.clear();
      this.#askedAt = clock.now();
      try {
        await ask(keys, this.#askedAt);
        this.#failures = 0;
      } catch (error) {
        this.#failures += 1;
        for (const key of keys) this.#wanted.add(key);
        if (!this.#signal.aborted) onProblem(error);
      }
      if (!this.#signal.aborted) onAnswer();
    }
  }
}
