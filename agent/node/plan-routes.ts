import type { RoutedStatus, RoutePlan, RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import { reviveRouteRecord } from '../../lib/model/routed-ips/route-record.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { RouteReporter } from '../routed-ips/reporter.ts';
import { RoutedIps } from '../routed-ips/routed-ips.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import { LOOK_MS, type PlanContext, readJournal } from './plan-context.ts';

export interface RouteReport {
  readonly statuses: readonly RoutedStatus[];
  readonly steps: readonly RouteStep[];
}

/** The node's loop for routes in a dry run, with a silent reporter. Looks when it is triggered. */
export function lookAtRoutes(
  context: PlanContext,
  addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'invalidate'>,
): RoutedIps {
  const { options, process, answers, instance, rateLimit, signal } = context;
  const { clock, random, metrics } = process;
  // Before the definitions are known, nor is what they declare.
  const observed = () => (answers.addresses.value === undefined ? undefined : answers.observed.value);
  return new RoutedIps(
    {
      process: { clock, random, log: silentLogger, dryRun: true, callSignal: signal },
      ec2: {
        routes: instance.ec2.routes,
        rateLimit,
        resyncMs: LOOK_MS,
        invalidateEnis: (cause) => addresses.invalidate(cause),
      },
      policy: { ...options, defaultTag: options.routeTableTag },
      records: readJournal(context, 'routes.jsonl', (stored) => reviveRouteRecord(stored, clock.now())),
      observe: () => routedSurroundings(observed(), addresses),
      reports: {
        reporter: new RouteReporter({ clock, log: silentLogger, metrics, emit: () => undefined }),
        report: (statuses, plan) => {
          if (observed() === undefined || !isKnown(statuses, plan)) return;
          answers.routes.publish({ statuses, steps: plan.steps });
        },
      },
    },
    signal,
  );
}

/** Nothing is read for whoever has no routed address, and what cannot be read is a refusal. */
function isKnown(statuses: readonly RoutedStatus[], { read, describe, idle }: RoutePlan): boolean {
  if (!read && !describe) return true;
  return statuses.length === 0 ? idle.length === 0 : statuses.every(({ refusal }) => refusal !== undefined);
}
