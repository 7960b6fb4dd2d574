import type { Eni } from '../../lib/model/eni.ts';
import type { Observed } from '../addresses/reconciler-options.ts';
import type { RoutedSurroundings } from './routed-ips.ts';

/** What the loop for routed addresses sees: the latest look of the loop for addresses, and its ENIs. */
export function routedSurroundings(
  observed: Observed | undefined,
  { enis, describedAt }: { readonly enis: readonly Eni[]; readonly describedAt: number | undefined },
): RoutedSurroundings {
  const complete = observed?.complete ?? false;
  return {
    drafts: observed?.routed ?? [],
    declared: observed?.routeTables ?? [],
    complete,
    loaded: complete || observed?.hiddenSince !== undefined,
    enis,
    describedAt,
  };
}
