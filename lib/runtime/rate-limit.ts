import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface RateLimitOptions {
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

/** A window this wide is not a limit any more. */
const OPEN_WINDOW = 64;

/**
 * One permission to call, shared by all loops of a process, because the server's token buckets are shared by a whole account.
 *
 * Open, every call is admitted at once. After a refusal calls wait: a pause that doubles with every further refusal, then one call at a
 * time, the most urgent waiter first. Each success halves the pressure and lets one more be under way (so their number doubles
 * from answer to answer), until the rate limit is open again: what waited must not come back as the flood that was refused. Refusals of calls that were under way when the first of
 * them was refused are the same news, not more of it.
 */
export class RateLimit {
  readonly #options: RateLimitOptions;
  #refusals = 0;
  #resumeAt = 0;
  /** How many calls may be under way; `#out` of them are. */
  #window = Infinity;
  #out = 0;
  /** Calls that left before the latest refusal and have not been reported yet. */
  #stale = 0;
  #timerSet = false;
  readonly #waiters: Waiter[] = [];

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Refusals that weigh on the rate limit; 0 when open. */
  get pressure(): number {
    return this.#refusals;
  }

  /** How much the limit leaves now: calls that may leave at once (the width of an open window while nothing is limited), and those that wait. */
  get levels(): { readonly tokens: number; readonly waiting: number } {
    const isPausing = this.#refusals > 0 && this.#options.clock.now() < this.#resumeAt;
    const free = Math.max(0, Math.min(OPEN_WINDOW, this.#window - this.#out));
    return { tokens: isPausing || this.#waiters.length > 0 ? 0 : free, waiting: this.#waiters.length };
  }

  /**
   * True: send one call and report it with `succeeded`, `refused` or `ended`. False: the signal aborted first.
   * `priority` (lower goes first) may change while waiting: it is asked whenever somebody is let through.
   */
  admit(priority: () => number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#window === Infinity) {
      this.#out += 1;
      return Promise.resolve(true);
    }
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
    if (this.#stale > 0) return this.ended();
    this.#refusals = Math.floor(this.#refusals / 2);
    this.#window = this.#refusals === 0 && this.#window >= OPEN_WINDOW ? Infinity : this.#window + 1;
    this.ended();
  }

  refused(): void {
    if (this.#stale > 0) return this.ended();
    this.#refusals += 1;
    this.#resumeAt = this.#options.clock.now() + this.#pause();
    this.#window = 1;
    this.#stale = Math.max(0, this.#out - 1);
    this.#out = 0;
    this.#pump();
  }

  /** The call ended in a way that says nothing about the rate limit. */
  ended(): void {
    if (this.#stale > 0) this.#stale -= 1;
    else this.#out = Math.max(0, this.#out - 1);
    this.#pump();
  }

  #pause(): number {
    const { baseMs = 500, maxMs = 30_000, random } = this.#options;
    return backoffMs(this.#refusals, { baseMs, maxMs, random });
  }

  #pump(): void {
    while (this.#waiters.length > 0 && this.#out < this.#window) {
      const pause = this.#refusals === 0 ? 0 : this.#resumeAt - this.#options.clock.now();
      if (pause > 0) return this.#pumpAfter(pause);
      this.#waiters.sort((a, b) => a.priority() - b.priority());
      // What is still under way from before the pause is too late to say anything.
      this.#stale = 0;
      this.#out += 1;
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
