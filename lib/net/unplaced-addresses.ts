import type { IpAddress } from '../model/ip.ts';
import type { AddressEvent } from './monitor-line.ts';

/** By then the namespace has been identified and read, or has been found not to be of our folder, ms. */
const KEPT_MS = 10_000;

/**
 * Addresses that the kernel has told of in a namespace whose id nobody knows yet, because it is only just being made: its first read
 * comes some ms later. Until then somebody uses them, and that is all there is to know.
 */
export class UnplacedAddresses {
  readonly #now: () => number;
  readonly #heardAt = new Map<IpAddress, number>();

  readonly #onForgotten: (inMs: number) => void;

  /** `onForgotten` is told in how many ms the view will be another one without any event: whoever waits for it must look then. */
  constructor(now: () => number, onForgotten: (inMs: number) => void) {
    this.#now = now;
    this.#onForgotten = onForgotten;
  }

  told({ ip, deleted }: AddressEvent): void {
    this.#forgetOld();
    // To the end of the order, which is by age.
    this.#heardAt.delete(ip);
    if (deleted) return;
    this.#heardAt.set(ip, this.#now());
    this.#onForgotten(KEPT_MS);
  }

  get addresses(): readonly IpAddress[] {
    this.#forgetOld();
    return [...this.#heardAt.keys()];
  }

  #forgetOld(): void {
    for (const [ip, heardAt] of this.#heardAt) {
      if (heardAt + KEPT_MS > this.#now()) break;
      this.#heardAt.delete(ip);
    }
  }
}
