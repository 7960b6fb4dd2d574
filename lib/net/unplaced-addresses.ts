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

  constructor(now: () => number) {
    this.#now = now;
  }

  told({ ip, deleted }: AddressEvent): void {
    this.#forgetOld();
    // To the end of the order, which is by age.
    this.#heardAt.delete(ip);
    if (!deleted) this.#heardAt.set(ip, this.#now());
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
