import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { addressOn, type Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';

/**
 * Since when the facts do not show an address of the ledger on the ENI that the ledger names. Counts again when that ENI has come or
 * gone, and after a restart: what one describe does not show may only be late.
 */
export class MissingSince {
  readonly #seen = new Map<IpAddress, { readonly since: number; readonly attached: boolean }>();

  get all(): ReadonlyMap<IpAddress, number> {
    return new Map(Array.from(this.#seen, ([address, { since }]) => [address, since]));
  }

  update(ledger: ReadonlyMap<IpAddress, LedgerEntry>, enis: readonly Eni[], now: number): void {
    for (const address of this.#seen.keys()) if (!ledger.has(address)) this.#seen.delete(address);
    for (const [address, entry] of ledger) {
      const eni = enis.find(({ id }) => id === entry.eni);
      const attached = eni !== undefined;
      if (eni !== undefined && addressOn(eni, address) !== undefined) this.#seen.delete(address);
      else if (this.#seen.get(address)?.attached !== attached) this.#seen.set(address, { since: now, attached });
    }
  }
}
