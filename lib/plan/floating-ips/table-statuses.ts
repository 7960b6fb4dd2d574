import type { RouteTableStatus } from '../../model/floating-ips/floating-ip.ts';
import type { Placement, RoutedState } from '../../model/floating-ips/plan.ts';
import type { TableStatus } from '../../model/routed-ips/route-plan.ts';

const WORST_FIRST: readonly TableStatus['state'][] = ['refused', 'pending', 'assigned'];
/** As many as the object's definition takes. */
const MAX_TABLES = 1_000;

/** What the status says of each route table: the worst that it does to one of these addresses. In the order of the tables' ids. */
export function tableStatuses(
  places: readonly Pick<Placement, 'address'>[],
  routed: ReadonlyMap<string, RoutedState> = new Map(),
): readonly RouteTableStatus[] {
  const all = places.flatMap(({ address }) => routed.get(address)?.tables ?? []);
  return Array.from(
    Map.groupBy(all, ({ table }) => table),
    ([table, entries]) => statusOf(table, entries),
  )
    .toSorted((a, b) => (a.table < b.table ? -1 : 1))
    .slice(0, MAX_TABLES);
}

function statusOf(table: string, entries: readonly TableStatus[]): RouteTableStatus {
  const rank = ({ state }: TableStatus) => WORST_FIRST.indexOf(state);
  const [worst] = entries.toSorted((a, b) => rank(a) - rank(b));
  return { table, state: worst?.state ?? 'pending', reason: worst?.refusal?.reason ?? '' };
}
