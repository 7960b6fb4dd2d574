import type { Cidr, IpAddress } from '../../lib/model/ip.ts';
import { parseIp } from '../../lib/model/ip.ts';
import {
  assertRoom,
  freeAddresses,
  freePrefixes,
  isPrefixFree,
  positive,
  requestedAddresses,
  requestedPrefixes,
} from './address-space.ts';
import { Ec2Fault, invalidCombination, invalidValue, missingParameter } from './ec2-fault.ts';
import type { NetworkInterface, Subnet } from './entities.ts';
import type { CloudState } from './state.ts';

export interface AssignIpv6AddressesInput {
  readonly networkInterfaceId: string;
  readonly ipv6Addresses?: readonly string[] | undefined;
  readonly ipv6AddressCount?: number | undefined;
  readonly ipv6Prefixes?: readonly string[] | undefined;
  readonly ipv6PrefixCount?: number | undefined;
}

/**
 * Assigns IPv6 addresses or prefixes, all or none. There is no reassignment: what another ENI holds must be unassigned there
 * first; the code of that refusal is the knob `ipv6InUseCode`. (facts §1.3)
 * @throws {Ec2Fault}
 */
export function assignIpv6Addresses(state: CloudState, input: AssignIpv6AddressesInput) {
  assertOneForm(input);
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  const subnet = state.requireSubnet(eni.subnetId);
  const prefixes = wantedPrefixes(state, subnet, input);
  const addresses = wantedAddresses(state, eni, subnet, input);
  assertRoom(state, eni, prefixes.length + addresses.length, 6);

  state.putInterface({
    ...eni,
    ipv6Addresses: [...eni.ipv6Addresses, ...addresses.map((ip) => ({ ip, primary: false }))],
    ipv6Prefixes: [...eni.ipv6Prefixes, ...prefixes],
  });
  return {
    networkInterfaceId: eni.id,
    assignedIpv6Addresses: addresses,
    assignedIpv6PrefixSet: prefixes,
  };
}

export interface UnassignIpv6AddressesInput {
  readonly networkInterfaceId: string;
  readonly ipv6Addresses?: readonly string[] | undefined;
  readonly ipv6Prefixes?: readonly string[] | undefined;
}

/** Takes IPv6 addresses off an ENI, all or none; a primary IPv6 address stays forever. (facts §1.3) @throws {Ec2Fault} */
export function unassignIpv6Addresses(state: CloudState, input: UnassignIpv6AddressesInput) {
  const addresses = (input.ipv6Addresses ?? []).map(requiredIpv6);
  const prefixes = input.ipv6Prefixes ?? [];
  if (addresses.length + prefixes.length === 0) throw missingParameter('ipv6Addresses');
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  const leaving = eni.ipv6Addresses.filter((held) => addresses.includes(held.ip));
  const present = [...leaving.map((held) => held.ip), ...eni.ipv6Prefixes] as string[];
  if (![...addresses, ...prefixes].every((text) => present.includes(text))) {
    throw invalidValue(`Some of the specified addresses are not assigned to interface ${eni.id}`);
  }
  if (leaving.some((held) => held.primary)) throw invalidValue('The primary IPv6 address cannot be unassigned.');

  state.putInterface({
    ...eni,
    ipv6Addresses: eni.ipv6Addresses.filter((held) => !leaving.includes(held)),
    ipv6Prefixes: eni.ipv6Prefixes.filter((prefix) => !prefixes.includes(prefix)),
  });
  return {
    networkInterfaceId: eni.id,
    unassignedIpv6Addresses: leaving.map((held) => held.ip),
    unassignedIpv6PrefixSet: prefixes,
  };
}

function assertOneForm(input: AssignIpv6AddressesInput): void {
  const forms = [
    (input.ipv6Addresses ?? []).length > 0,
    input.ipv6AddressCount !== undefined,
    (input.ipv6Prefixes ?? []).length > 0,
    input.ipv6PrefixCount !== undefined,
  ].filter(Boolean).length;
  if (forms === 0) throw missingParameter('ipv6AddressCount or ipv6Addresses');
  if (forms > 1)
    throw invalidCombination('Only one of the parameters for addresses, prefixes or their count is allowed.');
}

function wantedPrefixes(state: CloudState, subnet: Subnet, input: AssignIpv6AddressesInput): Cidr[] {
  if (input.ipv6PrefixCount !== undefined) {
    return freePrefixes(state, subnet, positive('ipv6PrefixCount', input.ipv6PrefixCount), 6);
  }
  const prefixes = requestedPrefixes(subnet, input.ipv6Prefixes ?? [], 6);
  const taken = prefixes.find((prefix) => !isPrefixFree(state, subnet, prefix));
  if (taken !== undefined) throw new Ec2Fault(state.knobs.ipv6InUseCode, `${taken} is already assigned.`);
  return prefixes;
}

function wantedAddresses(
  state: CloudState,
  eni: NetworkInterface,
  subnet: Subnet,
  input: AssignIpv6AddressesInput,
): IpAddress[] {
  if (input.ipv6AddressCount !== undefined) {
    const count = positive('ipv6AddressCount', input.ipv6AddressCount);
    assertRoom(state, eni, count, 6);
    return freeAddresses(state, subnet, count, 6);
  }
  const requested = requestedAddresses(subnet, input.ipv6Addresses ?? [], 6);
  const elsewhere = requested.filter((ip) => ![undefined, eni.id].includes(state.holderOf(subnet.id, ip)));
  if (elsewhere.length > 0)
    throw new Ec2Fault(state.knobs.ipv6InUseCode, `[${elsewhere.join(', ')}] is already assigned.`);
  const present = requested.filter((ip) => state.holderOf(subnet.id, ip) === eni.id);
  if (present.length > 0 && state.knobs.assignPresent === 'error') {
    throw invalidValue(`[${present.join(', ')}] is already assigned to ${eni.id}.`);
  }
  return requested.filter((ip) => !present.includes(ip));
}

function requiredIpv6(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined || !address.includes(':'))
    throw invalidValue(`invalid value for parameter address: ${text}`);
  return address;
}
