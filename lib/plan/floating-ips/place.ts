import type { Mac } from '../../model/eni.ts';
import { addressOn, carries, type Eni, isInSubnetOf, slotLimit, usedSlots } from '../../model/eni.ts';
import { explainProtection, isProtected, protectionOf } from '../../model/eni-protection.ts';
import type { HostAddress } from '../../model/floating-ips/floating-ip.ts';
import type { Ineligible, Placement } from '../../model/floating-ips/plan.ts';
import { contains, familyOf, isReservedInSubnet } from '../../model/ip.ts';

export interface PlaceFacts {
  readonly enis: readonly Eni[];
  readonly devices: ReadonlyMap<Mac, string>;
  /** Host interface by alternative name, such as the `interfaceName` of a NodeENI. @default none has one */
  readonly aliases?: ReadonlyMap<string, string>;
  /** The interface that was asked for, by any of its names; undefined: whichever belongs to the subnet. */
  readonly wanted: string | undefined;
  /** The NodePort helper: of several ENIs in the subnet take the primary, protected or not, before the others. */
  readonly preferPrimary?: boolean;
}

/**
 * Which ENI and interface of this node an address belongs to, or why to none. An ENI holds addresses of its own subnet only. On a protected
 * ENI, whose addresses the VPC CNI gives to ordinary pods, nothing is put unless the interface is named, or for the NodePort helper.
 */
export function placeAddress(host: HostAddress, facts: PlaceFacts): Placement | Ineligible {
  const { enis, devices, wanted } = facts;
  const { address } = host;
  const primaryOf = enis.find((eni) => addressOn(eni, address)?.primary);
  if (primaryOf) return { reason: 'PrimaryAddress', message: `${address} is the primary address of ${primaryOf.id}` };
  const eligible = enisOf(facts);
  if (wanted !== undefined && eligible.length === 0)
    return { reason: 'NoMatchingInterface', message: `no ENI of the node is the interface ${wanted}` };
  const inSubnet = eligible
    .filter((eni) => isInSubnetOf(eni, address))
    .toSorted(facts.preferPrimary ? byHome : byDevice);
  const knowingly = wanted !== undefined || facts.preferPrimary === true;
  const fitting = knowingly ? inSubnet : inSubnet.filter((eni) => !isProtected(eni));
  const [closed] = inSubnet;
  if (fitting.length === 0 && closed !== undefined) return protectedOnly(host, closed, devices);
  // One without an interface here has been given away whole, to a pod say.
  const usable = fitting.filter(({ mac }) => devices.has(mac));
  const [eni, another] = usable.length > 0 ? usable : fitting;
  if (eni === undefined) return outside(host, eligible, wanted);
  if (another !== undefined && facts.preferPrimary !== true)
    return {
      reason: 'AmbiguousInterface',
      message: `${address} fits ${usable.map(({ id }) => id).join(' and ')}; set spec.interface`,
    };
  const device = devices.get(eni.mac);
  if (device === undefined)
    return { reason: 'NoMatchingInterface', message: `${eni.id} (${eni.mac}) has no interface on the host (yet)` };
  return faultOn(eni, host) ?? { ...host, eni: eni.id, device };
}

/** The ENIs under the interface that was asked for, or all. */
export function enisOf({ enis, devices, aliases, wanted }: PlaceFacts): readonly Eni[] {
  if (wanted === undefined) return enis;
  const name = aliases?.get(wanted) ?? wanted;
  return enis.filter(({ mac }) => devices.get(mac) === name);
}

function outside({ address }: HostAddress, enis: readonly Eni[], wanted: string | undefined): Ineligible {
  const known = enis.map((eni) => `${eni.id} ${eni.cidrs.join(' ')}`).join('; ') || 'none';
  return wanted === undefined
    ? {
        reason: 'NoMatchingInterface',
        message: `no ENI of the node is in a subnet with ${address} (ENIs: ${known}); addresses never leave their subnet, so select nodes of its zone`,
      }
    : { reason: 'OutsideSubnet', message: `${address} is outside the subnet of ${wanted} (${known})` };
}

function protectedOnly({ address }: HostAddress, eni: Eni, devices: PlaceFacts['devices']): Ineligible {
  const protection = protectionOf(eni);
  const why = protection === undefined ? eni.id : explainProtection(eni.id, protection);
  const name = devices.get(eni.mac);
  const fix = `use an ENI of its own, tagged node.k8s.amazonaws.com/no_manage=true${name ? `, or set spec.interface to ${name} to put it there knowingly` : ''}`;
  return { reason: 'ProtectedInterface', message: `${address} is not put on an ENI: ${why}; ${fix}` };
}

function faultOn(eni: Eni, { address }: HostAddress): Ineligible | undefined {
  const subnet = eni.cidrs.find((network) => contains(network, address));
  if (subnet !== undefined && isReservedInSubnet(subnet, address))
    return {
      reason: 'ReservedAddress',
      message: `${address} is one of the addresses of ${subnet} that AWS keeps (the first four and the last)`,
    };
  const limit = slotLimit(eni, familyOf(address));
  const used = usedSlots(eni, familyOf(address));
  if (limit !== undefined && used >= limit && !carries(eni, address))
    return { reason: 'AddressLimitExceeded', message: `${eni.id} is full: ${used} of ${limit} addresses are used` };
  return undefined;
}

/** The primary ENI, then those that nobody else manages. */
function byHome(a: Eni, b: Eni): number {
  const rank = (eni: Eni) => (eni.deviceIndex === 0 && eni.networkCard === 0 ? 0 : isProtected(eni) ? 2 : 1);
  return rank(a) - rank(b) || byDevice(a, b);
}

function byDevice(a: Eni, b: Eni): number {
  return a.networkCard - b.networkCard || a.deviceIndex - b.deviceIndex;
}
