import { PASSING, type Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

/** How long a trouble that usually passes by itself may last before people are warned, ms: five tries and more. */
const PATIENCE_MS = 10_000;

/**
 * Since when each claim is kept waiting by a trouble that usually passes by itself: a connection that was reset must not become a Warning
 * on a pod. Asked in every reconcile, and a failed call causes one.
 */
export class LastingError {
  readonly #clock: Clock;
  readonly #since = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the reason is worth a Warning now; what a human must put right always is. */
  isWorthTelling(key: string, reason: Reason): boolean {
    if (!PASSING.has(reason)) {
      this.#since.delete(key);
      return true;
    }
    const since = this.#since.get(key) ?? this.#clock.now();
    this.#since.set(key, since);
    return this.#clock.now() - since >= PATIENCE_MS;
  }

  /** Forgets all others: their trouble is over. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
  }
}
