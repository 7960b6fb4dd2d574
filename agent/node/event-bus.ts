import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { RoutedState } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { type RoutedHolds, UNKNOWN_HOLDS } from '../../lib/plan/floating-ips/routed-claims.ts';
import { Latest, Topic } from '../../lib/runtime/topic.ts';
import type { NodeReport, Observed } from '../addresses/reconciler-options.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';
import type { RouteEvent } from '../routed-ips/reporter.ts';

/** What the loops of a node say to one another. Each publishes its own part, and none knows who listens. */
export class EventBus {
  /** Something that is observed has changed: every loop looks again. */
  readonly changed = new Topic();
  /** Links of NodeENIs came to this host or were named. */
  readonly linksChanged = new Topic();
  /** The latest look at all sources. */
  readonly observed = new Latest<Observed | undefined>(undefined);
  readonly addresses = new Latest<NodeReport | undefined>(undefined);
  readonly routes = new Latest<readonly ClaimStatus[]>([]);
  /** How to read what route tables should lead here for FloatingIPs. */
  readonly routedHolds = new Latest<() => RoutedHolds>(() => UNKNOWN_HOLDS);
  /** Where the route tables of FloatingIPs stand. */
  readonly nodeRoutes = new Latest<ReadonlyMap<IpAddress, RoutedState>>(new Map());
  /** What became of the routes of FloatingIPs. */
  readonly nodeRouteEvents = new Topic<RouteEvent>();
  readonly elasticIps = new Latest<EipReport | undefined>(undefined);
  /** How to read the addresses of all FloatingIPs, which a `*` of pods does not cover. */
  readonly nodeAddresses = new Latest<() => ReadonlySet<IpAddress>>(() => new Set());

  /** The statuses of all private addresses, on ENIs and routed here. */
  get statuses(): readonly ClaimStatus[] {
    return [...(this.addresses.value?.statuses ?? []), ...this.routes.value];
  }
}
