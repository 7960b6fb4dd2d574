import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface BudgetOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Pause after the first refusal, ms. @default 500 */
  readonly baseMs?: number;
  /** @default 30 000 */
  readonly maxMs?: number;
}

interface Waiter {
  readonly priority: () => number;
  readonly answer: (admitted: boolean) => void;
}

/**
 * One permission to call, shared by all lanes of a process, because the server's token buckets are shared by a whole account.
 *
 * Open, every call is admitted at once. After a refusal calls go one at a time, each after a pause that doubles with every further
 * refusal, the most urgent waiter first; a success halves the pressure until the budget is open again.
 */
export class Budget {
  readonly #options: BudgetOptions;
  #refusals = 0;
  #resumeAt = 0;
  #probing = false;
  #timerSet = false;
  readonly #waiters: Waiter[] = [];

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Refusals that weigh on the budget; 0 when open. */
  get pressure(): number {
    return this.#refusals;
  }

  /**
   * True: send one call and report it with `succeeded`, `refused` or `ended`. False: the signal aborted first.
   * `priority` (lower goes first) may change while waiting: it is asked whenever somebody is let through.
   */
  admit(priority: () => number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#refusals === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = { priority, answer };
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        resolve(false);
      };
      function answer(admitted: boolean) {
        signal.removeEventListener('abort', leave);
        resolve(admitted);
      }
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.push(waiter);
      this.#pump();
    });
  }

  succeeded(): void {
    this.#refusals = Math.floor(this.#refusals / 2);
    this.ended();
  }

  refused(): void {
    this.#refusals += 1;
    this.#resumeAt = this.#options.clock.now() + this.#pause();
    this.ended();
  }

  /** The call ended in a way that says nothing about the budget. */
  ended(): void {
    this.#probing = false;
    this.#pump();
  }

  #pause(): number {
    const { baseMs = 500, maxMs = 30_000, random } = this.#options;
    return backoffMs(this.#refusals, { baseMs, maxMs, random });
  }

  #pump(): void {
    while (this.#waiters.length > 0 && !this.#probing) {
      const pause = this.#refusals === 0 ? 0 : this.#resumeAt - this.#options.clock.now();
      if (pause > 0) return this.#pumpAfter(pause);
      this.#waiters.sort((a, b) => a.priority() - b.priority());
      this.#probing = this.#refusals > 0;
      this.#waiters.shift()?.answer(true);
    }
  }

  #pumpAfter(ms: number): void {
    if (this.#timerSet) return;
    this.#timerSet = true;
    this.#options.clock.after(ms, () => {
      this.#timerSet = false;
      this.#pump();
    });
  }
}
