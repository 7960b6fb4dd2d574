/** What a step waits for before it may be planned again. */
interface Pause {
  /** Nothing sooner than this, ms since the epoch. */
  readonly until: number;
  /** Unless the object has another version by then. */
  readonly version: string | undefined;
  readonly failures: number;
}

/**
 * Keeps a step from being repeated on knowledge that is known to be outdated: a write counts as done although the watch does not show
 * it yet, and a failed call waits for its turn.
 */
export class Pauses {
  readonly #pauses = new Map<string, Pause>();

  /** A write was accepted or found the object changed: wait for its new version, but not for ever. */
  forVersion(key: string, version: string, until: number): void {
    this.#pauses.set(key, { until, version, failures: 0 });
  }

  /** Returns how many times in a row it failed. */
  afterFailure(key: string, pauseMs: (failures: number) => number, now: number): number {
    const failures = (this.#pauses.get(key)?.failures ?? 0) + 1;
    this.#pauses.set(key, { until: now + pauseMs(failures), version: undefined, failures });
    return failures;
  }

  succeeded(key: string): void {
    this.#pauses.delete(key);
  }

  /** Until when the step must wait; undefined: it may go. */
  until(key: string, version: string | undefined, now: number): number | undefined {
    const pause = this.#pauses.get(key);
    if (pause === undefined || pause.until <= now) return undefined;
    return pause.version !== undefined && pause.version !== version ? undefined : pause.until;
  }
}
