import type { Clock } from './clock.ts';

export interface ReconcileHealthOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Told after each round how many of this loop's rounds have failed in a row. */
  readonly onRound?: (loop: string, failedInARow: number) => void;
}

/** A loop that failed is tried again after this pause even when nothing wakes it, ms. */
export const RECONCILE_RETRY_MS = 5_000;

/** Rounds that failed for this long, none between them well, make the process unhealthy, ms. */
const UNHEALTHY_AFTER_MS = 60_000;

interface Failing {
  readonly since: number;
  readonly rounds: number;
  readonly message: string;
}

/** Survives, counts and says the rounds of the process's loops that throw: a loop that never succeeds must not look healthy. */
export class ReconcileHealth {
  readonly #options: ReconcileHealthOptions;
  readonly #failing = new Map<string, Failing>();

  constructor(options: ReconcileHealthOptions) {
    this.#options = options;
  }

  /** Runs one round. What it throws goes to `onFailure` and never further. */
  run(loop: string, round: () => void, onFailure: (error: unknown) => void): void {
    try {
      round();
      if (!this.#failing.delete(loop)) return;
      this.#options.onRound?.(loop, 0);
    } catch (error) {
      const { since = this.#options.clock.now(), rounds = 0 } = this.#failing.get(loop) ?? {};
      const message = error instanceof Error ? error.message : String(error);
      this.#failing.set(loop, { since, rounds: rounds + 1, message });
      this.#options.onRound?.(loop, rounds + 1);
      onFailure(error);
    }
  }

  /** Why work is not being done right now, from the first failed round on. */
  failing(): string[] {
    return Array.from(this.#failing, ([loop, { rounds, message }]) => sentence(loop, rounds, message));
  }

  /** Why the process should be restarted: no round of a loop has succeeded for a minute. */
  faults(): string[] {
    const limit = this.#options.clock.now() - UNHEALTHY_AFTER_MS;
    return [...this.#failing]
      .filter(([, { since }]) => since <= limit)
      .map(([loop, { rounds, message }]) => sentence(loop, rounds, message));
  }
}

function sentence(loop: string, rounds: number, message: string): string {
  return `the loop for ${loop} has failed ${rounds} times in a row: ${message}`;
}
