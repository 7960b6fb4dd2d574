import type { FloatingLeases, LeaseOwner } from '../../lib/kube/floating-leases.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { claimSpec, type Lease, type LeaseSpec, releaseSpec, sameSpec } from '../../lib/kube/lease-record.ts';
import type { FloatingTiming, LeaseView } from '../../lib/model/floating-ips/plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface LeaseClientOptions {
  readonly clock: Clock;
  /** Wall-clock ms, for what people read in the record. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly leases: FloatingLeases;
  /** The object as it is now: one that was made again has another uid. */
  readonly owner: () => LeaseOwner;
  readonly nodeName: string;
  readonly timing: FloatingTiming;
}

const RETRY_MS = 250;
const LONGEST_RETRY_MS = 1_000;

/**
 * One Lease as this node sees it, and its writes. The holder's identity is the node, not the process: an agent that starts again goes on
 * with the hold of the one before it. Nothing is decided here; every write is a compare-and-set on the record that the plan knew.
 */
export class LeaseClient {
  readonly #options: LeaseClientOptions;
  /** The record as last seen; `lease` undefined: there is none. */
  #seen: { readonly lease: Lease | undefined; readonly at: number } | undefined;
  /** The last call failed, so that it is not known what became of it: read before writing again. */
  #stale = false;
  #renewedAt: number | undefined;
  /** The server did not answer: what it knows by now we do not, and neither may the holder have been able to renew. */
  #blind = false;
  #failures = 0;
  #retryAt = 0;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
  }

  get renewedAt(): number | undefined {
    return this.#renewedAt;
  }

  get retryAt(): number {
    return this.#retryAt;
  }

  get view(): LeaseView | undefined {
    if (this.#seen === undefined) return undefined;
    const { lease, at } = this.#seen;
    const { holderIdentity = '', leaseDurationSeconds = 0, leaseTransitions = 0, acquireTime = '' } = lease?.spec ?? {};
    const since = acquireTime.replace(/\.\d+Z$/, 'Z');
    return {
      uid: lease?.metadata.uid,
      owner: lease?.metadata.ownerReferences?.[0]?.uid,
      holder: holderIdentity,
      durationMs: leaseDurationSeconds * 1000,
      acquisition: leaseTransitions,
      changedAt: at,
      since,
    };
  }

  /** The watch shows the record: the server answers. Undefined: the Lease was deleted. */
  onLease(lease: Lease | undefined): void {
    this.#blind = false;
    this.observe(lease);
  }

  /** Takes in what a watch or an answer shows, unless something newer is known. Undefined: the Lease was deleted. */
  observe(lease: Lease | undefined): void {
    const known = this.#seen?.lease;
    if (known !== undefined && lease !== undefined && isOlder(lease, known)) return;
    const unchanged = this.#seen !== undefined && sameSpec(known?.spec, lease?.spec);
    this.#seen = { lease, at: unchanged && this.#seen ? this.#seen.at : this.#options.clock.now() };
    if (lease?.spec?.holderIdentity !== this.#options.nodeName) this.#renewedAt = undefined;
  }

  /** The API server answers again. Somebody else's hold is judged again, because an outage looks like a dead holder to everybody. */
  regained(): void {
    if (this.#seen !== undefined && this.#seen.lease?.spec?.holderIdentity !== '')
      this.#seen = { ...this.#seen, at: this.#options.clock.now() };
  }

  async read(signal: AbortSignal): Promise<void> {
    await this.#attempt(async () => this.observe(await this.#get(signal)));
  }

  /** Takes the Lease if it still is as it was when the plan found it free. */
  async acquire(signal: AbortSignal): Promise<void> {
    await this.#attempt(async () => {
      const before = this.#seen?.lease;
      const wasBlind = this.#blind;
      const fresh = await this.#get(signal);
      this.observe(fresh);
      // The holder was cut off as we were, so it gets the whole time again, from now.
      if (wasBlind) return this.regained();
      // A renewal or another holder that the watch has not shown yet: the plan has to look again.
      if (!sameSpec(before?.spec, fresh?.spec)) return;
      await this.#claim(fresh, this.#options.timing.leaseMs, signal);
    });
  }

  /** Renews a hold, also one of an earlier life of this agent. Success proves that nobody else has had it in between. */
  async renew(signal: AbortSignal, durationMs = this.#options.timing.leaseMs): Promise<void> {
    await this.#attempt(async () => {
      if (this.#stale) this.observe(await this.#get(signal));
      const known = this.#seen?.lease;
      if (known?.spec?.holderIdentity !== this.#options.nodeName) return;
      await this.#claim(known, durationMs, signal);
    });
  }

  /** Others wait for us that much longer. */
  async park(signal: AbortSignal): Promise<void> {
    await this.renew(signal, this.#options.timing.parkMs);
  }

  async release(signal: AbortSignal): Promise<void> {
    await this.#attempt(async () => {
      if (this.#stale) this.observe(await this.#get(signal));
      const known = this.#seen?.lease;
      if (known?.spec?.holderIdentity !== this.#options.nodeName) return;
      await this.#write(known, releaseSpec(known.spec, this.#options.wall()), signal);
    });
  }

  async #claim(known: Lease | undefined, durationMs: number, signal: AbortSignal): Promise<void> {
    const { clock, wall, nodeName } = this.#options;
    // The hold counts from before the call, the earliest moment at which others may have seen it.
    const sentAt = clock.now();
    await this.#write(known, claimSpec(known?.spec, nodeName, durationMs, wall()), signal);
    this.#renewedAt = sentAt;
  }

  async #write(known: Lease | undefined, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    const { leases, owner } = this.#options;
    this.observe(await leases.write(owner(), known, spec, signal));
  }

  async #get(signal: AbortSignal): Promise<Lease | undefined> {
    return this.#options.leases.read(this.#options.owner().name, signal);
  }

  /** @throws what the call throws, after noting when to try again. */
  async #attempt(call: () => Promise<void>): Promise<void> {
    const { clock, random } = this.#options;
    try {
      await call();
      this.#stale = false;
      this.#blind = false;
      this.#failures = 0;
      this.#retryAt = 0;
    } catch (error) {
      this.#stale = true;
      // A lost race is not a failure: the next call reads first, and the plan then sees who won.
      const raced = isKubeError(error) && error.status === 409;
      this.#blind ||= !raced;
      this.#failures = raced ? 0 : this.#failures + 1;
      const pause = raced ? 0 : Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (this.#failures - 1));
      this.#retryAt = clock.now() + pause * (0.75 + 0.5 * random());
      throw error;
    }
  }
}

/** Versions are compared as numbers: the watch may show an older state after the answer to our own write. */
function isOlder(lease: Lease, known: Lease): boolean {
  const [left, right] = [lease.metadata.resourceVersion, known.metadata.resourceVersion].map((text) =>
    /^\d+$/.test(text ?? '') ? BigInt(text as string) : undefined,
  );
  return left !== undefined && right !== undefined && left < right;
}
