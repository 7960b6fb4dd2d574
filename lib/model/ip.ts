import ipaddr from 'ipaddr.js';

declare const brand: unique symbol;

/** One address in canonical text: dotted IPv4, or lower-case compressed IPv6 (the form EC2 prints). Safe as a map key. */
export type IpAddress = string & { readonly [brand]: 'IpAddress' };

/** A network in canonical text, host bits cleared: `10.0.1.0/24`, `2001:db8::/64`. */
export type Cidr = string & { readonly [brand]: 'Cidr' };

export type IpFamily = 4 | 6;

/**
 * Parses one bare address, IPv4 or IPv6. Returns undefined for anything else.
 * Refuses IPv4 parts with leading zeros: the parser below would read `010.1.1.1` as octal 8.1.1.1.
 * Refuses zone ids and IPv4-mapped IPv6, which EC2 never assigns.
 */
export function parseIp(text: string): IpAddress | undefined {
  // The parser throws and catches within: too dear for lists of noise that somebody has written.
  if (!/^[\d.]{7,15}$|^[\da-f:.]{2,45}$/i.test(text)) return undefined;
  if (isDottedIpv4(text)) return text as IpAddress;
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? undefined : (address.toRFC5952String() as IpAddress);
}

/**
 * Parses an address that must be valid, for constants and answers of EC2.
 * @throws {TypeError} naming the text that is not an address.
 */
export function ip(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new TypeError(`not an IP address: ${JSON.stringify(text)}`);
  return address;
}

/** Parses `address/length`; host bits are cleared. Returns undefined when either part is invalid. */
export function parseCidr(text: string): Cidr | undefined {
  const host = parseHostCidr(text);
  if (host === undefined) return undefined;
  const network =
    familyOf(host.address) === 4 ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
  return `${ip(network.toString())}/${host.prefixLength}` as Cidr;
}

/** @throws {TypeError} naming the text that is not a network. See {@link parseCidr}. */
export function cidr(text: string): Cidr {
  const network = parseCidr(text);
  if (network === undefined) throw new TypeError(`not a CIDR: ${JSON.stringify(text)}`);
  return network;
}

/** Parses `address/length` and keeps the host bits, as in a CNI result (`10.0.0.5/24`) or NODEPORT_IP. */
export function parseHostCidr(text: string): { address: IpAddress; prefixLength: number } | undefined {
  const [host, length, ...rest] = text.split('/');
  const address = parseIp(host ?? '');
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length ?? '')) return undefined;
  const prefixLength = Number(length);
  return prefixLength <= hostPrefixLength(address) ? { address, prefixLength } : undefined;
}

/** 32 for IPv4, 128 for IPv6: the prefix length that means "this address alone". */
export function hostPrefixLength(address: IpAddress): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

export function familyOf(address: IpAddress | Cidr): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** True when the network holds the address; false across families. */
export function contains(network: Cidr, address: IpAddress): boolean {
  if (familyOf(network) !== familyOf(address)) return false;
  if (familyOf(address) === 6) return ipaddr.IPv6.parse(address).match(ipaddr.IPv6.parseCIDR(network));
  const [first, size] = rangeOfIpv4(network);
  return numberOfIpv4(address) >= first && numberOfIpv4(address) < first + size;
}

/**
 * True for an address that a VPC could route: not loopback, link-local, multicast, unspecified or broadcast.
 * Whether it really may be assigned is a question of the ENI's subnet.
 */
export function isGlobalUnicast(address: IpAddress): boolean {
  if (familyOf(address) === 4) {
    const number = numberOfIpv4(address);
    return !NOT_UNICAST_IPV4.some(([first, size]) => number >= first && number < first + size);
  }
  const range = ipaddr.IPv6.parse(address).range();
  return !['loopback', 'linkLocal', 'multicast', 'unspecified'].includes(range);
}

/** True for the addresses that AWS keeps for itself in a subnet: the first four and the last (VPC guide, subnet sizing). */
export function isReservedInSubnet(subnet: Cidr, address: IpAddress): boolean {
  if (!contains(subnet, address)) return false;
  if (familyOf(address) === 4) {
    const [first, size] = rangeOfIpv4(subnet);
    const offset = numberOfIpv4(address) - first;
    return offset < 4 || offset === size - 1;
  }
  const [host = '', length] = subnet.split('/');
  const offset = numberOfIpv6(address) - numberOfIpv6(host);
  return offset < 4n || offset === (1n << BigInt(128 - Number(length))) - 1n;
}

/** Order for stable output: IPv4 before IPv6, then by number. */
export function compareIp(left: IpAddress, right: IpAddress): number {
  const byFamily = familyOf(left) - familyOf(right);
  if (byFamily !== 0) return byFamily;
  if (left === right) return 0;
  if (familyOf(left) === 4) return numberOfIpv4(left) - numberOfIpv4(right);
  return numberOfIpv6(left) < numberOfIpv6(right) ? -1 : 1;
}

/*
 * Arithmetic on canonical IPv4 text by hand: each plan compares every address of the node several times, and the package, which
 * understands octal and hexadecimal, took a tenth of the agent's CPU.
 */

function isDottedIpv4(text: string): boolean {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return parts?.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part) === true;
}

/** @param address canonical, or the first part of a canonical network */
function numberOfIpv4(address: string): number {
  let [number, part] = [0, 0];
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === SLASH) break;
    if (code === DOT) [number, part] = [number * 256 + part, 0];
    else part = part * 10 + (code - ZERO);
  }
  return number * 256 + part;
}

const [DOT, SLASH, ZERO] = ['.', '/', '0'].map((text) => text.charCodeAt(0)) as [number, number, number];

/** The number of the first address, and how many there are. */
function rangeOfIpv4(network: Cidr): readonly [first: number, size: number] {
  return [numberOfIpv4(network), 2 ** (32 - Number(network.slice(network.indexOf('/') + 1)))];
}

/** "This" network, loopback, link-local, multicast, broadcast (RFC 6890, RFC 1112): each address of the node is compared in every plan. */
const NOT_UNICAST_IPV4 = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32'].map(
  (network) => rangeOfIpv4(network as Cidr),
);

/** The address as a number of its family. */
export function numberOf(address: IpAddress): bigint {
  return familyOf(address) === 4 ? BigInt(numberOfIpv4(address)) : numberOfIpv6(address);
}

/** The numbers of the first and the last address of a network, whichever of its addresses it is written with. */
export function boundsOf(network: Cidr): readonly [first: bigint, last: bigint] {
  const [text = '', length] = network.split('/');
  const address = text as IpAddress;
  const size = 1n << BigInt(hostPrefixLength(address) - Number(length));
  const own = numberOf(address);
  const first = own - (own % size);
  return [first, first + size - 1n];
}

function numberOfIpv6(address: string): bigint {
  return ipaddr.IPv6.parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The first address of a network after its own: where a VPC has the router of a subnet. */
export function firstHostOf(network: Cidr): IpAddress {
  const bytes = ipaddr.parse(network.split('/')[0] ?? '').toByteArray();
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return ip(ipaddr.fromByteArray(bytes).toString());
}
