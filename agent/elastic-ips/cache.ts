import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { AllocationId, ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { ObservedCache } from '../../lib/runtime/observed-cache.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { ec2Limiter, isThrottling } from '../aws/rate-limiter.ts';

export interface ElasticIpCacheOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: ElasticIpApi;
  readonly rateLimit: RateLimit;
  readonly trigger: () => void;
  readonly log: Logger;
}

/** Least time between two reads, ms: pods that arrive together share one. */
const MIN_INTERVAL_MS = 200;
/** Pauses after a read that failed, and after one that IAM forbids: that a human must fix, ms. */
const FAILED = [500, 60_000] as const;
const FORBIDDEN = [30_000, 600_000] as const;

interface OwnChange {
  readonly allocationId: AllocationId;
  /** Undefined: released. */
  readonly eip: ElasticIp | undefined;
  /** Pairings that our calls ended: a read that still shows one of them is late. Their ids never come back. */
  readonly ended: readonly string[];
}

/**
 * The Elastic IPs of the account and region: one unfiltered DescribeAddresses, changed by our own accepted calls since.
 *
 * Why unfiltered: one read answers what several filtered ones would (whose is it by tag, what is free in a pool, what sits on our
 * addresses), so a burst of pods costs one. The call has no pages; 1 000 EIPs are about half a MB of XML.
 */
export class ElasticIpCache {
  readonly #options: ElasticIpCacheOptions;
  readonly #refresher: Refresher<readonly ElasticIp[]>;
  readonly #observed = new ObservedCache<Map<AllocationId, ElasticIp>, AllocationId, OwnChange>({
    initial: new Map(),
    lay: layChange,
  });
  #list: readonly ElasticIp[] | undefined;
  #lastError: Refusal | undefined;

  constructor(options: ElasticIpCacheOptions, signal: AbortSignal) {
    const { clock, random, ec2, rateLimit, trigger } = options;
    this.#options = options;
    this.#refresher = new Refresher<readonly ElasticIp[]>(
      {
        clock,
        random,
        permission: { rateLimiter: ec2Limiter(rateLimit), priority: () => 1 },
        pace: {
          minIntervalMs: MIN_INTERVAL_MS,
          pause: (error) => (isThrottling(error) ? undefined : isForbidden(error) ? FORBIDDEN : FAILED),
        },
        read: (reading) => ec2.describe({}, { signal: reading }),
        on: {
          answer: (eips, askedAt) => this.#read(eips, askedAt),
          failure: (error) => this.#failed(error),
          end: trigger,
        },
      },
      signal,
    );
  }

  /** The same array until something changes. */
  get eips(): readonly ElasticIp[] {
    return (this.#list ??= [...this.#observed.value.values()]);
  }

  /** When the last read was asked for, ms since the epoch. */
  get readAt(): number | undefined {
    return this.#observed.readAt;
  }

  /** Why the last read failed, if it did. */
  get lastError(): Refusal | undefined {
    return this.#lastError;
  }

  /** Some Elastic IPs as a read of them alone shows them that was asked for at `askedAt`, ms since the epoch; changed by our calls since. */
  corrected(eips: readonly ElasticIp[], askedAt: number): readonly ElasticIp[] {
    return [...this.#observed.corrected(byId(eips), askedAt).values()];
  }

  /** An accepted call of ours changed this EIP; undefined: it was released. `was`: how it was before. */
  changed(
    allocationId: AllocationId,
    eip: ElasticIp | undefined,
    was: ElasticIp | undefined = this.#observed.value.get(allocationId),
  ): void {
    const before = was?.association?.associationId;
    const ended = this.#observed.pending(allocationId)?.ended ?? [];
    const over = before !== undefined && before !== eip?.association?.associationId ? [before] : [];
    const change = { allocationId, eip, ended: [...ended.slice(-9), ...over] };
    this.#observed.wrote(allocationId, change, this.#options.clock.now());
    this.#list = undefined;
  }

  /** Addresses were taken off an ENI by a call of ours: EC2 has ended the pairings on them. */
  left(eni: EniId, addresses: readonly IpAddress[]): void {
    for (const eip of Array.from(this.#observed.value.values())) {
      const { association } = eip;
      if (association?.eni === eni && association.privateIp !== undefined && addresses.includes(association.privateIp))
        this.changed(eip.allocationId, { ...eip, association: undefined }, eip);
    }
  }

  /** Reads soon; one read at a time. */
  request(): void {
    this.#refresher.request();
  }

  async idle(): Promise<void> {
    await this.#refresher.idle();
  }

  #read(eips: readonly ElasticIp[], askedAt: number): void {
    this.#observed.read(byId(eips), askedAt);
    this.#list = undefined;
    if (this.#lastError) this.#options.log.info('the Elastic IPs can be read again');
    this.#lastError = undefined;
  }

  #failed(error: unknown): void {
    const { log } = this.#options;
    if (isThrottling(error)) return;
    const forbidden = isForbidden(error);
    const reason = forbidden ? 'Unauthorized' : 'Ec2Unavailable';
    const known = this.#lastError?.reason === reason;
    const advice = forbidden ? "; allow ec2:DescribeAddresses in the agent's IAM role" : '; it is repeated';
    this.#lastError = {
      reason,
      message: `cannot read the Elastic IPs: ${error instanceof Error ? error.message : String(error)}${advice}`,
    };
    if (known) return;
    // Whoever uses no Elastic IPs need not allow it.
    if (forbidden) log.info('not allowed to read the Elastic IPs; pods that ask for one are refused', { error });
    else log.warn('cannot read the Elastic IPs', { error });
  }
}

function byId(eips: readonly ElasticIp[]): Map<AllocationId, ElasticIp> {
  return new Map(eips.map((eip) => [eip.allocationId, eip]));
}

/** EC2's describes lag behind its answers: for a while our own change is believed against a read that was asked before or shows less. */
function layChange(
  eips: Map<AllocationId, ElasticIp>,
  { allocationId, eip, ended }: OwnChange,
  { at, askedAt }: { readonly at: number; readonly askedAt: number | undefined },
): Map<AllocationId, ElasticIp> {
  const read = eips.get(allocationId);
  if (eip === undefined) eips.delete(allocationId);
  else if (read === undefined || askedAt === undefined || at >= askedAt) eips.set(allocationId, eip);
  else eips.set(allocationId, mergeLagging(read, eip, ended));
  return eips;
}

function isForbidden(error: unknown): boolean {
  return error instanceof Ec2Error && error.kind === 'unauthorized';
}

/** A read right after our call may still lack the tags or the pairing that the call made, or show the pairing that it ended. */
function mergeLagging(read: ElasticIp, ours: ElasticIp, ended: readonly string[]): ElasticIp {
  const late = read.association === undefined || ended.includes(read.association.associationId);
  return { ...read, tags: { ...ours.tags, ...read.tags }, association: late ? ours.association : read.association };
}
