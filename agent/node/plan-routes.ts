import { join } from 'node:path';
import type { PlanOptions } from '../../lib/config/options.ts';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import type { RoutedStatus, RoutePlan, RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import { reviveRouteRecord } from '../../lib/model/routed-ips/route-record.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { Observed } from '../addresses/reconciler-options.ts';
import { isThrottling } from '../aws/rate-limiter.ts';
import type { ProcessParts } from '../process.ts';
import { RouteReporter } from '../routed-ips/reporter.ts';
import { RoutedIps } from '../routed-ips/routed-ips.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';

export interface RouteReport {
  readonly statuses: readonly RoutedStatus[];
  readonly steps: readonly RouteStep[];
}

export interface RouteLookOptions extends Pick<ProcessParts, 'clock' | 'random' | 'metrics'> {
  readonly options: Pick<PlanOptions, 'allowPrimary' | 'release' | 'releaseDelayMs' | 'routeTableTag' | 'stateDir'>;
  readonly rateLimit: RateLimit;
  readonly ec2: RouteApi;
  readonly observed: () => Observed | undefined;
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'doubt'>;
  /** Told what would be done about routes, once that is known. */
  readonly report: (report: RouteReport) => void;
  readonly resyncMs: number;
}

/** The node's loop for routes in a dry run, with a silent reporter. Looks when it is woken. */
export function lookAtRoutes(given: RouteLookOptions, signal: AbortSignal): RoutedIps {
  const { clock, options, rateLimit, observed, addresses, report } = given;
  const records = new Journal({
    path: join(options.stateDir, 'routes.jsonl'),
    access: 'read',
    revive: (stored) => reviveRouteRecord(stored, clock.now()),
    onProblem: () => undefined,
  });
  return new RoutedIps(
    {
      ...given,
      log: silentLogger,
      rateLimiter: new RateLimiter(rateLimit, isThrottling),
      policy: { ...options, defaultTag: options.routeTableTag },
      records,
      reporter: new RouteReporter({ ...given, log: silentLogger, emit: () => undefined }),
      observe: () => routedSurroundings(observed(), addresses),
      report: (statuses, plan) => {
        if (observed() !== undefined && isKnown(statuses, plan)) report({ statuses, steps: plan.steps });
      },
      doubtEnis: (cause) => addresses.doubt(cause),
      dryRun: true,
      callSignal: signal,
    },
    signal,
  );
}

/** Nothing is read for whoever has no routed address, and what cannot be read is a refusal. */
function isKnown(statuses: readonly RoutedStatus[], { read, describe, idle }: RoutePlan): boolean {
  if (!read && !describe) return true;
  return statuses.length === 0 ? idle.length === 0 : statuses.every(({ refusal }) => refusal !== undefined);
}
