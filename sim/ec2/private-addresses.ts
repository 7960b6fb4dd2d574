import type { Cidr, IpAddress } from '../../lib/model/ip.ts';
import {
  assertRoom,
  freeAddresses,
  freePrefixes,
  isPrefixFree,
  positive,
  requestedAddresses,
  requestedPrefixes,
} from './address-space.ts';
import { invalidCombination, invalidValue, missingParameter } from './ec2-fault.ts';
import { followMove, freeElasticIpOf } from './elastic-ip-associations.ts';
import type { NetworkInterface, PrivateAddress, Subnet } from './entities.ts';
import type { CloudState } from './state.ts';

export interface AssignPrivateIpAddressesInput {
  readonly networkInterfaceId: string;
  readonly privateIpAddresses?: readonly string[] | undefined;
  readonly secondaryPrivateIpAddressCount?: number | undefined;
  readonly allowReassignment?: boolean | undefined;
  readonly ipv4Prefixes?: readonly string[] | undefined;
  readonly ipv4PrefixCount?: number | undefined;
}

/**
 * Assigns secondary IPv4 addresses or prefixes, all of them or none. With `allowReassignment` an address leaves the ENI that
 * has it as a secondary, and its EIP comes along. Answers only with what this call assigned. (facts §1.1)
 * @throws {Ec2Fault}
 */
export function assignPrivateIpAddresses(state: CloudState, input: AssignPrivateIpAddressesInput) {
  assertOneForm(input);
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  const subnet = state.requireSubnet(eni.subnetId);
  const prefixes = wantedPrefixes(state, subnet, input);
  const addresses = wantedAddresses(state, eni, subnet, input);
  assertRoom(state, eni, prefixes.length + addresses.length, 4);

  const moved = takeFromHolders(state, eni, addresses);
  state.putInterface({
    ...eni,
    addresses: [...eni.addresses, ...addresses.map((ip) => moved.get(ip) ?? { ip, primary: false })],
    ipv4Prefixes: [...eni.ipv4Prefixes, ...prefixes],
  });
  for (const address of moved.values()) followMove(state, address, eni.id);
  return {
    networkInterfaceId: eni.id,
    assignedPrivateIpAddressesSet: addresses.map((privateIpAddress) => ({ privateIpAddress })),
    assignedIpv4PrefixSet: prefixes.map((ipv4Prefix) => ({ ipv4Prefix })),
    return: true,
  };
}

export interface UnassignPrivateIpAddressesInput {
  readonly networkInterfaceId: string;
  readonly privateIpAddresses?: readonly string[] | undefined;
  readonly ipv4Prefixes?: readonly string[] | undefined;
}

/**
 * Takes secondary addresses off an ENI, all or none; an EIP on one is disassociated and stays allocated. (facts §1.2)
 * @throws {Ec2Fault}
 */
export function unassignPrivateIpAddresses(state: CloudState, input: UnassignPrivateIpAddressesInput) {
  const [texts, prefixes] = [input.privateIpAddresses ?? [], input.ipv4Prefixes ?? []];
  if (texts.length + prefixes.length === 0) throw missingParameter('privateIpAddresses');
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  const leaving = eni.addresses.filter((address) => texts.includes(address.ip));
  const present = [...leaving.map((address) => address.ip), ...eni.ipv4Prefixes] as string[];
  if (![...texts, ...prefixes].every((text) => present.includes(text))) {
    throw invalidValue(`Some of the specified addresses are not assigned to interface ${eni.id}`);
  }
  const primary = leaving.find((address) => address.primary);
  if (primary !== undefined) {
    const value = `Value (${primary.ip}) for parameter privateIpAddress is invalid.`;
    throw invalidValue(`${value} The primary IP address of an interface cannot be unassigned.`);
  }

  for (const address of leaving) freeElasticIpOf(state, address);
  state.putInterface({
    ...eni,
    addresses: eni.addresses.filter((address) => !leaving.includes(address)),
    ipv4Prefixes: eni.ipv4Prefixes.filter((prefix) => !prefixes.includes(prefix)),
  });
  return { return: true };
}

