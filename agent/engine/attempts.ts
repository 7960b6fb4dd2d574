import { attemptKey, type Claim } from '../../lib/model/claim.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Setback } from '../../lib/model/snapshot.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

/** First and longest pause per reason, ms: what a human must mend is asked rarely, a race soon. */
const PAUSES: Partial<Record<Reason, readonly [number, number]>> = {
  HeldElsewhere: [15_000, 600_000],
  PrimaryAddress: [60_000, 600_000],
  AddressLimitExceeded: [10_000, 300_000],
  Unauthorized: [10_000, 300_000],
  InterfaceGone: [2_000, 60_000],
};
const DEFAULT_PAUSE = [2_000, 300_000] as const;

/** Remembers which claims failed and when each may be tried again, and which addresses a look-up has found free. */
export class Attempts {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #setbacks = new Map<string, Setback>();
  readonly #free = new Set<IpAddress>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get setbacks(): ReadonlyMap<string, Setback> {
    return this.#setbacks;
  }

  get knownFree(): ReadonlySet<IpAddress> {
    return this.#free;
  }

  failed(claim: Claim, reason: Reason, message: string): void {
    const before = this.#setbacks.get(attemptKey(claim));
    const failures = before?.reason === reason ? before.failures + 1 : 1;
    const [baseMs, maxMs] = PAUSES[reason] ?? DEFAULT_PAUSE;
    const until = this.#clock.now() + backoffMs(failures, { baseMs, maxMs, random: this.#random });
    this.#setbacks.set(attemptKey(claim), { reason, message, until, failures });
    this.#free.delete(claim.address);
  }

  succeeded(claim: Claim): void {
    this.#setbacks.delete(attemptKey(claim));
    this.#free.delete(claim.address);
  }

  foundFree(address: IpAddress): void {
    this.#free.add(address);
  }

  /** Forgets what no current claim has to do with. */
  keepOnly(claims: readonly Claim[]): void {
    if (this.#setbacks.size === 0 && this.#free.size === 0) return;
    const keys = new Set(claims.map(attemptKey));
    for (const key of this.#setbacks.keys()) if (!keys.has(key)) this.#setbacks.delete(key);
    const addresses = new Set(claims.map((claim) => claim.address));
    for (const address of this.#free) if (!addresses.has(address)) this.#free.delete(address);
  }
}
