import { carries, type Eni, type EniId, withAddresses, withoutAddresses } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';

/**
 * How long our own accepted call outweighs a describe that contradicts it, ms: EC2's views lag behind its answers. Longer would tell
 * a real loss later; should EC2 lag longer, the address is looked up and asked for once more, which changes nothing.
 */
const SETTLING_MS = 5_000;

interface OwnWrite {
  readonly eni: EniId;
  readonly present: boolean;
  readonly at: number;
}

/**
 * What is so on this node's ENIs: the last describe, changed by our own accepted calls since.
 *
 * Caveat: describes are eventually consistent. For a few seconds after one of our calls its effect is believed rather than a describe
 * that does not show it, and an ENI has to be missing from two describes in a row before it counts as detached.
 */
export class EniCache {
  #enis: readonly Eni[] = [];
  #describedAt: number | undefined;
  #missing = new Set<EniId>();
  readonly #own = new Map<IpAddress, OwnWrite>();

  get enis(): readonly Eni[] {
    return this.#enis;
  }

  /** ENIs that the last describe did not list: believed for one describe more, but nothing is taken off them. */
  get unseen(): ReadonlySet<EniId> {
    return this.#missing;
  }

  get describedAt(): number | undefined {
    return this.#describedAt;
  }

  /** Takes in a describe that was asked for at `askedAt`. Returns when to look again because something was not believed yet. */
  described(described: readonly Eni[], askedAt: number, now: number): number | undefined {
    const vanished = this.#enis.filter((eni) => !described.some(({ id }) => id === eni.id));
    const kept = vanished.filter((eni) => !this.#missing.has(eni.id));
    this.#missing = new Set(kept.map(({ id }) => id));
    // By the time of the question: an answer that took long knows nothing of a call made meanwhile.
    for (const [address, write] of this.#own) if (askedAt - write.at > SETTLING_MS) this.#own.delete(address);
    const settled = described.map((eni) => this.#settle(eni));
    const doubted = settled.some((eni, index) => eni !== described[index]) || kept.length > 0;
    this.#enis = [...settled, ...kept];
    this.#describedAt = askedAt;
    return doubted ? now + SETTLING_MS : undefined;
  }

  /** An ENI that was attached to this node since the last describe, by the word of whoever attached it and of the kernel. */
  attached(eni: Eni): void {
    if (!this.#enis.some(({ id }) => id === eni.id)) this.#enis = [...this.#enis, eni];
  }

  assigned(id: EniId, addresses: readonly IpAddress[], now: number): void {
    for (const address of addresses) this.#own.set(address, { eni: id, present: true, at: now });
    this.#enis = this.#enis.map((eni) =>
      eni.id === id ? withAddresses(eni, addresses) : withoutAddresses(eni, addresses),
    );
  }

  unassigned(id: EniId, addresses: readonly IpAddress[], now: number): void {
    for (const address of addresses) this.#own.set(address, { eni: id, present: false, at: now });
    this.#enis = this.#enis.map((eni) => (eni.id === id ? withoutAddresses(eni, addresses) : eni));
  }

  #settle(eni: Eni): Eni {
    const writes = Array.from(this.#own).filter(([address, write]) => {
      return (
        (write.eni === eni.id || write.present) && carries(eni, address) !== (write.present && write.eni === eni.id)
      );
    });
    if (writes.length === 0) return eni;
    const here = writes.filter(([, write]) => write.present && write.eni === eni.id).map(([address]) => address);
    const elsewhere = writes.map(([address]) => address).filter((address) => !here.includes(address));
    return withoutAddresses(withAddresses(eni, here), elsewhere);
  }
}
