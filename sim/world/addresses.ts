import { type IpAddress, ip } from '../../lib/model/ip.ts';
import type { WorldEni, WorldSubnet } from './topology.ts';

export type Family = 4 | 6;

/** Hands out addresses of subnets as an IPAM plugin would: upwards from the 20th, never one twice. */
export class AddressPool {
  readonly #next = new Map<string, number>();

  take(subnet: WorldSubnet, family: Family): IpAddress {
    const key = `${subnet.id} ${family}`;
    const number = this.#next.get(key) ?? 20;
    this.#next.set(key, number + 1);
    return addressAt(subnet, family, number);
  }
}

/** The n-th address of a subnet: a /24, or a /64 with the number as its last group. */
export function addressAt(subnet: WorldSubnet, family: Family, number: number): IpAddress {
  if (family === 4) return ip(subnet.cidr.replace(/\.0\/24$/, `.${number}`));
  if (subnet.ipv6Cidr === undefined) throw new Error(`subnet ${subnet.name} has no IPv6`);
  return ip(subnet.ipv6Cidr.replace(/::\/64$/, `::${number.toString(16)}`));
}

/** With the prefix length that a CNI plugin or `ip addr add` wants. */
export function withPrefix(address: string, { subnet }: Pick<WorldEni, 'subnet'>): string {
  const network = address.includes(':') ? (subnet.ipv6Cidr ?? '/64') : subnet.cidr;
  return `${address}/${network.split('/')[1]}`;
}
