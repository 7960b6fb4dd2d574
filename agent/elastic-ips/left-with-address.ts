import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { carries } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';

/**
 * The EIPs whose pairing has ended because our own accepted call unassigned the address under them: it was about to leave (`before`), and
 * its ENI does not carry it any more. EC2 drops the pairing and keeps the EIP allocated (UnassignPrivateIpAddresses).
 */
export function leftWithAddress(
  cache: readonly ElasticIp[],
  before: ReadonlySet<IpAddress>,
  enis: readonly Eni[],
): readonly ElasticIp[] {
  if (before.size === 0) return [];
  return cache.filter(({ association }) => {
    const { eni: id, privateIp } = association ?? {};
    if (privateIp === undefined || !before.has(privateIp)) return false;
    const eni = enis.find((candidate) => candidate.id === id);
    return eni !== undefined && !carries(eni, privateIp);
  });
}
