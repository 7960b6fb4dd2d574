import type { RouteApi } from '../../lib/ec2/route-api.ts';
import type { Claim } from '../../lib/model/addresses/claim.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { TableSelector } from '../../lib/model/routed-ips/declaration.ts';
import {
  type RoutedClaim,
  type RoutedStatus,
  type RoutePlan,
  type RoutePolicy,
  type RouteRecord,
  type RouteSnapshot,
  type RouteStep,
  routeKey,
} from '../../lib/model/routed-ips/route-plan.ts';
import { type Appearances, type DatingInput, dateClaims } from '../../lib/plan/addresses/appearance.ts';
import type { ClaimDraft } from '../../lib/plan/addresses/claims.ts';
import type { RoutedHolds } from '../../lib/plan/floating-ips/routed-claims.ts';
import { planRoutes } from '../../lib/plan/routed-ips/plan-routes.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Reconciler } from '../../lib/runtime/reconciler.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { LoopProcess } from '../process.ts';
import { executeRouteStep } from './executor.ts';
import type { RouteReporter } from './reporter.ts';
import { RouteCache } from './route-cache.ts';
import { attemptOf, RouteMemory } from './route-memory.ts';

/** What the loop sees of the rest of the agent. */
export interface RoutedSurroundings {
  readonly drafts: readonly ClaimDraft[];
  /** Those that this node holds by a Lease. */
  readonly held: Pick<RoutedHolds, 'drafts' | 'complete'>;
  /** See `NodeSnapshot.claimsComplete`. */
  readonly complete: boolean;
  /** Every source has been seen, although single namespaces may still hide something. */
  readonly loaded: boolean;
  /** Selectors of all declarations on this node, whether an address is there or not. */
  readonly declared: readonly TableSelector[];
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on, ms since the epoch. */
  readonly describedAt: number | undefined;
}

/** The process that the loop runs in. */
export interface RouteProcess extends LoopProcess {
  /** Plan and report only. */
  readonly dryRun: boolean;
}

export interface RouteEc2 {
  readonly routes: RouteApi;
  readonly rateLimit: RateLimit;
  /** Longest time between two reads of the route tables while an address is routed or may be, ms. */
  readonly resyncMs: number;
  /** The facts about our ENIs may be wrong. */
  readonly invalidateEnis: (cause: string) => void;
}

/** Where it goes what became of the addresses. */
interface RouteReports {
  readonly reporter: RouteReporter;
  readonly report: (statuses: readonly RoutedStatus[], plan: RoutePlan) => void;
}

export interface RoutedIpsOptions {
  readonly process: RouteProcess;
  readonly ec2: RouteEc2;
  readonly policy: RoutePolicy;
  readonly records: Journal<RouteRecord>;
  /** Nothing has been here before this process: whatever it finds has just appeared. @default false */
  readonly firstStart?: boolean;
  readonly observe: () => RoutedSurroundings;
  readonly reports: RouteReports;
}

/** The loop for addresses that route tables lead here: observe, plan from the whole snapshot, one call per route at a time, report. */
export class RoutedIps {
  readonly #options: RoutedIpsOptions;
  readonly #cache: RouteCache;
  readonly #memory: RouteMemory;
  readonly #reconciler: Reconciler<RouteStep>;
  #appearances: Appearances = new Map();
  #holds: Appearances = new Map();
  #settled: boolean;
  #scope: { readonly vpcIds: readonly string[]; readonly ids: readonly string[] } = { vpcIds: [], ids: [] };

