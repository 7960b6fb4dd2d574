import type { Cancel, Clock } from './clock.ts';

/**
 * Runs one function soon after it is asked for, once however often it is asked, and never re-entered.
 * Everything that arrives in one turn of the event loop is seen by one run.
 */
export class Wakeup {
  readonly #run: () => void;
  readonly #clock: Clock;
  #scheduled = false;
  #alarm: { readonly at: number; readonly cancel: Cancel } | undefined;

  constructor(run: () => void, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  now(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  /** Also wake at this time (ms since the epoch); replaces the earlier alarm. Undefined clears it. */
  at(time: number | undefined): void {
    if (this.#alarm?.at === time) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (time === undefined) return;
    const cancel = this.#clock.after(Math.max(0, time - this.#clock.now()), () => {
      this.#alarm = undefined;
      this.now();
    });
    this.#alarm = { at: time, cancel };
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#scheduled = true;
  }
}
