import type { Claim } from '../../model/addresses/claim.ts';
import { claimKey } from '../../model/addresses/claim.ts';
import type { Policy } from '../../model/addresses/snapshot.ts';
import type { Eni } from '../../model/eni.ts';
import { carries } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';

/** A claim with the ENI that should carry its address. */
export interface PlacedClaim {
  readonly claim: Claim;
  readonly eni: Eni;
}

/** The claims on one address and the one that decides where it goes. */
export interface Conflict {
  readonly address: IpAddress;
  readonly winner: PlacedClaim;
  /** Claims that are served as well because they share the winner's ENI. */
  readonly companions: readonly PlacedClaim[];
  /** Claims that want the address on another ENI of this node. */
  readonly losers: readonly PlacedClaim[];
}

/** True when this kind of claim may take an address from another holder at all. */
export function mayTakeOver(claim: Claim, policy: Policy): boolean {
  if (claim.unconfirmed) return false;
  return claim.kind !== 'live' || policy.takeover === 'any';
}

/**
 * Settles who of this node's claims decides about each address. The newest claim that may take over wins, as it would between two
 * nodes; a claim that may not take over never moves an address away from the ENI that carries it. The order of input does not matter.
 */
export function settleConflicts(placed: readonly PlacedClaim[], policy: Policy): Conflict[] {
  const byAddress = Map.groupBy(placed, ({ claim }) => claim.address);
  return Array.from(byAddress, ([address, rivals]) => settle(address, rivals.toSorted(byStrength(policy))));
}

function settle(address: IpAddress, ranked: readonly PlacedClaim[]): Conflict {
  const [winner, ...others] = ranked as [PlacedClaim, ...PlacedClaim[]];
  const shares = (other: PlacedClaim) => other.eni.id === winner.eni.id;
  return {
    address,
    winner,
    companions: others.filter(shares),
    losers: others.filter((other) => !shares(other)),
  };
}

function byStrength(policy: Policy) {
  const rank = ({ claim, eni }: PlacedClaim) => (mayTakeOver(claim, policy) ? 0 : carries(eni, claim.address) ? 1 : 2);
  return (a: PlacedClaim, b: PlacedClaim) =>
    rank(a) - rank(b) || b.claim.since - a.claim.since || (claimKey(a.claim) < claimKey(b.claim) ? -1 : 1);
}
