import type { Eni, Mac } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { UnclaimedAddress } from './claims.ts';

/** The unclaimed on this node's own ENIs: agents of several nodes may look at one folder of namespaces. See `NodeSnapshot.inUse`. */
export function inUseOn(enis: readonly Eni[], unclaimed: readonly UnclaimedAddress[]): ReadonlySet<IpAddress> {
  const ours = new Set(enis.map(({ mac }) => mac));
  const isOurs = (mac: Mac | undefined) => mac !== undefined && ours.has(mac);
  return new Set(
    unclaimed.filter(({ mac, masterMac }) => isOurs(mac) || isOurs(masterMac)).map(({ address }) => address),
  );
}
