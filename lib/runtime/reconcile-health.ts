import type { Clock } from './clock.ts';

export interface ReconcileHealthOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Called when a loop fails, and when it is well again, with how many of its reconciles have failed in a row. */
  readonly onReconcile?: (loop: string, failedInARow: number) => void;
}

/** A loop that failed is tried again after this pause even when nothing triggers it, ms. */
export const RECONCILE_RETRY_MS = 5_000;

/** Reconciles that failed for this long, none between them well, make the process unhealthy, ms. */
const UNHEALTHY_AFTER_MS = 60_000;

interface Failing {
  readonly since: number;
  readonly inARow: number;
  readonly message: string;
}

/** Survives, counts and reports the reconciles of the process's loops that throw: a loop that never succeeds must not look healthy. */
export class ReconcileHealth {
  readonly #options: ReconcileHealthOptions;
  readonly #failing = new Map<string, Failing>();

  constructor(options: ReconcileHealthOptions) {
    this.#options = options;
  }

  /** Runs one reconcile. What it throws goes to `onFailure` and never further. */
  run(loop: string, reconcile: () => void, onFailure: (error: unknown) => void): void {
    try {
      reconcile();
      if (!this.#failing.delete(loop)) return;
      this.#options.onReconcile?.(loop, 0);
    } catch (error) {
      const { since = this.#options.clock.now(), inARow = 0 } = this.#failing.get(loop) ?? {};
      const message = error instanceof Error ? error.message : String(error);
      this.#failing.set(loop, { since, inARow: inARow + 1, message });
      this.#options.onReconcile?.(loop, inARow + 1);
      onFailure(error);
    }
  }

  /** Why work is not being done right now, from the first failed reconcile on. */
  failing(): string[] {
    return Array.from(this.#failing, ([loop, { inARow, message }]) => sentence(loop, inARow, message));
  }

  /** Why the process should be restarted: no reconcile of a loop has succeeded for a minute. */
  faults(): string[] {
    const limit = this.#options.clock.now() - UNHEALTHY_AFTER_MS;
    return [...this.#failing]
      .filter(([, { since }]) => since <= limit)
      .map(([loop, { inARow, message }]) => sentence(loop, inARow, message));
  }
}

function sentence(loop: string, inARow: number, message: string): string {
  return `the loop for ${loop} has failed ${inARow} times in a row: ${message}`;
}
