import type { Clock } from './clock.ts';

export interface TokenBucketOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Tokens that it holds at most, and at first. */
  readonly capacity: number;
  readonly refillPerSecond: number;
}

/** Permits at a steady pace with a burst at first: for a server whose limit is known, so that it need not refuse anything. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #tokens: number;
  #filledAt: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#tokens = options.capacity;
    this.#filledAt = options.clock.now();
  }

  /** Takes one token if there is one. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** When there will be a token, ms since the epoch; the past when there is one. */
  get nextAt(): number {
    this.#fill();
    return this.#filledAt + Math.ceil((Math.max(0, 1 - this.#tokens) * 1000) / this.#options.refillPerSecond);
  }

  #fill(): void {
    const { clock, capacity, refillPerSecond } = this.#options;
    const now = clock.now();
    this.#tokens = Math.min(capacity, this.#tokens + ((now - this.#filledAt) * refillPerSecond) / 1000);
    this.#filledAt = now;
  }
}
