import type { Mac } from '../model/eni.ts';
import { mac } from '../model/eni.ts';
import type { IpAddress } from '../model/ip.ts';
import { isGlobalUnicast, parseIp } from '../model/ip.ts';
import type { JsonObject } from '../model/json.ts';
import { integerOf, objectsOf, parseJson, textOf } from '../model/json.ts';

/** One address as `ip -j addr show` prints it. */
export interface KernelAddress {
  readonly ip: IpAddress;
  readonly prefixLength: number;
  /** IPv6 duplicate detection is still running; the address will be usable unless it finds one. */
  readonly tentative: boolean;
  /** IPv6 duplicate detection found the address elsewhere: it stays listed and is unusable. */
  readonly dadFailed: boolean;
  readonly deprecated: boolean;
}

/** One link as `ip -j addr show` or `ip -j link show` prints it. */
export interface KernelLink {
  readonly ifindex: number;
  readonly name: string;
  readonly altNames: readonly string[];
  readonly mac: Mac | undefined;
  /** Administratively up. */
  readonly up: boolean;
  readonly mtu: number | undefined;
  /** Index of the link under this one (or of a veth's other end) in the namespace that `parentNetns` names. */
  readonly parentIndex: number | undefined;
  /** Id of the parent's namespace, as this namespace counts; undefined when the parent is in this one. */
  readonly parentNetns: number | undefined;
  readonly addresses: readonly KernelAddress[];
}

/**
 * Reads the JSON of `ip -j addr show` or `ip -j link show`. Loopback, link-local and other addresses that a VPC cannot route are
 * left out, and so are the empty objects that iproute2 prints for what its filters removed.
 * Returns undefined when the text is not such a list, so that garbage is never taken for "no addresses".
 */
export function parseLinks(text: string): readonly KernelLink[] | undefined {
  const list = parseJson(text);
  return Array.isArray(list) ? objectsOf(list).flatMap(linkOf) : undefined;
}

/** Whether the kernel would use the address: one that failed duplicate detection is not. */
export function isUsable(address: KernelAddress): boolean {
  return !address.dadFailed;
}

function linkOf(link: JsonObject): KernelLink[] {
  const ifindex = integerOf(link.ifindex);
  const name = textOf(link.ifname);
  if (ifindex === undefined || name === undefined) return [];
  const address = textOf(link.address);
  const flags = Array.isArray(link.flags) ? link.flags : [];
  return [
    {
      ifindex,
      name,
      altNames: Array.isArray(link.altnames) ? link.altnames.filter((alias) => typeof alias === 'string') : [],
      mac: address === undefined ? undefined : mac(address),
      up: flags.includes('UP'),
      mtu: integerOf(link.mtu),
      parentIndex: integerOf(link.link_index),
      parentNetns: integerOf(link.link_netnsid),
      addresses: objectsOf(link.addr_info).flatMap(addressOf),
    },
  ];
}

function addressOf(info: JsonObject): KernelAddress[] {
  const ip = parseIp(textOf(info.local) ?? '');
  const prefixLength = integerOf(info.prefixlen);
  if (ip === undefined || prefixLength === undefined || !isGlobalUnicast(ip)) return [];
  return [
    {
      ip,
      prefixLength,
      tentative: info.tentative === true,
      dadFailed: info.dadfailed === true,
      deprecated: info.deprecated === true,
    },
  ];
}
