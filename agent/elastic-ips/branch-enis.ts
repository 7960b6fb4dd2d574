import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { NetworkInterface } from '../../lib/model/network-interface.ts';
import { isBranchOf } from '../../lib/plan/elastic-ips/branch.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { ec2Limiter, isThrottling } from '../aws/rate-limiter.ts';

export interface BranchEnisOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly rateLimit: RateLimit;
  readonly log: Logger;
  readonly interfaces: Pick<InterfaceApi, 'describe'>;
  /** There is something new to know. */
  readonly trigger: () => void;
}

/** First and longest time until a look-up that found no branch of ours is repeated, ms: EC2's describes lag. */
const RECHECK_MS = [1_000, 600_000] as const;
/** First and longest pause after a failed look-up, ms. */
const FAILED = [5_000, 60_000] as const;

interface Answer {
  readonly asked: readonly EniId[];
  readonly found: readonly NetworkInterface[];
}

interface Known {
  /** Null: EC2 does not know it (any more), or it is not a branch of ours. */
  readonly branch: NetworkInterface | null;
  readonly since: number;
  readonly at: number;
}

/** The branch ENIs of this node's trunk: they are attached to no instance, so the describe of the node's ENIs does not show them. */
export class BranchEnis {
  readonly #options: BranchEnisOptions;
  readonly #refresher: Refresher<Answer>;
  #known = new Map<EniId, Known>();
  #wanted: ReadonlySet<EniId> = new Set();
  #ourEnis: ReadonlySet<EniId> = new Set();
  #retryAt: number | undefined;

  constructor(options: BranchEnisOptions, signal: AbortSignal) {
    const { clock, random, rateLimit, interfaces, log, trigger } = options;
    this.#options = options;
    this.#refresher = new Refresher<Answer>(
      {
        clock,
        random,
        permission: { rateLimiter: ec2Limiter(rateLimit), priority: () => 1 },
        pace: { minIntervalMs: 0, pause: (error) => (isThrottling(error) ? undefined : FAILED) },
        read: (reading) => {
          const asked = this.#due();
          if (asked.length === 0) return NO_CALL;
          return interfaces.describe({ ids: asked }, { signal: reading }).then((found) => ({ asked, found }));
        },
        on: {
          answer: (answer, askedAt) => this.#take(answer, askedAt),
          failure: (error) => log.warn('cannot look up branch ENIs; trying again', { error, enis: this.#due() }),
          end: trigger,
        },
      },
      signal,
    );
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
    await this.#refresher.idle();
  }

  /** What is wanted now; the rest is forgotten. Asks EC2 in one call for all that is not known yet. */
  want(ids: ReadonlySet<EniId>, ourEnis: ReadonlySet<EniId>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    this.#wanted = ids;
    this.#ourEnis = ourEnis;
    const now = this.#options.clock.now();
    if (this.#due().length > 0) this.#refresher.request();
    const later = [...ids].flatMap((id) => this.#dueAt(id) ?? []).filter((at) => at > now);
    if (later.length > 0) this.#triggerOnceAt(Math.min(...later));
  }

  /** Nothing while our own ENIs are unknown: whose branch it is could not be said. */
  #due(): readonly EniId[] {
    const now = this.#options.clock.now();
    return this.#ourEnis.size === 0 ? [] : [...this.#wanted].filter((id) => (this.#dueAt(id) ?? Infinity) <= now);
  }

  /** Undefined: never again, a branch stays one for its life. */
  #dueAt(id: EniId): number | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return 0;
    const [shortest, longest] = RECHECK_MS;
    return known.branch === null ? known.at + Math.min(longest, Math.max(shortest, known.at - known.since)) : undefined;
  }

  #triggerOnceAt(at: number): void {
    const { clock, trigger } = this.#options;
    if (this.#retryAt !== undefined && this.#retryAt <= at && this.#retryAt > clock.now()) return;
    this.#retryAt = at;
    clock.after(at - clock.now(), trigger);
  }

  #take({ asked, found }: Answer, at: number): void {
    const branches = new Map(
      found.filter((facts) => isBranchOf(this.#ourEnis, facts)).map((facts) => [facts.id, facts]),
    );
    for (const id of asked) {
      const since = this.#known.get(id)?.since ?? at;
      this.#known.set(id, { branch: branches.get(id) ?? null, since, at });
    }
  }
}
