import type { Clock } from '../../lib/runtime/clock.ts';

/** Puts the time of a describe by the wall clock on the monotonic clock, at the moment it is first seen. */
export class FactAge {
  readonly #clock: Clock;
  readonly #wall: () => number;
  #latest: number | undefined;
  #at: number | undefined;

  constructor(clock: Clock, wall: () => number) {
    this.#clock = clock;
    this.#wall = wall;
  }

  of(describedAt: number | undefined): number | undefined {
    if (describedAt === this.#latest) return this.#at;
    this.#latest = describedAt;
    this.#at = describedAt === undefined ? undefined : this.#clock.now() - Math.max(0, this.#wall() - describedAt);
    return this.#at;
  }
}
