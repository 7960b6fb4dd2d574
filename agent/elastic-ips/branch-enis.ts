import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { NetworkInterface } from '../../lib/model/network-interface.ts';
import { isBranchOf } from '../../lib/plan/elastic-ips/branch.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { NO_CALL, type RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';

export interface BranchEnisOptions {
  readonly clock: Clock;
  readonly rateLimit: RateLimit;
  readonly log: Logger;
  readonly interfaces: Pick<InterfaceApi, 'describe'>;
  /** There is something new to know. */
  readonly wake: () => void;
}

/** First and longest time until a look-up that found no branch of ours is repeated, ms: EC2's describes lag. */
const RECHECK_MS = [1_000, 600_000] as const;

interface Known {
  /** Null: EC2 does not know it (any more), or it is not a branch of ours. */
  readonly branch: NetworkInterface | null;
  readonly since: number;
  readonly at: number;
}

/** The branch ENIs of this node's trunk: they are attached to no instance, so the describe of the node's ENIs does not show them. */
export class BranchEnis {
  readonly #options: BranchEnisOptions;
  readonly #rateLimiter: RateLimiter;
  readonly #signal: AbortSignal;
  #known = new Map<EniId, Known>();
  #reading: Promise<void> | undefined;
  #retryAt: number | undefined;

  constructor(options: BranchEnisOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#rateLimiter = ec2Limiter(options.rateLimit);
  }

  /** Those that were asked about, by id; see `EipSurroundings.branches`. */
  get all(): ReadonlyMap<EniId, NetworkInterface | null> {
    return new Map(Array.from(this.#known, ([id, { branch }]) => [id, branch]));
  }

  /** When EC2 was last found to know no such branch of ours, ms since the epoch. */
  absentAt(id: EniId): number | undefined {
    const known = this.#known.get(id);
    return known?.branch === null ? known.at : undefined;
  }

  async idle(): Promise<void> {
    await this.#reading;
  }

  /** What is wanted now; the rest is forgotten. Asks EC2 in one call for all that it has not told yet. */
  want(ids: ReadonlySet<EniId>, ourEnis: ReadonlySet<EniId>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    const now = this.#options.clock.now();
    const due = [...ids].filter((id) => (this.#dueAt(id) ?? Infinity) <= now);
    if (due.length > 0 && ourEnis.size > 0 && !this.#signal.aborted)
      this.#reading ??= this.#read(due, ourEnis).finally(() => {
        this.#reading = undefined;
        this.#options.wake();
      });
    const later = [...ids].flatMap((id) => this.#dueAt(id) ?? []).filter((at) => at > now);
    if (later.length > 0) this.#wakeOnceAt(Math.min(...later));
  }

  /** Undefined: never again, a branch stays one for its life. */
  #dueAt(id: EniId): number | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return 0;
    const [shortest, longest] = RECHECK_MS;
    return known.branch === null ? known.at + Math.min(longest, Math.max(shortest, known.at - known.since)) : undefined;
  }

  #wakeOnceAt(at: number): void {
    const { clock, wake } = this.#options;
    if (this.#retryAt !== undefined && this.#retryAt <= at && this.#retryAt > clock.now()) return;
    this.#retryAt = at;
    clock.after(at - clock.now(), wake);
  }

  async #read(ids: readonly EniId[], ourEnis: ReadonlySet<EniId>): Promise<void> {
    const { clock, interfaces, log } = this.#options;
    try {
      const told = await this.#rateLimiter.call(
        () => 1,
        this.#signal,
        () => interfaces.describe({ ids }, { signal: this.#signal }),
      );
      if (told === NO_CALL) return;
      const branches = new Map(told.filter((facts) => isBranchOf(ourEnis, facts)).map((facts) => [facts.id, facts]));
      const at = clock.now();
      for (const id of ids) {
        const since = this.#known.get(id)?.since ?? at;
        this.#known.set(id, { branch: branches.get(id) ?? null, since, at });
      }
    } catch (error) {
      if (this.#signal.aborted) return;
      log.warn('cannot look up branch ENIs; it is repeated', { error, enis: ids });
      await clock.sleep(RECHECK_MS[0] * 5, this.#signal);
    }
  }
}
