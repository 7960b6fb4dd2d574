import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import { claimSpec, type Lease, type LeaseSpec, releaseSpec, sameSpec } from './lease-record.ts';

export interface LeaseElectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly lock: LeaseLock;
  readonly times?: LeaseTimes;
  readonly callbacks: LeaderCallbacks;
}

export interface LeaderCallbacks {
  /** Called when leading begins; the signal aborts when it ends. Must return at once. */
  readonly onStartedLeading: (signal: AbortSignal) => void;
  /** Called after that signal has aborted, before the lease is given up. Awaited, so that work can end before a successor starts. */
  readonly onStoppedLeading?: () => void | Promise<void>;
  readonly onError?: (error: unknown) => void;
}

/** Which Lease, and who asks for it. */
export interface LeaseLock {
  readonly namespace: string;
  readonly name: string;
  /** Unique for each process: two with one identity would both lead. */
  readonly identity: string;
}

export interface LeaseTimes {
  /** How long others wait after the record last changed before they take over, ms. @default 15 000 */
  readonly leaseDurationMs?: number;
  /** How long a leader goes on without a successful renewal, ms. @default 10 000 */
  readonly renewDeadlineMs?: number;
  /** Pause between attempts, ms. @default 2 000 */
  readonly retryPeriodMs?: number;
}

/**
 * Elects one leader by a Lease, with the rules of client-go's leaderelection.
 *
 * Guarantees: a candidate judges expiry by its own clock since it last saw the record change, so clocks need not agree; a leader
 * that could not renew in time stops first (`renewDeadline` < `leaseDuration`), also when it was paused: `isLeader` looks at the clock.
 * Caveats: there is no fencing; a call sent just before the deadline may arrive after a successor has started.
 */
export interface LeaseElector {
  /** Competes until the signal aborts, then gives the lease up if held. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  isLeader(): boolean;
  /** Identity in the record as last seen; empty when nobody holds it. */
  holder(): string;
}

type Attempt = 'leading' | 'held-by-other';

const JITTER = 1.2;
const RELEASE_TIMEOUT_MS = 2_000;

/** @throws {RangeError} unless leaseDuration > renewDeadline > retryPeriod × 1.2 */
export function createLeaseElector(options: LeaseElectorOptions): LeaseElector {
  return new LeaseCandidate(options);
}

class LeaseCandidate implements LeaseElector {
  readonly #options: LeaseElectorOptions;
  readonly #collection: string;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  /** The record as last read or written, and when it was first seen so by our clock. */
  #observed: { lease: Lease; at: number } | undefined;
  /** When the last successful renewal was sent; undefined while not leading. */
  #renewedAt: number | undefined;

