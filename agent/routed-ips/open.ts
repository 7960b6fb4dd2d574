import { join } from 'node:path';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import type { RoutedStatus, RoutePlan, RoutePolicy } from '../../lib/model/routed-ips/route-plan.ts';
import { reviveRouteRecord } from '../../lib/model/routed-ips/route-record.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RouteMetrics } from '../../lib/runtime/metrics.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import type { ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import type { AddressReporter } from '../addresses/reporter.ts';
import { isThrottling } from '../aws/rate-limiter.ts';
import { type RouteEvent, RouteReporter } from './reporter.ts';
import { RoutedIps, type RoutedSurroundings } from './routed-ips.ts';

export interface OpenRoutedIpsOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: RouteMetrics;
  readonly health?: ReconcileHealth;
  readonly rateLimit: RateLimit;
  readonly ec2: RouteApi;
  readonly policy: RoutePolicy;
  /** Undefined: nothing survives the process, as in a pod. */
  readonly stateDir: string | undefined;
  readonly dryRun: boolean;
  /** See `RoutedIpsOptions.firstStart`; `unless-recorded`: only where no process before this one has left records. @default false */
  readonly firstStart?: boolean | 'unless-recorded';
  readonly resyncMs: number;
  readonly observe: () => RoutedSurroundings;
  readonly report: (statuses: readonly RoutedStatus[], plan: RoutePlan) => void;
  readonly emit: (event: RouteEvent) => void;
  /** Reports refusals. */
  readonly statusReporter: Pick<AddressReporter, 'statuses'>;
  readonly doubtEnis: (cause: string) => void;
  readonly callSignal: AbortSignal;
}

/** The loop for routed addresses with its memory on disk: everything is made here, nothing is decided here. */
export function openRoutedIps(options: OpenRoutedIpsOptions, stop: AbortSignal) {
  const { clock, log, rateLimit, stateDir, dryRun, statusReporter } = options;
  const records = new Journal({
    path: stateDir === undefined ? '' : join(stateDir, 'routes.jsonl'),
    access: stateDir === undefined ? 'memory' : dryRun ? 'read' : 'write',
    revive: (stored) => reviveRouteRecord(stored, clock.now()),
    onProblem: (message, error) => log.error(message, { error }),
  });
  const loop = new RoutedIps(
    {
      ...options,
      firstStart:
        options.firstStart === 'unless-recorded' ? records.recovered === 'empty' : options.firstStart === true,
      rateLimiter: new RateLimiter(rateLimit, isThrottling),
      records,
      reporter: new RouteReporter(options),
      report: (statuses, plan) => {
        statusReporter.statuses(statuses);
        options.report(statuses, plan);
      },
    },
    stop,
  );
  return {
    wake: () => loop.wake(),
    records,
    /** Resolves when nothing is in flight any more; the records are closed then. */
    async close() {
      await loop.idle();
      records.close();
    },
  };
}
