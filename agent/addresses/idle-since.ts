import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { IpAddress } from '../../lib/model/ip.ts';

/**
 * Since when each address of the ledger is without any use. The cool-down of an address counts from the first look that misses it,
 * also after a restart. Not from the last look that saw it: on a quiet node that was long ago.
 */
export class IdleSince {
  readonly #since = new Map<IpAddress, number>();

  get all(): ReadonlyMap<IpAddress, number> {
    return this.#since;
  }

  /**
   * Takes in a look: what it shows as used, and what the ledger knows. A namespace that is still to be read does not restart any
   * count: should it use an address, the look that has read it says so.
   */
  update(used: ReadonlySet<IpAddress>, ledger: ReadonlyMap<IpAddress, LedgerEntry>, now: number): void {
    for (const address of this.#since.keys()) {
      if (used.has(address) || !ledger.has(address)) this.#since.delete(address);
    }
    for (const address of ledger.keys()) {
      if (!used.has(address) && !this.#since.has(address)) this.#since.set(address, now);
    }
  }

  /** A source is still loading: what seems unused may not be, so all counting starts again. */
  clear(): void {
    this.#since.clear();
  }

  /** Starts the cool-down of one address again. */
  restart(address: IpAddress, now: number): void {
    this.#since.set(address, now);
  }
}
