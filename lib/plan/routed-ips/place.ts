import { claimKey } from '../../model/addresses/claim.ts';
import type { Eni } from '../../model/eni.ts';
import { type Cidr, compareIp } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { RoutedClaim, RoutedStatus, RouteSnapshot } from '../../model/routed-ips/route-plan.ts';
import { chooseEni } from '../addresses/choose-eni.ts';
import { destinationFor } from './destination.ts';
import { type Selection, selectTables } from './select-tables.ts';

/** A claim with the ENI, the destination and the tables of its routes. */
export interface PlacedRoute {
  readonly claim: RoutedClaim;
  readonly eni: Eni;
  readonly destination: Cidr;
  readonly selection: Selection;
}

export interface Placement {
  readonly placed: readonly PlacedRoute[];
  readonly statuses: readonly RoutedStatus[];
  readonly read: boolean;
  readonly describe: boolean;
}

/** Where each claim's routes should lead, and why some cannot be. What is not known yet is asked for, never guessed. */
export function placeRoutes(snapshot: RouteSnapshot): Placement {
  const { enis, describedAt, readError } = snapshot;
  const placed: PlacedRoute[] = [];
  const statuses: RoutedStatus[] = [];
  let [read, describe] = [false, false];
  const report = (claim: RoutedClaim, state: 'pending' | 'refused', eni?: Eni, refusal?: Refusal) =>
    statuses.push({ claim, state, eni: eni?.id, destination: undefined, tables: [], ...(refusal && { refusal }) });
  for (const claim of snapshot.claims) {
    const choice = describedAt === undefined ? undefined : chooseEni(claim, enis, snapshot.policy);
    if (choice === undefined || 'refusal' in choice) {
      // The ENI may have been attached after the last describe.
      const mayBeNew = describedAt === undefined || describedAt < claim.since;
      describe ||= mayBeNew && choice !== undefined;
      report(claim, mayBeNew ? 'pending' : 'refused', undefined, mayBeNew ? undefined : choice?.refusal);
      continue;
    }
    const { eni } = choice;
    if (snapshot.tables === undefined) {
      read = true;
      report(claim, readError === undefined ? 'pending' : 'refused', eni, readError);
      continue;
    }
    const where = destinationFor(claim.address, eni, { ...snapshot, tables: snapshot.tables });
    const selection = selectTables(claim.routed, eni, snapshot);
    read ||= !selection.complete;
    if ('refusal' in where) report(claim, 'refused', eni, where.refusal);
    else placed.push({ claim, eni, destination: where.destination, selection });
  }
  return { placed, statuses, read, describe };
}

/** Of the claims on one destination the newest decides; those on its ENI are served with it. */
export function settleRoutes(placed: readonly PlacedRoute[]) {
  const byDestination = Map.groupBy(placed, ({ destination }) => destination);
  return Array.from(byDestination.values(), (rivals) => {
    const [winner, ...others] = rivals.toSorted(byAge) as [PlacedRoute, ...PlacedRoute[]];
    const shares = ({ eni }: PlacedRoute) => eni.id === winner.eni.id;
    return {
      winner,
      companions: others.filter(shares),
      losers: others.filter((other) => !shares(other)),
    };
  }).toSorted((a, b) => compareIp(a.winner.claim.address, b.winner.claim.address));
}

function byAge({ claim: a }: PlacedRoute, { claim: b }: PlacedRoute): number {
  return b.since - a.since || (claimKey(a) < claimKey(b) ? -1 : 1);
}
