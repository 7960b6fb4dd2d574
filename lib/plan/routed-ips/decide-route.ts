import { attemptKey } from '../../model/addresses/claim.ts';
import type { Eni } from '../../model/eni.ts';
import type { Cidr } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import type {
  RouteDoubt,
  RoutedClaim,
  RouteRecord,
  RouteSight,
  RouteSnapshot,
} from '../../model/routed-ips/route-plan.ts';
import { routeKey } from '../../model/routed-ips/route-plan.ts';
import { type Route, type RouteTable, routeOf } from '../../model/routed-ips/route-table.ts';

/** One route that a claim wants in one table. */
export interface WantedRoute {
  readonly claim: RoutedClaim;
  readonly eni: Eni;
  readonly destination: Cidr;
  readonly table: RouteTable;
}

export type RouteDecision =
  | { readonly kind: 'assigned'; readonly record: RouteRecord | undefined }
  | {
      readonly kind: 'move';
      readonly verb: 'create' | 'replace';
      readonly before: RouteSight | undefined;
      readonly restored?: number;
    }
  /** Where the route leads has to be read first. */
  | { readonly kind: 'read' }
  | { readonly kind: 'wait'; readonly refusal: Refusal; readonly until: number }
  | { readonly kind: 'stand-down'; readonly refusal: Refusal; readonly record: RouteRecord | undefined };

/** A look within this time of the appearance shows who had the route before it, ms. */
const SOON_MS = 2_000;
/** While a Lease is in doubt, what it is about is looked at this often, ms. */
const DOUBT_MS = 5_000;

/**
 * The holder before us may have sent a write before it lost its Lease that EC2 carries out after ours. So whoever has the Lease moves a
 * route back this often, as long as such a write can be under way, ms; after that, somebody means it.
 */
const RESTORES = 2;
const LATE_WRITE_MS = 30_000;

/** The key under which failures of a route are remembered: an address that appears again starts with a clean slate. */
function routeAttempt({ claim, table, destination }: WantedRoute): string {
  return `${routeKey({ table: table.id, destination })}|${attemptKey(claim)}`;
}

/**
 * Decides about one route. The rules are those of floating IPs, for each table on its own: the last to add the address has the route;
 * each appearance has the right to one move, which the record remembers over restarts; a move whose answer was lost or late is looked at
 * before it is repeated, and whoever else has the route by now keeps it. A route that leads nowhere is anybody's.
 */
export function decideRoute(wanted: WantedRoute, snapshot: RouteSnapshot): RouteDecision {
  const { claim, table, destination } = wanted;
  const { now } = snapshot;
  if (claim.calmAt !== undefined && claim.calmAt > now) return restless(claim, claim.calmAt);
  const key = routeKey({ table: table.id, destination });
  const record = snapshot.records.get(key);
  const backoff = snapshot.backoffs.get(routeAttempt(wanted));
  if (backoff !== undefined && backoff.until > now)
    return { kind: 'wait', refusal: { ...backoff, address: claim.address }, until: backoff.until };
  const route = routeOf(table, destination);
  if (claim.leased === true && claim.inPlace === true)
    return leadsHere(wanted, route) ? assigned(wanted, record) : inDoubt(wanted, now);
  const restored = restoredNow(wanted, route, record, snapshot);
  if (restored !== undefined) return { kind: 'move', verb: 'replace', before: undefined, restored };
  const hadItsMove = record !== undefined && record.state !== 'writing' && record.claimedAt >= claim.since;
  if (hadItsMove || claim.inPlace) return keep(wanted, route, record, snapshot);
  const doubt = current(snapshot.doubts.get(key), claim) ?? lateness(claim, route, snapshot);
  if (doubt !== undefined) return afterDoubt(wanted, route, record, doubt, snapshot);
  // What we know of a route from before the address appeared may be outdated: pointing it here once more changes nothing.
  if (leadsHere(wanted, route) && (snapshot.readAt ?? 0) >= claim.since) return assigned(wanted, record);
  return move(wanted, route, snapshot);
}

/** How often this route will have been moved back here, when a late write of the holder before us has undone our move. */
function restoredNow(
  wanted: WantedRoute,
  route: Route | undefined,
  record: RouteRecord | undefined,
  { contradicted, readAt = 0 }: RouteSnapshot,
): number | undefined {
  const { claim, eni, table, destination } = wanted;
  if (claim.leased !== true || record?.state !== 'held' || record.eni !== eni.id) return undefined;
  if (record.claimedAt < claim.since || readAt - claim.since > LATE_WRITE_MS) return undefined;
  const isElsewhere = route?.eni !== undefined && !route.blackhole && !leadsHere(wanted, route);
  const isUndone = isElsewhere || contradicted.has(routeKey({ table: table.id, destination }));
  const { restored = 0 } = record;
  return isUndone && restored < RESTORES ? restored + 1 : undefined;
}

/** Nothing is taken from anybody who is alive. */
function keep(
  wanted: WantedRoute,
  route: Route | undefined,
  record: RouteRecord | undefined,
  snapshot: RouteSnapshot,
): RouteDecision {
  const { readAt } = snapshot;
  if (readAt === undefined || (record === undefined && readAt < wanted.claim.since)) return { kind: 'read' };
  if (leadsHere(wanted, route)) return assigned(wanted, record);
  const misplaced =
    record?.state === 'held' && route?.eni === record.eni && snapshot.enis.some(({ id }) => id === record.eni);
  return isFree(route) || misplaced ? move(wanted, route, snapshot) : standDown(wanted, route, record);
}

