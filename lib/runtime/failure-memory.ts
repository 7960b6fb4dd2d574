import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

/** The last failure of something; it is left alone until then. */
export interface Failure<Reason extends string> {
  readonly reason: Reason;
  readonly message: string;
  /** ms since the epoch */
  readonly until: number;
  /** In a row and for the same reason; the next pause grows with it. */
  readonly failures: number;
}

export interface FailureReport<Reason extends string> {
  readonly reason: Reason;
  readonly message: string;
  /** First and longest pause, ms; [0, 0]: none. */
  readonly pause: readonly [number, number];
}

/** What failed, why, and until when it waits, by key. */
export class FailureMemory<Reason extends string, Key extends string = string> {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #failures = new Map<Key, Failure<Reason>>();

  /** `random`: uniform in [0, 1). */
  constructor({ clock, random }: { readonly clock: Clock; readonly random: () => number }) {
    this.#clock = clock;
    this.#random = random;
  }

  failed(key: Key, { reason, message, pause: [baseMs, maxMs] }: FailureReport<Reason>): Failure<Reason> {
    const before = this.#failures.get(key);
    const failures = before?.reason === reason ? before.failures + 1 : 1;
    const until = this.#clock.now() + backoffMs(failures, { baseMs, maxMs, random: this.#random });
    const failure = { reason, message, failures, until };
    this.#failures.set(key, failure);
    return failure;
  }

  succeeded(key: Key): void {
    this.#failures.delete(key);
  }

  /** Forgets all others. */
  keep(keys: ReadonlySet<Key>): void {
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key);
  }

  get known(): ReadonlyMap<Key, Failure<Reason>> {
    return this.#failures;
  }
}
