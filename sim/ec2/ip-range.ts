import ipaddr from 'ipaddr.js';
import type { Cidr, IpAddress, IpFamily } from '../../lib/model/ip.ts';
import { cidr, contains, familyOf, ip, isReservedInSubnet } from '../../lib/model/ip.ts';

/** Length of a delegated prefix: /28 and /80 (EC2 prefix delegation). */
export const delegatedLength = { 4: 28, 6: 80 } as const satisfies Record<IpFamily, number>;

export function prefixLength(network: Cidr): number {
  return Number(network.slice(network.indexOf('/') + 1));
}

/** Number of addresses in the network. */
export function sizeOf(network: Cidr): bigint {
  return 1n << BigInt((familyOf(network) === 4 ? 32 : 128) - prefixLength(network));
}

/** The address at a distance from the network's first. */
export function addressAt(network: Cidr, offset: bigint): IpAddress {
  return fromNumber(toNumber(firstOf(network)) + offset, familyOf(network));
}

/** The delegated prefix that would cover the address. */
export function coveringPrefix(address: IpAddress): Cidr {
  return cidr(`${address}/${delegatedLength[familyOf(address)]}`);
}

/**
 * Addresses of the network that a subnet may give out, starting at `from` and going round once.
 * Skips the reserved ones: the first four and the last.
 */
export function* assignableFrom(network: Cidr, from: bigint): Generator<{ address: IpAddress; offset: bigint }> {
  const size = sizeOf(network);
  for (let step = 0n; step < size; step += 1n) {
    const offset = (from + step) % size;
    if (offset < 4n || offset === size - 1n) continue;
    yield { address: addressAt(network, offset), offset };
  }
}

/** Delegable prefixes of the network that hold no reserved address, lowest first. */
export function* delegablePrefixes(network: Cidr): Generator<Cidr> {
  const length = delegatedLength[familyOf(network)];
  const step = 1n << BigInt((familyOf(network) === 4 ? 32 : 128) - length);
  for (let offset = 0n; offset < sizeOf(network); offset += step) {
    const prefix = cidr(`${addressAt(network, offset)}/${length}`);
    if (!holdsReserved(network, prefix)) yield prefix;
  }
}

export function holdsReserved(network: Cidr, prefix: Cidr): boolean {
  return [0n, sizeOf(prefix) - 1n].some((offset) => isReservedInSubnet(network, addressAt(prefix, offset)));
}

/** True when `inner` lies completely inside `outer`. */
export function covers(outer: Cidr, inner: Cidr): boolean {
  return contains(outer, firstOf(inner)) && prefixLength(inner) >= prefixLength(outer);
}

export function overlaps(left: Cidr, right: Cidr): boolean {
  return contains(left, firstOf(right)) || contains(right, firstOf(left));
}

export function firstOf(network: Cidr): IpAddress {
  return ip(network.slice(0, network.indexOf('/')));
}

function toNumber(address: IpAddress): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function fromNumber(value: bigint, family: IpFamily): IpAddress {
  const length = family === 4 ? 4 : 16;
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
  return ip(ipaddr.fromByteArray(bytes).toString());
}
