import { carries, type Eni, type EniId, withAddresses, withoutAddresses } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { ObservedCache } from '../../lib/runtime/observed-cache.ts';

/**
 * How long our own accepted call outweighs a describe that contradicts it, ms: EC2's views lag behind its answers. Longer would notice
 * a real loss later; should EC2 lag longer, the address is looked up and asked for once more, which changes nothing.
 */
const SETTLING_MS = 5_000;

interface OwnWrite {
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly present: boolean;
}

/**
 * What is so on this node's ENIs: the last describe, changed by our own accepted calls since.
 *
 * Caveat: describes are eventually consistent. For a few seconds after one of our calls its effect is believed rather than a describe
 * that does not show it, and an ENI has to be missing from two describes in a row before it counts as detached.
 */
export class EniCache {
  readonly #observed = new ObservedCache<readonly Eni[], IpAddress, OwnWrite>({
    initial: [],
    lay: layWrite,
    settlingMs: SETTLING_MS,
  });
  #missing = new Set<EniId>();

  get enis(): readonly Eni[] {
    return this.#observed.value;
  }

  /** ENIs that the last describe did not list: believed for one describe more, but nothing is taken off them. */
  get unseen(): ReadonlySet<EniId> {
    return this.#missing;
  }

  get describedAt(): number | undefined {
    return this.#observed.readAt;
  }

  /** Takes in a describe that was asked for at `askedAt`. Returns when to look again because something was not believed yet. */
  described(described: readonly Eni[], askedAt: number, now: number): number | undefined {
    const vanished = this.enis.filter((eni) => !described.some(({ id }) => id === eni.id));
    const kept = vanished.filter((eni) => !this.#missing.has(eni.id));
    this.#missing = new Set(kept.map(({ id }) => id));
    this.#observed.read([...described, ...kept], askedAt);
    const doubted = this.enis.some((eni, index) => eni !== described[index]);
    return doubted ? now + SETTLING_MS : undefined;
  }

  /** An ENI that was attached to this node since the last describe, by the word of whoever attached it and of the kernel. */
  attached(eni: Eni): void {
    if (!this.enis.some(({ id }) => id === eni.id)) this.#observed.learned([...this.enis, eni]);
  }

  assigned(eni: EniId, addresses: readonly IpAddress[], now: number): void {
    for (const address of addresses) this.#observed.wrote(address, { address, eni, present: true }, now);
  }

  unassigned(eni: EniId, addresses: readonly IpAddress[], now: number): void {
    for (const address of addresses) this.#observed.wrote(address, { address, eni, present: false }, now);
  }
}

/** An address that came to one ENI has left all others. What the write does not change stays the same object. */
function layWrite(enis: readonly Eni[], { address, eni: id, present }: OwnWrite): readonly Eni[] {
  return enis.map((eni) => {
    const should = present && eni.id === id;
    if ((eni.id !== id && !present) || carries(eni, address) === should) return eni;
    return should ? withAddresses(eni, [address]) : withoutAddresses(eni, [address]);
  });
}