  constructor(options: RoutedIpsOptions, signal: AbortSignal) {
    const { process, ec2, records, reports } = options;
    const { reporter } = reports;
    const { clock, random, log, health, callSignal } = process;
    const rateLimiter = ec2Limiter(ec2.rateLimit);
    this.#options = options;
    this.#settled = options.firstStart === true;
    this.#memory = new RouteMemory({ clock, random });
    this.#memory.restarted(records.values().map((record) => [routeKey(record), record]));
    const trigger = () => this.trigger();
    this.#cache = new RouteCache(
      { clock, random, ec2: ec2.routes, rateLimiter, log, scope: () => this.#scope, trigger },
      signal,
    );
    const parts = { clock, callSignal, ec2, records, reporter, cache: this.#cache, memory: this.#memory };
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter,
        plan: () => this.#plan(),
        steps: {
          keyOf: ({ key }) => key,
          priorityOf: ({ kind }) => ({ move: 0, uncheck: 1, release: 2 })[kind],
          mayAct: () => !process.dryRun,
          act: (step) => executeRouteStep(step, parts),
          // Whatever EC2 said is recorded by then; anything else is a fault of ours.
          failed: (step, error) => log.debug('a step for a route failed', { key: step.key, error }),
        },
        onFault: (error) => log.error('reconciling routed IPs failed; trying again', { error }),
        ...(health && { healthOf: { loop: 'routed IPs', health } }),
      },
      signal,
    );
  }

  trigger(): void {
    this.#reconciler.trigger();
  }

  /** Resolves when nothing is in flight any more; for a clean stop. */
  async idle(): Promise<void> {
    await Promise.all([this.#reconciler.idle(), this.#cache.idle()]);
  }

  #plan(): { steps: readonly RouteStep[]; retryAt: number | undefined } {
    const { process, ec2, observe, reports } = this.#options;
    const snapshot = this.#snapshot(observe());
    const planned = planRoutes(snapshot);
    if (!process.dryRun) this.#remember(planned);
    this.#memory.noteIdle(planned.idle);
    this.#memory.keep(
      new Set(planned.steps.map(attemptOf).concat([...snapshot.backoffs.keys()].filter(stillClaimed(snapshot.claims)))),
      new Set([...planned.steps.map(({ key }) => key), ...snapshot.records.keys()]),
    );
    this.#scope = {
      vpcIds: [...new Set(snapshot.enis.map(({ vpcId }) => vpcId))].filter((id) => id !== ''),
      ids: planned.ids,
    };
    const readDue = this.#readDue(snapshot, planned);
    if (planned.describe) ec2.invalidateEnis('ENIs older than a routed address');
    reports.reporter.statuses(planned.statuses);
    reports.report(planned.statuses, planned);
    return { steps: planned.steps, retryAt: earliest(planned.retryAt, this.#memory.nextLook, readDue) };
  }

  #remember({ put, forget }: RoutePlan): void {
    const { records, reports } = this.#options;
    for (const record of put) {
      const before = records.get(routeKey(record))?.state;
      if (record.state === 'lost' && (before === 'held' || before === 'found')) reports.reporter.lost(record);
    }
    records.put(put.map((record) => [routeKey(record), record] as const));
    records.delete(forget);
  }

  /** A hold is never found in place when the agent starts: the Lease says that the address is ours, whatever was seen before. */
  #dateHolds({ drafts, complete }: RoutedSurroundings['held'], dating: DatingInput): readonly Claim[] {
    const { claims, appearances } = dateClaims(drafts, { ...dating, known: this.#holds, complete, settled: true });
    this.#holds = appearances;
    return claims;
  }

  /** A node without routed addresses asks EC2 nothing about route tables. Returns when the next read is due. */
  #readDue({ claims, declared, records, readAt, now }: RouteSnapshot, { read }: RoutePlan): number | undefined {
    if (claims.length + declared.length + records.size === 0 || this.#scope.vpcIds.length === 0) return undefined;
    const due = (readAt ?? Number.NEGATIVE_INFINITY) + this.#options.ec2.resyncMs;
    if (read || due <= now || this.#memory.looksDue(readAt)) this.#cache.request();
    return due > now ? due : undefined;
  }

  #snapshot({ drafts, held, complete, loaded, declared, enis, describedAt }: RoutedSurroundings): RouteSnapshot {
    const { process, policy, records } = this.#options;
    const now = process.clock.now();
    const ledger = ledgerOf(records.values());
    const known = this.#appearances;
    const dating = { known, ledger, complete: loaded, now, settled: this.#settled, trusted: records.trusted };
    const { claims, appearances } = dateClaims(drafts, dating);
    this.#appearances = appearances;
    const holds = this.#dateHolds(held, dating);
    this.#settled ||= loaded;
    const cache = this.#cache;
    return {
      now,
      policy,
      enis,
      describedAt,
      claims: [...claims, ...holds].filter((claim): claim is RoutedClaim => claim.routed !== undefined),
      claimsComplete: complete,
      holdsComplete: held.complete,
      declared,
      records: new Map(records.values().map((record) => [routeKey(record), record])),
      idleSince: this.#memory.idleSince,
      tables: cache.tables,
      subnets: cache.subnets,
      readAt: cache.readAt,
      readIds: cache.readIds,
      wroteAt: cache.wroteAt,
      contradicted: cache.contradicted,
      readError: cache.lastError,
      doubts: this.#memory.doubts,
      backoffs: this.#memory.backoffs,
      unchecked: this.#memory.unchecked,
    };
  }
}

/** The newest record of each address, for the date of its claim. */
function ledgerOf(records: Iterable<RouteRecord>): ReadonlyMap<IpAddress, LedgerEntry> {
  const ledger = new Map<IpAddress, LedgerEntry>();
  for (const { address, eni, holder, interface: on, claimedAt } of records)
    if ((ledger.get(address)?.claimedAt ?? Number.NEGATIVE_INFINITY) < claimedAt)
      ledger.set(address, { address, eni, state: 'held', holder, interface: on, claimedAt });
  return ledger;
}

function stillClaimed(claims: readonly RoutedClaim[]): (attempt: string) => boolean {
  const suffixes = claims.map((claim) => `|${claim.address}|${claim.kind}|${claim.since}`);
  return (attempt) => suffixes.some((suffix) => attempt.endsWith(suffix));
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
