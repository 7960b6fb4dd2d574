import type { Eni } from '../../lib/model/eni.ts';
import { type RoutedHolds, UNKNOWN_HOLDS } from '../../lib/plan/floating-ips/routed-claims.ts';
import type { Observed } from '../addresses/reconciler-options.ts';
import type { RoutedSurroundings } from './routed-ips.ts';

/** What the loop for routed addresses sees: the latest look of the loop for addresses, its ENIs, and what FloatingIPs hold here. */
export function routedSurroundings(
  observed: Observed | undefined,
  { enis, describedAt }: { readonly enis: readonly Eni[]; readonly describedAt: number | undefined },
  holds: RoutedHolds = UNKNOWN_HOLDS,
): RoutedSurroundings {
  const complete = observed?.complete ?? false;
  return {
    drafts: observed?.routed ?? [],
    held: holds,
    declared: [...(observed?.routeTables ?? []), ...holds.declared],
    complete,
    loaded: complete || observed?.hiddenSince !== undefined,
    enis,
    describedAt,
  };
}
