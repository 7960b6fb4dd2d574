import type { Cidr, IpAddress, IpFamily } from '../../lib/model/ip.ts';
import { contains, familyOf, isReservedInSubnet, parseCidr, parseIp } from '../../lib/model/ip.ts';
import { Ec2Fault, invalidValue } from './ec2-fault.ts';
import type { NetworkInterface, Subnet } from './entities.ts';
import { limitsOf } from './instance-types.ts';
import {
  addressAt,
  assignableFrom,
  covers,
  delegablePrefixes,
  delegatedLength,
  holdsReserved,
  prefixLength,
  sizeOf,
} from './ip-range.ts';
import type { CloudState } from './state.ts';
import { isReservedAddress } from './subnet-reservations.ts';

/**
 * Reads the addresses of a request: each must be an address of the family, inside the subnet and not reserved
 * (facts §1.1 for the texts, VPC guide for the reserved five). Duplicates collapse.
 * @throws {Ec2Fault} InvalidParameterValue
 */
export function requestedAddresses(subnet: Subnet, texts: readonly string[], family: IpFamily): IpAddress[] {
  if (texts.length === 0) return [];
  const network = networkOf(subnet, family);
  const addresses = texts.map((text) => {
    const address = parseIp(text);
    if (address === undefined || familyOf(address) !== family) {
      throw invalidValue(`invalid value for parameter address: ${text}`);
    }
    if (!contains(network, address)) throw invalidValue("Address does not fall within the subnet's address range");
    if (isReservedInSubnet(network, address)) throw invalidValue(`Address ${text} is in subnet's reserved range.`);
    return address;
  });
  return [...new Set(addresses)];
}

/** Reads delegated prefixes: /28 or /80, inside the subnet, free of reserved addresses. @throws {Ec2Fault} InvalidParameterValue */
export function requestedPrefixes(subnet: Subnet, texts: readonly string[], family: IpFamily): Cidr[] {
  if (texts.length === 0) return [];
  const network = networkOf(subnet, family);
  const prefixes = texts.map((text) => {
    const prefix = parseCidr(text);
    const fits =
      prefix !== undefined && familyOf(prefix) === family && prefixLength(prefix) === delegatedLength[family];
    if (!fits || !covers(network, prefix) || holdsReserved(network, prefix)) {
      throw invalidValue(`invalid value for parameter prefix: ${text}`);
    }
    return prefix;
  });
  return [...new Set(prefixes)];
}

/** The subnet's network of the family. @throws {Ec2Fault} InvalidParameterValue for IPv6 in a subnet without an IPv6 CIDR */
function networkOf(subnet: Subnet, family: IpFamily): Cidr {
  if (family === 4) return subnet.cidr;
  if (subnet.ipv6Cidr === undefined) throw invalidValue(`The subnet ${subnet.id} does not have an IPv6 CIDR block.`);
  return subnet.ipv6Cidr;
}

/**
 * Finds free addresses, going on where the last search ended, so that a freed address rests as long as possible.
 * Changes nothing but that position; `except` are addresses that the same request uses already.
 * @throws {Ec2Fault} InsufficientFreeAddressesInSubnet
 */
export function freeAddresses(
  state: CloudState,
  subnet: Subnet,
  count: number,
  family: IpFamily,
  except: readonly IpAddress[] = [],
): IpAddress[] {
  if (count === 0) return [];
  const network = networkOf(subnet, family);
  const found: IpAddress[] = [];
  for (const { address, offset } of assignableFrom(network, state.cursors.get(`${subnet.id} ${network}`) ?? 0n)) {
    if (state.holderOf(subnet.id, address) !== undefined || except.includes(address)) continue;
    if (isReservedAddress(state, subnet.id, address)) continue;
    found.push(address);
    if (found.length < count) continue;
    state.cursors.set(`${subnet.id} ${network}`, offset + 1n);
    return found;
  }
  const message = 'The specified subnet does not have enough free addresses to satisfy the request.';
  throw new Ec2Fault('InsufficientFreeAddressesInSubnet', message);
}

/** @throws {Ec2Fault} InsufficientCidrBlocks */
export function freePrefixes(state: CloudState, subnet: Subnet, count: number, family: IpFamily): Cidr[] {
  const found: Cidr[] = [];
  for (const prefix of delegablePrefixes(networkOf(subnet, family))) {
    if (found.length === count) return found;
    if (isPrefixFree(state, subnet, prefix)) found.push(prefix);
  }
  if (found.length === count) return found;
  throw new Ec2Fault(
    'InsufficientCidrBlocks',
    'The specified subnet does not have enough free cidr blocks to satisfy the request.',
  );
}

/** True when no ENI holds the prefix or an address in it. */
export function isPrefixFree(state: CloudState, subnet: Subnet, prefix: Cidr): boolean {
  if (state.holderOfPrefix(subnet.id, prefix) !== undefined) return false;
  if (familyOf(prefix) === 6) {
    const enis = state.allInterfaces(state.now()).filter((eni) => eni.subnetId === subnet.id);
    return !enis.some((eni) => eni.ipv6Addresses.some((held) => contains(prefix, held.ip)));
  }
  for (let offset = 0n; offset < sizeOf(prefix); offset += 1n) {
    if (state.holderOf(subnet.id, addressAt(prefix, offset)) !== undefined) return false;
  }
  return true;
}

/**
 * Refuses what an attached ENI cannot take: the limit counts the primary IPv4, and each delegated prefix as one.
 * A detached ENI has no limit until it is attached (facts §1.1).
 * @throws {Ec2Fault} PrivateIpAddressLimitExceeded
 */
export function assertRoom(state: CloudState, eni: NetworkInterface, extra: number, family: IpFamily): void {
  if (eni.attachment === undefined) return;
  assertFits(state.requireInstance(eni.attachment.instanceId).type, eni, extra, family);
}

/** Like {@link assertRoom}, for the instance type that the ENI is on or about to be on. @throws {Ec2Fault} PrivateIpAddressLimitExceeded */
export function assertFits(instanceType: string, eni: NetworkInterface, extra: number, family: IpFamily): void {
  const limits = limitsOf(instanceType);
  const limit = family === 4 ? limits.ipv4PerInterface : limits.ipv6PerInterface;
  const used =
    family === 4 ? eni.addresses.length + eni.ipv4Prefixes.length : eni.ipv6Addresses.length + eni.ipv6Prefixes.length;
  if (used + extra > limit) {
    throw new Ec2Fault('PrivateIpAddressLimitExceeded', 'Number of private addresses will exceed limit.');
  }
}

/** A count parameter. @throws {Ec2Fault} InvalidParameterValue unless it is at least one */
export function positive(name: string, count: number): number {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw invalidValue(`Value (${count}) for parameter ${name} is invalid. It must be at least 1.`);
  }
  return count;
}
