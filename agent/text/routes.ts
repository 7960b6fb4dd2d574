import type { RouteStatus } from '../../lib/model/status/cluster-status.ts';

/** Each route table that leads an address to its ENI, or should: then with why it does not, as in `rtb-1(RouteLimitExceeded)`. */
export function routeTexts(routes: readonly RouteStatus[] = []): readonly string[] {
  return routes.map(({ table, state, reason = state }) => (state === 'assigned' ? table : `${table}(${reason})`));
}
