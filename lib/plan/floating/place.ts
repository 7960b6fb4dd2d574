import type { Mac } from '../../model/eni.ts';
import { addressOn, carries, type Eni, isInSubnetOf, slotLimit, usedSlots } from '../../model/eni.ts';
import type { HostAddress } from '../../model/floating-ip.ts';
import type { Placement, Unfit } from '../../model/floating-ip-plan.ts';
import { contains, familyOf, isReservedInSubnet } from '../../model/ip.ts';

export interface PlaceFacts {
  readonly enis: readonly Eni[];
  readonly devices: ReadonlyMap<Mac, string>;
  /** The interface that was asked for; undefined: whichever belongs to the subnet. */
  readonly wanted: string | undefined;
  /** Of several ENIs in the subnet take the first one, the primary before the others. */
  readonly preferPrimary?: boolean;
}

/** Which ENI and interface of this node an address belongs to, or why to none. An ENI holds addresses of its own subnet only. */
export function placeAddress(host: HostAddress, facts: PlaceFacts): Placement | Unfit {
  const { enis, devices, wanted } = facts;
  const { address } = host;
  const primaryOf = enis.find((eni) => addressOn(eni, address)?.primary);
  if (primaryOf) return { reason: 'PrimaryAddress', message: `${address} is the primary address of ${primaryOf.id}` };
  const eligible = wanted === undefined ? enis : enis.filter(({ mac }) => devices.get(mac) === wanted);
  if (wanted !== undefined && eligible.length === 0)
    return { reason: 'NoMatchingInterface', message: `no ENI of the node is the interface ${wanted}` };
  const fitting = eligible.filter((eni) => isInSubnetOf(eni, address)).toSorted(byDevice);
  // One without an interface here has been given away whole, to a pod say.
  const usable = fitting.filter(({ mac }) => devices.has(mac));
  const [eni, another] = usable.length > 0 ? usable : fitting;
  if (eni === undefined) return outside(host, eligible, wanted);
  if (another !== undefined && facts.preferPrimary !== true)
    return {
      reason: 'AmbiguousInterface',
      message: `${address} fits ${usable.map(({ id }) => id).join(' and ')}; set spec.interface`,
    };
  const device = wanted ?? devices.get(eni.mac);
  if (device === undefined)
    return { reason: 'NoMatchingInterface', message: `${eni.id} (${eni.mac}) has no interface on the host (yet)` };
  return faultOn(eni, host) ?? { ...host, eni: eni.id, device };
}

function outside({ address }: HostAddress, enis: readonly Eni[], wanted: string | undefined): Unfit {
  const known = enis.map((eni) => `${eni.id} ${eni.cidrs.join(' ')}`).join('; ') || 'none';
  return wanted === undefined
    ? {
        reason: 'NoMatchingInterface',
        message: `no ENI of the node is in a subnet with ${address} (ENIs: ${known}); addresses never leave their subnet, so select nodes of its zone`,
      }
    : { reason: 'OutsideSubnet', message: `${address} is outside the subnet of ${wanted} (${known})` };
}

function faultOn(eni: Eni, { address }: HostAddress): Unfit | undefined {
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

function byDevice(a: Eni, b: Eni): number {
  return a.networkCard - b.networkCard || a.deviceIndex - b.deviceIndex;
}