  constructor(options: LeaseElectorOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options.times ?? {};
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * JITTER))
      throw new RangeError('a lease needs leaseDuration > renewDeadline > retryPeriod × 1.2');
    this.#options = options;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${options.lock.namespace}/leases`;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
  }

  holder(): string {
    return this.#observed?.lease.spec?.holderIdentity ?? '';
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#acquire(signal)) await this.#lead(signal);
    }
  }

  /** Looks again when the record would expire, if that is sooner; once it has expired, failed attempts keep their distance. */
  #candidatePause(): number {
    const expiresInMs = this.#untilExpiry();
    const retryMs = this.#retryPeriodMs * (1 + JITTER * this.#options.random());
    return expiresInMs > 0 ? Math.min(retryMs, expiresInMs) : retryMs;
  }

  /** True once leading; false when the signal aborted. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if ((await this.#attempt(signal, this.#renewDeadlineMs)) === 'leading') return true;
      await this.#options.clock.sleep(this.#candidatePause(), signal);
    }
    // The attempt that the signal cut off may have made us the holder.
    if (this.#observed?.lease.metadata.resourceVersion === undefined) await this.#release();
    return false;
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const leading = new AbortController();
    this.#guarded(() => this.#options.callbacks.onStartedLeading(leading.signal));
    while (!signal.aborted && this.isLeader()) {
      await this.#options.clock.sleep(Math.min(this.#retryPeriodMs, this.#leftMs()), signal);
      // Overslept (a paused process, a sleeping machine): somebody else may lead already. Stop first, compete later.
      if (signal.aborted || !this.isLeader()) break;
      if ((await this.#attempt(signal, this.#leftMs())) === 'held-by-other') break;
    }
    const stillHeld = this.isLeader();
    this.#renewedAt = undefined;
    leading.abort();
    await Promise.resolve(this.#guarded(() => this.#options.callbacks.onStoppedLeading?.())).catch((error: unknown) =>
      this.#options.callbacks.onError?.(error),
    );
    if (stillHeld) await this.#release();
  }

  /** One try to acquire or renew. Undefined when it came to nothing (and was reported). */
  async #attempt(signal: AbortSignal, timeoutMs: number): Promise<Attempt | undefined> {
    const sentAt = this.#options.clock.now();
    const deadline = sentAt + timeoutMs;
    try {
      const result = await this.#tryAcquireOrRenew(signal, deadline);
      // The hold is counted from before the call, the earliest moment at which others may have seen it.
      this.#renewedAt = result === 'leading' ? sentAt : undefined;
      return result;
    } catch (error) {
      // Whatever was remembered may be outdated; the next attempt reads first.
      if (this.#observed) this.#observed = { ...this.#observed, lease: withoutVersion(this.#observed.lease) };
      if (!signal.aborted && !isLostRace(error)) this.#options.callbacks.onError?.(error);
      return undefined;
    }
  }

  async #tryAcquireOrRenew(signal: AbortSignal, deadline: number): Promise<Attempt> {
    const known = this.#observed?.lease;
    const canRenewUnread = this.#renewedAt !== undefined && known?.metadata.resourceVersion !== undefined;
    const lease = canRenewUnread ? known : await this.#read(signal, deadline);
    if (this.#isHeldByOther(lease?.spec)) return 'held-by-other';
    await this.#write(
      lease,
      claimSpec(lease?.spec, this.#options.lock.identity, this.#leaseDurationMs, this.#options.clock.now()),
      signal,
      deadline,
    );
    return 'leading';
  }

  async #read(signal: AbortSignal, deadline: number): Promise<Lease | undefined> {
    try {
      const lease = await this.#options.client.request<Lease>({
        method: 'GET',
        path: `${this.#collection}/${this.#options.lock.name}`,
        signal,
        timeoutMs: this.#until(deadline),
      });
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (isKubeError(error) && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The resource version makes it a compare-and-set: of two candidates one gets a conflict. */
  async #write(lease: Lease | undefined, spec: LeaseSpec, signal: AbortSignal, deadline: number): Promise<void> {
    const metadata = lease?.metadata ?? { namespace: this.#options.lock.namespace, name: this.#options.lock.name };
    const body: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const target = lease
      ? ({ method: 'PUT', path: `${this.#collection}/${this.#options.lock.name}` } as const)
      : ({ method: 'POST', path: this.#collection } as const);
    this.#observe(
      await this.#options.client.request<Lease>({ ...target, body, signal, timeoutMs: this.#until(deadline) }),
    );
  }

  #observe(lease: Lease): void {
    const unchanged = this.#observed !== undefined && sameSpec(this.#observed.lease.spec, lease.spec);
    this.#observed = { lease, at: unchanged && this.#observed ? this.#observed.at : this.#options.clock.now() };
  }

  #isHeldByOther(spec: LeaseSpec | undefined): boolean {
    return !!spec?.holderIdentity && spec.holderIdentity !== this.#options.lock.identity && this.#untilExpiry() > 0;
  }

  /** Time until a candidate may take over, ms. A clock that was set back starts the wait again, which is safe. */
  #untilExpiry(): number {
    const spec = this.#observed?.lease.spec;
    if (this.#observed === undefined || !spec?.holderIdentity || spec.holderIdentity === this.#options.lock.identity)
      return Number.POSITIVE_INFINITY;
    if (this.#options.clock.now() < this.#observed.at)
      this.#observed = { ...this.#observed, at: this.#options.clock.now() };
    return Math.max(0, this.#observed.at + (spec.leaseDurationSeconds ?? 0) * 1000 - this.#options.clock.now());
  }

  async #release(): Promise<void> {
    const deadline = this.#options.clock.now() + RELEASE_TIMEOUT_MS;
    const { signal } = new AbortController();
    try {
      const known = this.#observed?.lease;
      const lease = known?.metadata.resourceVersion === undefined ? await this.#read(signal, deadline) : known;
      if (lease?.spec?.holderIdentity !== this.#options.lock.identity) return;
      await this.#write(lease, releaseSpec(lease.spec, this.#options.clock.now()), signal, deadline);
    } catch (error) {
      if (!isLostRace(error)) this.#options.callbacks.onError?.(error);
    }
  }

  /** Time left to renew, ms. A clock that was set back past the last renewal says nothing, so the hold counts as lost. */
  #leftMs(): number {
    if (this.#renewedAt === undefined || this.#options.clock.now() < this.#renewedAt) return 0;
    return Math.max(0, this.#renewedAt + this.#renewDeadlineMs - this.#options.clock.now());
  }

  isLeader(): boolean {
    return this.#leftMs() > 0;
  }

  #until(deadline: number): number {
    return Math.max(1, deadline - this.#options.clock.now());
  }

  #guarded<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      this.#options.callbacks.onError?.(error);
      return undefined;
    }
  }
}

function isLostRace(error: unknown): boolean {
  return isKubeError(error) && error.status === 409;
}

function withoutVersion(lease: Lease): Lease {
  const { namespace = '', name } = lease.metadata;
  return { ...lease, metadata: { namespace, name } };
}