function afterDoubt(
  wanted: WantedRoute,
  route: Route | undefined,
  record: RouteRecord | undefined,
  doubt: RouteDoubt,
  snapshot: RouteSnapshot,
): RouteDecision {
  const { claim } = wanted;
  const { readAt } = snapshot;
  if (readAt === undefined || readAt < Math.max(claim.since, doubt.at)) return { kind: 'read' };
  if (leadsHere(wanted, route)) return assigned(wanted, record);
  // Under a Lease nobody else can have taken it meanwhile: whoever is there had it before us.
  if (claim.leased !== true && !isFree(route) && hasMoved(claim, { askedAt: readAt, eni: route?.eni }, doubt))
    return standDown(wanted, route, record);
  return move(wanted, route, snapshot);
}

/** Whether the route has changed hands while we could not act. When that is unknown, it counts as moved. */
function hasMoved(claim: RoutedClaim, seen: RouteSight, { before, restarted }: RouteDoubt): boolean {
  if (restarted) return true;
  if (before !== undefined && before.eni === seen.eni) return false;
  if (before !== undefined && before.askedAt >= claim.since) return true;
  return seen.askedAt - claim.since > SOON_MS;
}

/** Only what happened to this appearance of the address counts. */
function current(doubt: RouteDoubt | undefined, { since }: RoutedClaim): RouteDoubt | undefined {
  return doubt !== undefined && doubt.at >= since ? doubt : undefined;
}

/** The route was not asked for when the address appeared, e.g. because nothing could be read: another pod may have added it since. */
function lateness(
  { since, calmAt = 0 }: RoutedClaim,
  route: Route | undefined,
  { now, readAt }: RouteSnapshot,
): RouteDoubt | undefined {
  const at = Math.max(since, calmAt) + SOON_MS;
  if (now <= at) return undefined;
  const before = readAt !== undefined && readAt <= at ? { askedAt: readAt, eni: route?.eni } : undefined;
  return { at, before, restarted: false };
}

function move(wanted: WantedRoute, route: Route | undefined, snapshot: RouteSnapshot): RouteDecision {
  const { readAt } = snapshot;
  // A route to a gateway, say, was made for something else.
  if (route !== undefined && route.eni === undefined && !route.blackhole) return standDown(wanted, route, undefined);
  const before = readAt === undefined ? undefined : { askedAt: readAt, eni: route?.eni };
  return { kind: 'move', verb: route === undefined && isProved(wanted, snapshot) ? 'create' : 'replace', before };
}

/**
 * That there is no route is known from after the appearance. Until then it is replaced, not created: as a rule somebody has had the
 * address before, and a failover then takes one call.
 */
function isProved({ claim, table, destination }: WantedRoute, { readAt = 0, wroteAt }: RouteSnapshot): boolean {
  return Math.max(readAt, wroteAt.get(routeKey({ table: table.id, destination })) ?? 0) >= claim.since;
}

function isFree(route: Route | undefined): boolean {
  return route === undefined || route.blackhole;
}

function leadsHere({ eni }: WantedRoute, route: Route | undefined): boolean {
  return route?.eni === eni.id;
}

function assigned(wanted: WantedRoute, record: RouteRecord | undefined): RouteDecision {
  const { claim, eni } = wanted;
  const ours = record !== undefined && record.eni === eni.id && (record.state === 'held' || record.state === 'writing');
  const now = recordOf(wanted, ours ? 'held' : 'found', record);
  const same =
    record?.state === now.state && record.claimedAt === now.claimedAt && record.holder.uid === claim.holder.uid;
  return { kind: 'assigned', record: same ? undefined : now };
}

function standDown(wanted: WantedRoute, route: Route | undefined, record: RouteRecord | undefined): RouteDecision {
  const { claim, table, destination } = wanted;
  const message = `${destination} leads to ${route?.target ?? 'nobody'} in ${table.id}; standing down. It is moved here only when ${claim.address} appears again on ${claim.interface}, or nobody is there any more`;
  const known = record?.state === 'lost' && record.claimedAt >= claim.since;
  return {
    kind: 'stand-down',
    refusal: { reason: 'HeldElsewhere', message, address: claim.address },
    record: known ? undefined : recordOf(wanted, 'lost', record),
  };
}

/** The Lease may be somebody else's by now: nothing is moved, and nothing is concluded. */
function inDoubt({ claim: { address }, table, destination }: WantedRoute, now: number): RouteDecision {
  const message = `whether this node still has the Lease is not known; ${destination} is not moved in ${table.id} meanwhile`;
  return { kind: 'wait', refusal: { reason: 'HeldElsewhere', message, address }, until: now + DOUBT_MS };
}

/** What the record of a route becomes for this claim. */
function recordOf(
  { claim, eni, table, destination }: WantedRoute,
  state: RouteRecord['state'],
  before: RouteRecord | undefined,
): RouteRecord {
  const { address, holder, interface: on, leased } = claim;
  const claimedAt = Math.max(claim.since, before?.claimedAt ?? 0);
  return {
    table: table.id,
    destination,
    address,
    eni: eni.id,
    state,
    holder,
    interface: on,
    claimedAt,
    ...(leased && { leased }),
    ...(before?.restored !== undefined && before.claimedAt === claimedAt && { restored: before.restored }),
  };
}

function restless({ address, interface: on }: RoutedClaim, until: number): RouteDecision {
  const message = `${address} comes and goes on ${on} too often; its routes move once it stays, at most once in 5 s`;
  return { kind: 'wait', refusal: { reason: 'Flapping', message, address }, until };
}
