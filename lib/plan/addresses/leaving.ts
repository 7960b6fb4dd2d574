import type { NodeSnapshot } from '../../model/addresses/snapshot.ts';
import { carries } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';

/**
 * Addresses that are unassigned once their cool-down is over, or just now: ours, on the ENI that the ledger names, and wanted by nobody.
 * EC2 takes an Elastic IP off with its address (UnassignPrivateIpAddresses), so whoever looks after one need not end the pairing too.
 */
export function leavingAddresses(
  snapshot: Pick<NodeSnapshot, 'ledger' | 'claims' | 'inUse' | 'enis' | 'policy'>,
): ReadonlySet<IpAddress> {
  const { ledger, claims, inUse, enis, policy } = snapshot;
  if (policy.release === 'never') return new Set();
  const wanted = new Set(claims.map(({ address }) => address));
  const leaving = Array.from(ledger.values()).filter(({ address, eni, state }) => {
    const on = enis.find(({ id }) => id === eni);
    const isOurs = state === 'held' || state === 'assigning';
    return isOurs && on !== undefined && carries(on, address) && !wanted.has(address) && !inUse.has(address);
  });
  return new Set(leaving.map(({ address }) => address));
}
