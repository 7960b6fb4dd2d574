import type { AddressReconciler } from '../addresses/reconciler.ts';
import { openRoutedIps } from '../routed-ips/open.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import type { NodeContext } from './context.ts';
import type { NodeReports } from './reporting.ts';
import type { NodeAws } from './surroundings.ts';

interface RouteParts {
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'doubt'>;
  readonly reports: Pick<NodeReports, 'recordRouteEvent' | 'routeReporter'>;
}

/** The routed addresses of a node's pods: what the loop for addresses has observed goes in, the statuses come out. */
export function openNodeRoutes(
  { options, process, ages, exchange, stop, calls }: NodeContext,
  { ec2, rateLimit }: NodeAws,
  { addresses, reports }: RouteParts,
) {
  return openRoutedIps(
    {
      ...process,
      clock: ages,
      rateLimit,
      ec2: ec2.routes,
      policy: { ...options, defaultTag: options.routeTableTag },
      stateDir: options.stateDir,
      dryRun: options.dryRun,
      resyncMs: options.ec2ResyncMs,
      callSignal: calls,
      observe: () => routedSurroundings(exchange.observed.value, addresses),
      report: (statuses) => exchange.routes.publish(statuses),
      emit: reports.recordRouteEvent,
      statusReporter: reports.routeReporter,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop,
  );
}
