import type { Cancel, Clock } from './clock.ts';

/** Node fires a timer of more than 2³¹−1 ms at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs one function soon after it is asked for, once however often it is asked, and never re-entered.
 * Everything that arrives in one turn of the event loop is seen by one run.
 */
export class Trigger {
  readonly #run: () => void;
  readonly #clock: Clock;
  #scheduled = false;
  #stopped = false;
  #alarm: { readonly at: number; readonly cancel: Cancel } | undefined;

  constructor(run: () => void, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  now(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Runs at once what was asked for and has not run yet; does nothing when there is none. */
  flush(): void {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    if (!this.#stopped) this.#run();
  }

  /**
   * Also trigger at this time (ms since the epoch); replaces the earlier alarm. Undefined clears it.
   * A time beyond {@link LONGEST_TIMER_MS} triggers earlier: the run then asks for the rest.
   */
  at(time: number | undefined): void {
    if (this.#alarm?.at === time) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (time === undefined || this.#stopped) return;
    const pause = Math.min(Math.max(0, time - this.#clock.now()), LONGEST_TIMER_MS);
    const cancel = this.#clock.after(pause, () => {
      this.#alarm = undefined;
      this.now();
    });
    this.#alarm = { at: time, cancel };
  }

  /** Triggers at this time unless an earlier alarm is set; that one's run sees what this one would. */
  by(time: number): void {
    if (this.#alarm === undefined || this.#alarm.at > time) this.at(time);
  }

  /** Nothing runs any more, not even what was asked for already. */
  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#stopped = true;
  }
}
