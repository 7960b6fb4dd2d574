import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { RoutedStatus } from '../../lib/model/routed-ips/route-plan.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { openRoutedIps } from '../routed-ips/open.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import type { NodeContext } from './context.ts';
import type { NodeReports } from './reporting.ts';
import type { NodeAws } from './surroundings.ts';

interface RouteParts {
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'invalidate'>;
  readonly reports: Pick<NodeReports, 'recordRouteEvent' | 'routeReporter'>;
}

/**
 * The routed addresses of a node's pods and FloatingIPs: what the loop for addresses has observed goes in, and what FloatingIPs hold; the
 * statuses come out. What they say about FloatingIPs goes to the loop of those, which reports it.
 */
export function openNodeRoutes(
  { options, process, ages, bus, stop, calls }: NodeContext,
  { ec2, rateLimit }: NodeAws,
  { addresses, reports }: RouteParts,
) {
  return openRoutedIps(
    {
      process: { ...process, clock: ages, dryRun: options.dryRun, callSignal: calls },
      ec2: {
        routes: ec2.routes,
        rateLimit,
        resyncMs: options.ec2ResyncMs,
        invalidateEnis: (cause) => addresses.invalidate(cause),
      },
      policy: { ...options, defaultTag: options.routeTableTag },
      stateDir: options.stateDir,
      observe: () => routedSurroundings(bus.observed.value, addresses, bus.routedHolds.value()),
      reports: {
        report: (statuses) => {
          bus.routes.publish(statuses.filter(isOfPod));
          publishHolds(bus, statuses);
        },
        emit: (event) => {
          // Pods have a namespace, FloatingIPs none.
          if (event.pod.namespace === '') bus.nodeRouteEvents.publish(event);
          else reports.recordRouteEvent(event);
        },
        statusReporter: { statuses: (statuses) => reports.routeReporter.statuses(statuses.filter(isOfPod)) },
      },
    },
    stop,
  );
}

function isOfPod({ claim }: ClaimStatus): boolean {
  return claim.leased !== true;
}

/** Only what differs is news: each loop triggers the other. */
function publishHolds({ nodeRoutes }: NodeContext['bus'], statuses: readonly RoutedStatus[]): void {
  const ofNode = statuses.filter((status) => !isOfPod(status));
  const states = new Map(
    ofNode.map(({ claim, state, refusal, tables }) => [claim.address, { state, tables, ...(refusal && { refusal }) }]),
  );
  if (JSON.stringify([...states]) !== JSON.stringify([...nodeRoutes.value])) nodeRoutes.publish(states);
}
