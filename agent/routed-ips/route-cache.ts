import type { RouteApi } from '../../lib/ec2/route-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { Cidr } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { routeKey } from '../../lib/model/routed-ips/route-plan.ts';
import {
  type Route,
  type RouteTable,
  type RouteTableId,
  routeOf,
  type VpcSubnet,
} from '../../lib/model/routed-ips/route-table.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { NO_CALL, type RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { isThrottling } from '../aws/rate-limiter.ts';

export interface RouteCacheOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: RouteApi;
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
  /** What the next read is about; nothing is read for no VPC. */
  readonly scope: () => { readonly vpcIds: readonly string[]; readonly ids: readonly RouteTableId[] };
  readonly trigger: () => void;
}

/** Least time between two reads, ms: claims that arrive together share one. */
const MIN_INTERVAL_MS = 200;
/** How long our own accepted write outweighs a read that shows what was there before it, ms: describes lag (facts §1.0). */
const SETTLING_MS = 10_000;
/** Pauses after a read that failed, and after one that IAM forbids: that a human must fix, ms. */
const FAILED = [500, 60_000] as const;
const FORBIDDEN = [30_000, 600_000] as const;

interface Answer {
  readonly tables: readonly RouteTable[];
  readonly subnets: readonly VpcSubnet[];
  /** The tables that were asked for by id. */
  readonly ids: readonly RouteTableId[];
}

interface PendingWrite {
  readonly table: RouteTableId;
  readonly destination: Cidr;
  /** Undefined: the route was removed. */
  readonly eni: EniId | undefined;
  readonly at: number;
  /** What was there before this write and those shortly before it: a read that shows one of these is late. */
  readonly before: readonly (EniId | undefined)[];
  /** A read that was asked for after it shows what was there before. */
  contradicted?: boolean;
}

/**
 * The route tables of the node's VPCs and their subnets as they were read, with our own accepted writes over them. A read is believed
 * against such a write unless it shows what was there before: something else is news.
 */
export class RouteCache {
  readonly #options: RouteCacheOptions;
  readonly #refresher: Refresher<Answer>;
  readonly #writes = new Map<string, PendingWrite>();
  #tables: readonly RouteTable[] | undefined;
  #subnets: readonly VpcSubnet[] = [];
  #readAt: number | undefined;
  #readIds: ReadonlySet<RouteTableId> = new Set();
  #lastError: Refusal | undefined;

  constructor(options: RouteCacheOptions, signal: AbortSignal) {
    const { clock, random, rateLimiter, trigger } = options;
    this.#options = options;
    this.#refresher = new Refresher<Answer>(
      {
        clock,
        random,
        permission: { rateLimiter, priority: () => 0 },
        pace: {
          minIntervalMs: MIN_INTERVAL_MS,
          pause: (error) => (isThrottling(error) ? undefined : isForbidden(error) ? FORBIDDEN : FAILED),
        },
        read: (reading) => this.#read(reading),
        on: {
          answer: (answer, askedAt) => this.#take(answer, askedAt),
          failure: (error) => this.#failed(error),
          end: trigger,
        },
      },
      signal,
    );
  }

  get tables(): readonly RouteTable[] | undefined {
    return this.#tables;
  }

  get subnets(): readonly VpcSubnet[] {
    return this.#subnets;
  }

  /** When the last read was asked for, ms since the epoch. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  /** The tables that the last read was asked for by id. */
  get readIds(): ReadonlySet<RouteTableId> {
    return this.#readIds;
  }

  /** When an answer to a call of ours said where a route leads, as long as that outweighs reads. */
  get wroteAt(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#writes, ([key, { at }]) => [key, at]));
  }

  /** See `RouteSnapshot.contradicted`. */
  get contradicted(): ReadonlySet<string> {
    return new Set(Array.from(this.#writes, ([key, { contradicted }]) => (contradicted ? [key] : [])).flat());
  }

  get lastError(): Refusal | undefined {
    return this.#lastError;
  }

  /** EC2 accepted our write, or its refusal proved what is so. `eni` undefined: there is no such route (any more). */
  wrote(table: RouteTableId, destination: Cidr, eni: EniId | undefined): void {
    const key = routeKey({ table, destination });
    const known = this.#tables?.find(({ id }) => id === table);
    const now = known && routeOf(known, destination)?.eni;
    const earlier = this.#writes.get(key)?.before ?? [];
    const write = { table, destination, eni, at: this.#options.clock.now(), before: [...earlier.slice(-8), now] };
    this.#writes.set(key, write);
    this.#tables = this.#tables?.map((each) => (each.id === table ? withRoute(each, destination, eni) : each));
  }

  /** Reads soon; one read at a time. */
  request(): void {
    this.#refresher.request();
  }

  async idle(): Promise<void> {
    await this.#refresher.idle();
  }

  #read(signal: AbortSignal): Promise<Answer> | typeof NO_CALL {
    const { ec2, scope } = this.#options;
    const { vpcIds, ids } = scope();
    if (vpcIds.length === 0) return NO_CALL;
    const reads = [
      ec2.describe({ vpcIds, ids: this.#unseen(ids) }, { signal }),
      ec2.subnets(vpcIds, { signal }),
    ] as const;
    return Promise.all(reads).then(([tables, subnets]) => ({ tables, subnets, ids }));
  }

  /** Those that the read of the VPC is not known to show. */
  #unseen(ids: readonly RouteTableId[]): readonly RouteTableId[] {
    const { vpcIds } = this.#options.scope();
    const shown = new Set(this.#tables?.filter(({ vpcId }) => vpcIds.includes(vpcId)).map(({ id }) => id));
    return ids.filter((id) => !shown.has(id));
  }

  #failed(error: unknown): void {
    const forbidden = isForbidden(error);
    const reason = forbidden ? 'Unauthorized' : isThrottling(error) ? 'Throttled' : 'Ec2Unavailable';
    const text = error instanceof Error ? error.message : String(error);
    const advice = forbidden
      ? "; allow ec2:DescribeRouteTables and ec2:DescribeSubnets in the agent's IAM role"
      : '; it is repeated';
    if (this.#lastError?.reason !== reason) this.#options.log.warn('cannot read the route tables', { error });
    this.#lastError = { reason, message: `cannot read the route tables: ${text}${advice}` };
  }

  #take({ tables: described, subnets, ids }: Answer, askedAt: number): void {
    const tables = new Map(described.map((table) => [table.id, table]));
    for (const [key, write] of this.#writes) {
      const { table: id, destination, eni, at, before } = write;
      const table = tables.get(id);
      const shown = table && routeOf(table, destination)?.eni;
      write.contradicted = shown !== undefined && shown !== eni && at < askedAt;
      if (table === undefined || askedAt - at > SETTLING_MS) this.#writes.delete(key);
      else if (shown !== eni && (at >= askedAt || before.includes(shown)))
        tables.set(id, withRoute(table, destination, eni));
      else if (shown !== eni) this.#writes.delete(key);
    }
    this.#tables = [...tables.values()];
    this.#subnets = subnets;
    this.#readIds = new Set(ids);
    this.#readAt = askedAt;
    this.#lastError = undefined;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Ec2Error && error.kind === 'unauthorized';
}

function withRoute(table: RouteTable, destination: Cidr, eni: EniId | undefined): RouteTable {
  const others = table.routes.filter((route) => route.destination !== destination);
  const route: Route[] = eni === undefined ? [] : [{ destination, eni, blackhole: false, target: eni }];
  return { ...table, routes: [...others, ...route] };
}
