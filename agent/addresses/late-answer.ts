import type { IpAddress } from '../../lib/model/ip.ts';
import type { Cancel, Clock } from '../../lib/runtime/clock.ts';

export interface LateAnswerParts {
  readonly clock: Clock;
  /** Describes the node's ENIs again; resolves when the facts are new (or the describe failed). */
  readonly refresh: (cause: string) => Promise<void>;
}

/** After this time the effect of a takeover is looked for although EC2 has not answered yet, ms. */
const LATE_MS = 1_000;

/**
 * Looks, while the answer to a takeover is late, whether EC2 has acted. When the answer never comes and another ENI has the address by
 * then, this says a loss, which is final, from a call that was never carried out.
 */
export class LateAnswer {
  readonly #parts: LateAnswerParts;
  readonly #isHere: (address: IpAddress) => boolean;
  readonly #seen = new Set<IpAddress>();

  constructor(parts: LateAnswerParts, isHere: (address: IpAddress) => boolean) {
    this.#parts = parts;
    this.#isHere = isHere;
  }

  /** Call what is returned when the answer has come. */
  watch(addresses: readonly IpAddress[]): Cancel {
    this.#seen.clear();
    return this.#parts.clock.after(LATE_MS, () => {
      void this.#parts.refresh('a takeover without an answer').then(() => {
        for (const address of addresses) if (this.#isHere(address)) this.#seen.add(address);
      });
    });
  }

  /** True when the address was on our ENI while the latest answer was late. */
  seen(address: IpAddress): boolean {
    return this.#seen.has(address);
  }
}
