import { attemptKey, type Claim } from '../../lib/model/addresses/claim.ts';
import type { Doubt, HeldRefusal, KnownHolder } from '../../lib/model/addresses/holder.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Backoff } from '../../lib/model/addresses/snapshot.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';

/** First and longest pause per reason, ms: what a human must fix is asked rarely, a race soon. */
const PAUSES: Partial<Record<Reason, readonly [number, number]>> = {
  HeldElsewhere: [15_000, 600_000],
  PrimaryAddress: [60_000, 600_000],
  ProtectedInterface: [30_000, 600_000],
  AddressLimitExceeded: [10_000, 300_000],
  Unauthorized: [10_000, 300_000],
  InterfaceGone: [2_000, 60_000],
};
/** Between calls for an address that EC2 refuses and shows free, ms: its describes lag by seconds. */
const DISPUTE_PAUSE = [500, 10_000] as const;
/** Longer than any lag of a describe that is believed, ms. */
const LAG_MS = 30_000;
const DEFAULT_PAUSE = [2_000, 300_000] as const;

/** Remembers what became of calls: which claims failed and when each may be tried again, and what is known of holders. */
export class AddressMemory {
  readonly #clock: Clock;
  readonly #backoffs: FailureMemory<Reason>;
  readonly #free = new Set<IpAddress>();
  readonly #holders = new Map<IpAddress, KnownHolder>();
  readonly #refusedAsHeld = new Map<IpAddress, HeldRefusal>();
  /** Of addresses that EC2 refuses and shows free. */
  readonly #disputes: FailureMemory<'disputed', IpAddress>;
  readonly #doubts = new Map<IpAddress, Doubt>();
  readonly #acceptedAt = new Map<IpAddress, number>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#backoffs = new FailureMemory({ clock, random });
    this.#disputes = new FailureMemory({ clock, random });
  }

  /** What the process before this one has left: calls that it has no answer to, and refusals that no takeover has followed yet. */
  recall(ledger: readonly LedgerEntry[]): void {
    for (const { address, state, claimedAt } of ledger) {
      // Somebody else may have the address by now.
      if (state === 'assigning') this.doubt(address, { restarted: true });
      if (state === 'refused') this.recordHeldRefusal(address, claimedAt);
    }
  }

  get backoffs(): ReadonlyMap<string, Backoff> {
    return this.#backoffs.known;
  }

  get knownFree(): ReadonlySet<IpAddress> {
    return this.#free;
  }

  get holders(): ReadonlyMap<IpAddress, KnownHolder> {
    return this.#holders;
  }

  get refusedAsHeld(): ReadonlyMap<IpAddress, HeldRefusal> {
    return this.#refusedAsHeld;
  }

  get disputedUntil(): ReadonlyMap<IpAddress, number> {
    return new Map(Array.from(this.#disputes.known, ([address, { until }]) => [address, until]));
  }

  get doubts(): ReadonlyMap<IpAddress, Doubt> {
    return this.#doubts;
  }

  failed(claim: Claim, reason: Reason, message: string): void {
    this.#backoffs.failed(attemptKey(claim), { reason, message, pause: PAUSES[reason] ?? DEFAULT_PAUSE });
    this.#free.delete(claim.address);
  }

  /** EC2 has accepted it: it is on our ENI. */
  succeeded(claim: Claim): void {
    const { address } = claim;
    this.#backoffs.succeeded(attemptKey(claim));
    this.#disputes.succeeded(address);
    for (const memory of [this.#free, this.#holders, this.#refusedAsHeld, this.#doubts]) memory.delete(address);
    this.#acceptedAt.set(address, this.#clock.now());
  }

  /**
   * Whether EC2 has accepted it for us so short a time ago that a describe may not show it yet. `claimedAt`: when it appeared here, by the
   * ledger, which a process that has just started knows it from.
   */
  justAccepted(address: IpAddress, claimedAt = Number.NEGATIVE_INFINITY): boolean {
    return this.#clock.now() - Math.max(this.#acceptedAt.get(address) ?? claimedAt, claimedAt) < LAG_MS;
  }

  /** A look-up, asked for at `holder.askedAt`, has found who has the address, or that nobody has it. */
  found(address: IpAddress, holder: KnownHolder): void {
    // What was seen before EC2 gave it to us is the past.
    if (holder.askedAt > (this.#acceptedAt.get(address) ?? Number.NEGATIVE_INFINITY))
      this.#holders.set(address, holder);
  }

  /** Nobody holds an address from which we stand down. */
  foundFree(address: IpAddress): void {
    this.#free.add(address);
  }

  /**
   * EC2 has refused to give the address, because somebody holds it. `since`: when it appeared here. `isOutdated`: that is not the one whom the
   * last look showed.
   */
  recordHeldRefusal(address: IpAddress, since: number, isOutdated = false): void {
    const now = this.#clock.now();
    const before = this.#refusedAsHeld.get(address);
    const isSame = before !== undefined && before.firstAt >= since;
    const outdated = [...((isSame && before.outdated) || [])];
    const shown = this.#holders.get(address)?.eni;
    if (isOutdated && shown !== undefined && outdated.at(-1) !== shown) outdated.push(shown);
    if (isOutdated) this.#holders.delete(address);
    const seenFree = before !== undefined && this.#holders.get(address)?.eni === undefined;
    if (seenFree) this.#disputes.failed(address, { reason: 'disputed', message: '', pause: DISPUTE_PAUSE });
    this.#refusedAsHeld.set(address, { firstAt: isSame ? before.firstAt : now, lastAt: now, outdated });
    this.#free.delete(address);
  }

  /** See `Doubt`. `before`: what is known now, unless the caller knows better. */
  doubt(address: IpAddress, about: Partial<Omit<Doubt, 'at'>> = {}): void {
    // The earliest knowledge stays: whoever comes after it, has come while we waited.
    const before = about.before ?? this.#doubts.get(address)?.before ?? this.#holders.get(address);
    this.#doubts.set(address, { restarted: false, ...about, at: this.#clock.now(), before });
  }

  /** Forgets what no current claim has to do with, nor a declaration. */
  keepOnly(claims: readonly Claim[], declared: readonly IpAddress[]): void {
    const keys = new Set(claims.map(attemptKey));
    this.#backoffs.keep(keys);
    const addresses = new Set(claims.map((claim) => claim.address));
    this.#disputes.keep(addresses);
    for (const memory of [this.#free, this.#refusedAsHeld, this.#doubts, this.#acceptedAt]) {
      for (const address of memory.keys()) if (!addresses.has(address)) memory.delete(address);
    }
    const named = new Set([...addresses, ...declared]);
    for (const address of this.#holders.keys()) if (!named.has(address)) this.#holders.delete(address);
  }
}
