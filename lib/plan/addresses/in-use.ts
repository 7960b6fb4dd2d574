import type { Eni, Mac } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { StrayAddress } from './claims.ts';

/** The strays on this node's own ENIs: agents of several nodes may look at one folder of namespaces. See `NodeSnapshot.inUse`. */
export function inUseOn(enis: readonly Eni[], strays: readonly StrayAddress[]): ReadonlySet<IpAddress> {
  const ours = new Set(enis.map(({ mac }) => mac));
  const isOurs = (mac: Mac | undefined) => mac !== undefined && ours.has(mac);
  return new Set(strays.filter(({ mac, masterMac }) => isOurs(mac) || isOurs(masterMac)).map(({ address }) => address));
}
