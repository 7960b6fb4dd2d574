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
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { NO_CALL, type RateLimiter } from '../../lib/runtime/rate-limiter.ts';

export interface RouteCacheOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: RouteApi;
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
  /** What the next read is about; nothing is read for no VPC. */
  readonly scope: () => { readonly vpcIds: readonly string[]; readonly ids: readonly RouteTableId[] };
  readonly wake: () => void;
}

/** Least time between two reads, ms: claims that arrive together share one. */
const MIN_INTERVAL_MS = 200;
/** How long our own accepted write outweighs a read that shows what was there before it, ms: describes lag (facts §1.0). */
const SETTLING_MS = 10_000;
const FAILED = { baseMs: 500, maxMs: 60_000 } as const;
const FORBIDDEN = { baseMs: 30_000, maxMs: 600_000 } as const;

interface PendingWrite {
  readonly table: RouteTableId;
  readonly destination: Cidr;
  /** Undefined: the route was removed. */
  readonly eni: EniId | undefined;
  readonly at: number;
  /** What was there before this write and those shortly before it: a read that shows one of these is late. */
  readonly before: readonly (EniId | undefined)[];
}

/**
 * The route tables of the node's VPCs and their subnets as they were read, with our own accepted writes over them. A read is believed
 * against such a write unless it shows what was there before: something else is news.
 */
export class RouteCache {
  readonly #options: RouteCacheOptions;
  readonly #signal: AbortSignal;
  readonly #writes = new Map<string, PendingWrite>();
  #tables: readonly RouteTable[] | undefined;
  #subnets: readonly VpcSubnet[] = [];
  #readAt: number | undefined;
  #readIds: ReadonlySet<RouteTableId> = new Set();
  #reading: Promise<void> | undefined;
  #failures = 0;
  #trouble: Refusal | undefined;

  constructor(options: RouteCacheOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
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

  /** When an answer to a call of ours told where a route leads, as long as that outweighs reads. */
  get wroteAt(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#writes, ([key, { at }]) => [key, at]));
  }

  get trouble(): Refusal | undefined {
    return this.#trouble;
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
    if (!this.#signal.aborted)
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
        this.#options.wake();
      });
  }

  async idle(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { clock, rateLimiter, ec2, scope } = this.#options;
    const pause = this.#pause();
    if (pause > 0) await clock.sleep(pause, this.#signal);
    try {
      const answer = await rateLimiter.call(
        () => 0,
        this.#signal,
        async () => {
          const { vpcIds, ids } = scope();
          if (vpcIds.length === 0) return NO_CALL;
          const askedAt = clock.now();
          const [tables, subnets] = await Promise.all([
            ec2.describe({ vpcIds, ids: this.#unseen(ids) }, { signal: this.#signal }),
            ec2.subnets(vpcIds, { signal: this.#signal }),
          ]);
          return { tables, subnets, askedAt, ids };
        },
      );
      if (answer === NO_CALL) return;
      this.#take(answer.tables, answer.askedAt);
      this.#subnets = answer.subnets;
      this.#readIds = new Set(answer.ids);
      this.#failures = 0;
      this.#trouble = undefined;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Those that the read of the VPC is not known to show. */
  #unseen(ids: readonly RouteTableId[]): readonly RouteTableId[] {
    const { vpcIds } = this.#options.scope();
    const shown = new Set(this.#tables?.filter(({ vpcId }) => vpcIds.includes(vpcId)).map(({ id }) => id));
    return ids.filter((id) => !shown.has(id));
  }

  #failed(error: unknown): void {
    if (this.#signal.aborted) return;
    this.#failures += 1;
    const forbidden = error instanceof Ec2Error && error.kind === 'unauthorized';
    const throttled = error instanceof Ec2Error && error.kind === 'throttled';
    const reason = forbidden ? 'Unauthorized' : throttled ? 'Throttled' : 'Ec2Unavailable';
    const text = error instanceof Error ? error.message : String(error);
    const advice = forbidden
      ? "; allow ec2:DescribeRouteTables and ec2:DescribeSubnets in the agent's IAM role"
      : '; it is repeated';
    if (this.#trouble?.reason !== reason) this.#options.log.warn('cannot read the route tables', { error });
    this.#trouble = { reason, message: `cannot read the route tables: ${text}${advice}` };
  }

  #pause(): number {
    const { clock, random } = this.#options;
    if (this.#failures > 0)
      return backoffMs(this.#failures, { ...(this.#trouble?.reason === 'Unauthorized' ? FORBIDDEN : FAILED), random });
    return this.#readAt === undefined ? 0 : this.#readAt + MIN_INTERVAL_MS - clock.now();
  }

  #take(described: readonly RouteTable[], askedAt: number): void {
    const tables = new Map(described.map((table) => [table.id, table]));
    for (const [key, { table: id, destination, eni, at, before }] of this.#writes) {
      const table = tables.get(id);
      const shown = table && routeOf(table, destination)?.eni;
      if (table === undefined || askedAt - at > SETTLING_MS) this.#writes.delete(key);
      else if (shown !== eni && (at >= askedAt || before.includes(shown)))
        tables.set(id, withRoute(table, destination, eni));
      else if (shown !== eni) this.#writes.delete(key);
    }
    this.#tables = [...tables.values()];
    this.#readAt = askedAt;
  }
}

function withRoute(table: RouteTable, destination: Cidr, eni: EniId | undefined): RouteTable {
  const others = table.routes.filter((route) => route.destination !== destination);
  const route: Route[] = eni === undefined ? [] : [{ destination, eni, blackhole: false, target: eni }];
  return { ...table, routes: [...others, ...route] };
}