function assertOneForm(input: AssignPrivateIpAddressesInput): void {
  const forms = [
    (input.privateIpAddresses ?? []).length > 0,
    input.secondaryPrivateIpAddressCount !== undefined,
    (input.ipv4Prefixes ?? []).length > 0,
    input.ipv4PrefixCount !== undefined,
  ].filter(Boolean).length;
  if (forms === 0) throw missingParameter('secondaryPrivateIpAddressCount or privateIpAddresses');
  if (forms > 1)
    throw invalidCombination('Only one of the parameters for addresses, prefixes or their count is allowed.');
}

function wantedPrefixes(state: CloudState, subnet: Subnet, input: AssignPrivateIpAddressesInput): Cidr[] {
  if (input.ipv4PrefixCount !== undefined) {
    return freePrefixes(state, subnet, positive('ipv4PrefixCount', input.ipv4PrefixCount), 4);
  }
  const prefixes = requestedPrefixes(subnet, input.ipv4Prefixes ?? [], 4);
  const taken = prefixes.find((prefix) => !isPrefixFree(state, subnet, prefix));
  if (taken !== undefined) throw invalidValue(`${taken} is already assigned.`);
  return prefixes;
}

function wantedAddresses(
  state: CloudState,
  eni: NetworkInterface,
  subnet: Subnet,
  input: AssignPrivateIpAddressesInput,
): IpAddress[] {
  if (input.secondaryPrivateIpAddressCount !== undefined) {
    const count = positive('secondaryPrivateIpAddressCount', input.secondaryPrivateIpAddressCount);
    // The limit comes before the search: a full ENI is reported so even in a full subnet.
    assertRoom(state, eni, count, 4);
    return freeAddresses(state, subnet, count, 4);
  }
  const requested = requestedAddresses(subnet, input.privateIpAddresses ?? [], 4);
  const elsewhere = requested.filter((ip) => ![undefined, eni.id].includes(state.holderOf(subnet.id, ip)));
  if (elsewhere.some((ip) => !isSecondary(state, subnet, ip))) throw invalidValue('secondary-addresses');
  if (elsewhere.length > 0 && input.allowReassignment !== true) {
    throw invalidValue(`[${elsewhere.join(', ')}] assigned, but move is not allowed.`);
  }
  const present = requested.filter((ip) => state.holderOf(subnet.id, ip) === eni.id);
  if (present.length > 0 && state.knobs.assignPresent === 'error') {
    throw invalidValue(`[${present.join(', ')}] is already assigned to ${eni.id}.`);
  }
  return requested.filter((ip) => !present.includes(ip));
}

/** Only a listed secondary can move: neither a primary address nor one that lies within a delegated prefix. */
function isSecondary(state: CloudState, subnet: Subnet, ip: IpAddress): boolean {
  const holder = state.holderOf(subnet.id, ip) ?? '';
  const source = state.interfaceAt(holder, state.now());
  return source?.requesterManaged === false && source.addresses.some((held) => held.ip === ip && !held.primary);
}

/** Removes the addresses from the ENIs that hold them now; answers with the records, EIP included. */
function takeFromHolders(state: CloudState, target: NetworkInterface, ips: readonly IpAddress[]) {
  const moved = new Map<IpAddress, PrivateAddress>();
  for (const ip of ips) {
    const holder = state.holderOf(target.subnetId, ip);
    const source = holder === undefined ? undefined : state.interfaceAt(holder, state.now());
    const record = source?.addresses.find((address) => address.ip === ip);
    if (source === undefined || record === undefined) continue;
    moved.set(ip, record);
    state.putInterface({ ...source, addresses: source.addresses.filter((address) => address.ip !== ip) });
  }
  return moved;
}
