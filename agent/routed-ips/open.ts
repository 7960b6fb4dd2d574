import { join } from 'node:path';
import type { RoutedStatus, RoutePlan, RoutePolicy } from '../../lib/model/routed-ips/route-plan.ts';
import { reviveRouteRecord } from '../../lib/model/routed-ips/route-record.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { RouteMetrics } from '../../lib/runtime/metrics.ts';
import type { AddressReporter } from '../addresses/reporter.ts';
import { type RouteEvent, RouteReporter } from './reporter.ts';
import { RoutedIps, type RoutedSurroundings, type RouteEc2, type RouteProcess } from './routed-ips.ts';

export interface OpenRoutedIpsOptions {
  readonly process: RouteProcess & { readonly metrics: RouteMetrics };
  readonly ec2: RouteEc2;
  readonly policy: RoutePolicy;
  /** Undefined: nothing survives the process, as in a pod. */
  readonly stateDir: string | undefined;
  /** See `RoutedIpsOptions.firstStart`; `unless-recorded`: only where no process before this one has left records. @default false */
  readonly firstStart?: boolean | 'unless-recorded';
  readonly observe: () => RoutedSurroundings;
  readonly reports: RouteOutputs;
}

/** Where it goes what became of the addresses. */
export interface RouteOutputs {
  readonly report: (statuses: readonly RoutedStatus[], plan: RoutePlan) => void;
  readonly emit: (event: RouteEvent) => void;
  /** Reports refusals. */
  readonly statusReporter: Pick<AddressReporter, 'statuses'>;
}

/** The loop for routed addresses with its memory on disk: everything is made here, nothing is decided here. */
export function openRoutedIps(options: OpenRoutedIpsOptions, stop: AbortSignal) {
  const { process, ec2, policy, stateDir, firstStart, observe, reports } = options;
  const { clock, log, metrics, dryRun } = process;
  const records = new Journal({
    path: stateDir === undefined ? '' : join(stateDir, 'routes.jsonl'),
    access: stateDir === undefined ? 'memory' : dryRun ? 'read' : 'write',
    revive: (stored) => reviveRouteRecord(stored, clock.now()),
    onProblem: (message, error) => log.error(message, { error }),
  });
  const loop = new RoutedIps(
    {
      process,
      ec2,
      policy,
      records,
      firstStart: firstStart === 'unless-recorded' ? records.recovered === 'empty' : firstStart === true,
      observe,
      reports: {
        reporter: new RouteReporter({ clock, log, metrics, emit: reports.emit }),
        report: (statuses, plan) => {
          reports.statusReporter.statuses(statuses);
          reports.report(statuses, plan);
        },
      },
    },
    stop,
  );
  return {
    trigger: () => loop.trigger(),
    records,
    /** Resolves when nothing is in flight any more; the records are closed then. */
    async close() {
      await loop.idle();
      records.close();
    },
  };
}
