import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import { claimSpec, type Lease, type LeaseSpec, releaseSpec, sameSpec } from './lease-record.ts';

export interface LeaseElectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly namespace: string;
  readonly name: string;
  /** Unique for each process: two with one identity would both lead. */
  readonly identity: string;
  /** How long others wait after the record last changed before they take over, ms. @default 15 000 */
  readonly leaseDurationMs?: number;
  /** How long a leader goes on without a successful renewal, ms. @default 10 000 */
  readonly renewDeadlineMs?: number;
  /** Pause between attempts, ms. @default 2 000 */
  readonly retryPeriodMs?: number;
  /** Called when leading begins; the signal aborts when it ends. Must return at once. */
  readonly onStartedLeading: (signal: AbortSignal) => void;
  /** Called after that signal has aborted, before the lease is given up. Awaited, so that work can end before a successor starts. */
  readonly onStoppedLeading?: () => void | Promise<void>;
  readonly onError?: (error: unknown) => void;
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
  const { client, clock, random, namespace, name, identity } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * JITTER)) {
    throw new RangeError('a lease needs leaseDuration > renewDeadline > retryPeriod × 1.2');
  }
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  /** The record as last read or written, and when it was first seen so by our clock. */
  let observed: { lease: Lease; at: number } | undefined;
  /** When the last successful renewal was sent; undefined while not leading. */
  let renewedAt: number | undefined;

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await acquire(signal)) await lead(signal);
    }
  }

  /** Looks again when the record would expire, if that is sooner; once it has expired, failed attempts keep their distance. */
  function candidatePause(): number {
    const expiresInMs = untilExpiry();
    const retryMs = retryPeriodMs * (1 + JITTER * random());
    return expiresInMs > 0 ? Math.min(retryMs, expiresInMs) : retryMs;
  }

  /** True once leading; false when the signal aborted. */
  async function acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if ((await attempt(signal, renewDeadlineMs)) === 'leading') return true;
      await clock.sleep(candidatePause(), signal);
    }
    // The attempt that the signal cut off may have made us the holder.
    if (observed?.lease.metadata.resourceVersion === undefined) await release();
    return false;
  }

  async function lead(signal: AbortSignal): Promise<void> {
    const leading = new AbortController();
    guarded(() => options.onStartedLeading(leading.signal));
    while (!signal.aborted && isLeader()) {
      await clock.sleep(Math.min(retryPeriodMs, leftMs()), signal);
      // Overslept (a paused process, a sleeping machine): somebody else may lead already. Stop first, compete later.
      if (signal.aborted || !isLeader()) break;
      if ((await attempt(signal, leftMs())) === 'held-by-other') break;
    }
    const stillHeld = isLeader();
    renewedAt = undefined;
    leading.abort();
    await Promise.resolve(guarded(() => options.onStoppedLeading?.())).catch((error: unknown) =>
      options.onError?.(error),
    );
    if (stillHeld) await release();
  }

  /** One try to acquire or renew. Undefined when it came to nothing (and was reported). */
  async function attempt(signal: AbortSignal, timeoutMs: number): Promise<Attempt | undefined> {
    const sentAt = clock.now();
    const deadline = sentAt + timeoutMs;
    try {
      const result = await tryAcquireOrRenew(signal, deadline);
      // The hold is counted from before the call, the earliest moment at which others may have seen it.
      renewedAt = result === 'leading' ? sentAt : undefined;
      return result;
    } catch (error) {
      // Whatever was remembered may be outdated; the next attempt reads first.
      if (observed) observed = { ...observed, lease: withoutVersion(observed.lease) };
      if (!signal.aborted && !isLostRace(error)) options.onError?.(error);
      return undefined;
    }
  }

  async function tryAcquireOrRenew(signal: AbortSignal, deadline: number): Promise<Attempt> {
    const known = observed?.lease;
    const canRenewUnread = renewedAt !== undefined && known?.metadata.resourceVersion !== undefined;
    const lease = canRenewUnread ? known : await read(signal, deadline);
    if (isHeldByOther(lease?.spec)) return 'held-by-other';
    await write(lease, claimSpec(lease?.spec, identity, leaseDurationMs, clock.now()), signal, deadline);
    return 'leading';
  }

  async function read(signal: AbortSignal, deadline: number): Promise<Lease | undefined> {
    try {
      const lease = await client.request<Lease>({
        method: 'GET',
        path: `${collection}/${name}`,
        signal,
        timeoutMs: until(deadline),
      });
      observe(lease);
      return lease;
    } catch (error) {
      if (isKubeError(error) && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The resource version makes it a compare-and-set: of two candidates one gets a conflict. */
  async function write(
    lease: Lease | undefined,
    spec: LeaseSpec,
    signal: AbortSignal,
    deadline: number,
  ): Promise<void> {
    const metadata = lease?.metadata ?? { namespace, name };
    const body: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const target = lease
      ? ({ method: 'PUT', path: `${collection}/${name}` } as const)
      : ({ method: 'POST', path: collection } as const);
    observe(await client.request<Lease>({ ...target, body, signal, timeoutMs: until(deadline) }));
  }

  function observe(lease: Lease): void {
    const unchanged = observed !== undefined && sameSpec(observed.lease.spec, lease.spec);
    observed = { lease, at: unchanged && observed ? observed.at : clock.now() };
  }

  function isHeldByOther(spec: LeaseSpec | undefined): boolean {
    return !!spec?.holderIdentity && spec.holderIdentity !== identity && untilExpiry() > 0;
  }

  /** Time until a candidate may take over, ms. A clock that was set back starts the wait again, which is safe. */
  function untilExpiry(): number {
    const spec = observed?.lease.spec;
    if (observed === undefined || !spec?.holderIdentity || spec.holderIdentity === identity)
      return Number.POSITIVE_INFINITY;
    if (clock.now() < observed.at) observed = { ...observed, at: clock.now() };
    return Math.max(0, observed.at + (spec.leaseDurationSeconds ?? 0) * 1000 - clock.now());
  }

  async function release(): Promise<void> {
    const deadline = clock.now() + RELEASE_TIMEOUT_MS;
    const { signal } = new AbortController();
    try {
      const known = observed?.lease;
      const lease = known?.metadata.resourceVersion === undefined ? await read(signal, deadline) : known;
      if (lease?.spec?.holderIdentity !== identity) return;
      await write(lease, releaseSpec(lease.spec, clock.now()), signal, deadline);
    } catch (error) {
      if (!isLostRace(error)) options.onError?.(error);
    }
  }

  /** Time left to renew, ms. A clock that was set back past the last renewal says nothing, so the hold counts as lost. */
  function leftMs(): number {
    if (renewedAt === undefined || clock.now() < renewedAt) return 0;
    return Math.max(0, renewedAt + renewDeadlineMs - clock.now());
  }

  function isLeader(): boolean {
    return leftMs() > 0;
  }

  function until(deadline: number): number {
    return Math.max(1, deadline - clock.now());
  }

  function guarded<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      options.onError?.(error);
      return undefined;
    }
  }

  return { run, isLeader, holder: () => observed?.lease.spec?.holderIdentity ?? '' };
}

function isLostRace(error: unknown): boolean {
  return isKubeError(error) && error.status === 409;
}

function withoutVersion(lease: Lease): Lease {
  const { namespace = '', name } = lease.metadata;
  return { ...lease, metadata: { namespace, name } };
}
