import type { Cidr, IpAddress } from '../ip.ts';
import { contains, parseCidr, parseIp } from '../ip.ts';
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

/** More faults than this are not told: one annotation must not fill the log. */
const MAX_REFUSALS = 5;

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
  for (const element of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const address = parseIp(element);
    const network = parseCidr(element);
    if (element === '*') any = true;
    else if (address !== undefined) addresses.push(address);
    else if (network !== undefined) networks.push(network);
    else if (refusals.length < MAX_REFUSALS) refusals.push(badElement(element, `${annotation} on ${where}`));
  }
  return { value: { any, addresses, networks }, refusals };
}

export function declares(declaration: FloatingDeclaration, address: IpAddress): boolean {
  return (
    declaration.any ||
    declaration.addresses.includes(address) ||
    declaration.networks.some((network) => contains(network, address))
  );
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
