import { type Eni, isInSubnetOf } from '../../model/eni.ts';
import { type Cidr, contains } from '../../model/ip.ts';
import type { TableSelector } from '../../model/routed-ips/declaration.ts';
import type { ClaimDraft } from '../addresses/claims.ts';

/** What a process inside a pod was asked for: which tables, and which of the pod's addresses. */
export interface OwnRoutes {
  readonly tables: readonly TableSelector[];
  /** Empty: every address outside the subnets of the ENIs. */
  readonly addresses: readonly Cidr[];
}

/** A pod's drafts, those that route tables lead here marked as such. While no ENI is known, none is. */
export function withOwnRoutes(
  drafts: readonly ClaimDraft[],
  { tables, addresses }: OwnRoutes,
  enis: readonly Eni[],
): readonly ClaimDraft[] {
  if (tables.length === 0 || enis.length === 0) return drafts;
  return drafts.map((draft) => {
    const { address } = draft;
    const isRouted =
      addresses.length > 0
        ? addresses.some((network) => contains(network, address))
        : !enis.some((eni) => isInSubnetOf(eni, address));
    return isRouted ? { ...draft, routed: tables } : draft;
  });
}
