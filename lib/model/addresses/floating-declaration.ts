import type { Cidr, IpAddress } from '../ip.ts';
import { contains, hostPrefixLength, parseCidr, parseIp } from '../ip.ts';
import type { Parsed } from '../pod.ts';
import type { Refusal } from '../refusal.ts';

/** Annotation, on a pod or on a NetworkAttachmentDefinition: addresses that may be held and taken over. */
export const FLOATING_IPS = 'eni-agent.io/floating-ips';

/** Which addresses are declared as floating: all, or those listed. */
export interface FloatingDeclaration {
  readonly any: boolean;
  readonly addresses: readonly IpAddress[];
  readonly networks: readonly Cidr[];
}

const NOTHING_FLOATS: FloatingDeclaration = { any: false, addresses: [], networks: [] };

/** More faults than this are not reported: one annotation must not fill the log. */
const MAX_REFUSALS = 5;
/** More elements than this are not read: every address of the node is compared with each of them. */
const MAX_ELEMENTS = 256;

/** Reads a comma- or blank-separated list of addresses, CIDRs or `*`. A bad element is refused by name; the others count. */
export function parseFloatingIps(
  text: string | undefined,
  where: string,
  annotation = FLOATING_IPS,
): Parsed<FloatingDeclaration> {
  if (text === undefined) return { value: NOTHING_FLOATS, refusals: [] };
  const addresses: IpAddress[] = [];
  const networks: Cidr[] = [];
  const refusals: Refusal[] = [];
  let any = false;
  const elements = text.split(/[\s,]+/).filter((part) => part !== '');
  for (const element of elements.slice(0, MAX_ELEMENTS)) {
    const address = parseIp(element);
    const network = parseCidr(element);
    if (element === '*') any = true;
    else if (address !== undefined) addresses.push(address);
    else if (network !== undefined) networks.push(network);
    else if (refusals.length < MAX_REFUSALS) refusals.push(badElement(element, `${annotation} on ${where}`));
  }
  if (elements.length > MAX_ELEMENTS) refusals.push(tooMany(elements.length, `${annotation} on ${where}`));
  return { value: { any, addresses, networks }, refusals };
}

function tooMany(count: number, where: string): Refusal {
  const message = `${where}: only the first ${MAX_ELEMENTS} of ${count} elements are read; write CIDRs instead of single addresses`;
  return { reason: 'InvalidAnnotation', message };
}

export function declares(declaration: FloatingDeclaration, address: IpAddress): boolean {
  return (
    declaration.any ||
    declaration.addresses.includes(address) ||
    declaration.networks.some((network) => contains(network, address))
  );
}

/** Bits that the addresses of a network may differ in before its declaration says no more than `*`: 256 addresses. */
const MAX_NAMED_BITS = 8;

/**
 * True when the declaration names the address, by itself or by a network of at most 256 addresses. Only that is a title to an address
 * that somebody has by another one: nobody means each single address with `*`, nor with 0.0.0.0/0.
 */
export function names({ addresses, networks }: FloatingDeclaration, address: IpAddress): boolean {
  const isSmall = (network: Cidr) => hostPrefixLength(address) - Number(network.split('/')[1]) <= MAX_NAMED_BITS;
  return addresses.includes(address) || networks.some((network) => isSmall(network) && contains(network, address));
}

function badElement(element: string, where: string): Refusal {
  const shown = JSON.stringify(element.slice(0, 80));
  return {
    reason: 'InvalidAnnotation',
    message: `${where}: ${shown} is not an address, a CIDR or "*"`,
  };
}

/** Above this a declaration covers addresses that are not listed one by one: a /26 of IPv4. */
const MAX_LISTED = 64;

/** The addresses that a declaration names, one by one: those listed and those of small IPv4 networks. */
export function listable({ addresses, networks }: FloatingDeclaration): IpAddress[] {
  const small = networks.filter((network) => sizeOf(network) <= MAX_LISTED);
  return [...new Set([...addresses, ...small.flatMap(addressesIn)])].slice(0, MAX_LISTED);
}

function sizeOf(network: Cidr): number {
  const [base = '', length] = network.split('/');
  return base.includes(':') ? Number.POSITIVE_INFINITY : 2 ** (32 - Number(length));
}

function addressesIn(network: Cidr): IpAddress[] {
  const octets = network.split('/')[0]?.split('.').map(Number) ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  const first = d - (d % sizeOf(network));
  return Array.from({ length: sizeOf(network) }, (_, index) => parseIp(`${a}.${b}.${c}.${first + index}`)).filter(
    (address) => address !== undefined,
  );
}
