import { isInSubnetOf } from '../../model/eni.ts';
import { explainProtection, isProtected, protectionOf } from '../../model/eni-protection.ts';
import type { HostAddress } from '../../model/floating-ips/floating-ip.ts';
import type { Ineligible, Placement } from '../../model/floating-ips/plan.ts';
import { enisOf, type PlaceFacts } from './place.ts';

/**
 * Which ENI and interface of this node route tables lead an address to, or why to none: the subnet cannot say, so it is the interface
 * that was asked for, or the only ENI of the node that is not protected. The primary one only by its name.
 */
export function placeRouted(host: HostAddress, facts: PlaceFacts): Placement | Ineligible {
  const { enis, devices, wanted } = facts;
  const { address } = host;
  const own = enis.find((eni) => isInSubnetOf(eni, address));
  if (own !== undefined)
    return {
      reason: 'NotRoutable',
      message: `${address} lies in ${own.subnetId}, the subnet of ${own.id}: a route would cut its ENIs off; leave spec.routeTables out`,
    };
  const named = enisOf(facts);
  if (named.length === 0)
    return { reason: 'NoMatchingInterface', message: `no ENI of the node is the interface ${wanted ?? '(any)'}` };
  // No address is put on the ENI that the VPC CNI could adopt; so the primary one will do where the object names it.
  const usable = named.filter((eni) => !isProtected(eni) || (wanted !== undefined && protectionOf(eni) === 'primary'));
  const [closed] = named;
  if (usable.length === 0 && closed !== undefined) {
    const protection = protectionOf(closed);
    const why = protection === undefined ? closed.id : explainProtection(closed.id, protection);
    return {
      reason: 'ProtectedInterface',
      message: `${address} is not led to an ENI: ${why}; use an ENI of its own, tagged node.k8s.amazonaws.com/no_manage=true`,
    };
  }
  const [eni, another] = usable.filter(({ mac }) => devices.has(mac));
  if (another !== undefined && eni !== undefined)
    return {
      reason: 'AmbiguousInterface',
      message: `route tables can lead ${address} to ${eni.id} or ${another.id}; set spec.interface`,
    };
  const device = eni && devices.get(eni.mac);
  if (eni === undefined || device === undefined)
    return { reason: 'NoMatchingInterface', message: 'no ENI of the node has an interface on the host (yet)' };
  return { ...host, eni: eni.id, device };
}
