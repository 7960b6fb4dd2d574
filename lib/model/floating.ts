import type { Cidr, IpAddress } from './ip.ts';
import { contains, parseCidr, parseIp } from './ip.ts';
import type { Parsed } from './pod.ts';
import type { Refusal } from './refusal.ts';

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
export function parseFloatingIps(text: string | undefined, where: string): Parsed<FloatingDeclaration> {
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
    else if (refusals.length < MAX_REFUSALS) refusals.push(badElement(element, where));
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
    message: `${FLOATING_IPS} on ${where}: ${shown} is not an address, a CIDR or "*"`,
  };
}
