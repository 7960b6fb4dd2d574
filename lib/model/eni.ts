import type { EniNature } from './eni-protection.ts';
import type { Cidr, IpAddress } from './ip.ts';
import { contains, familyOf } from './ip.ts';

export type EniId = string;

/** A MAC address in lower case with colons, the form of IMDS and of the kernel. */
export type Mac = string;

export function mac(text: string): Mac {
  return text.trim().toLowerCase().replaceAll('-', ':');
}

/** An Elastic IP (or auto-assigned public IP: then without `allocationId`) that maps to a private address. */
export interface PublicAssociation {
  readonly publicIp: IpAddress;
  readonly allocationId?: string;
  readonly associationId?: string;
}

export interface EniAddress {
  readonly ip: IpAddress;
  /** The address that EC2 never moves: the primary IPv4, or an IPv6 address marked as primary. */
  readonly primary: boolean;
  readonly association?: PublicAssociation;
}

/** One elastic network interface of this node, as the last describe showed it and later accepted calls changed it. */
export interface Eni extends EniNature {
  readonly id: EniId;
  readonly mac: Mac;
  readonly deviceIndex: number;
  readonly networkCard: number;
  readonly subnetId: string;
  readonly vpcId: string;
  /** The subnet's networks, IPv4 and associated IPv6. An ENI can hold addresses of its own subnet only. */
  readonly cidrs: readonly Cidr[];
  readonly addresses: readonly EniAddress[];
  /** Delegated prefixes: their addresses are on the ENI without being listed one by one. */
  readonly prefixes: readonly Cidr[];
  readonly limits: EniLimits;
  /** True: packets to or from addresses that are not the ENI's own are dropped. Undefined: EC2 did not say. */
  readonly sourceDestCheck?: boolean;
}

/**
 * Addresses one ENI of this instance type can hold, the primary IPv4 included; undefined when unknown
 * (then EC2 itself says no). A delegated prefix takes one slot.
 */
export interface EniLimits {
  readonly ipv4: number | undefined;
  readonly ipv6: number | undefined;
}

/** The node as EC2 knows it. */
export interface InstanceIdentity {
  readonly instanceId: string;
  readonly region: string;
  readonly instanceType: string | undefined;
}

export function isInSubnetOf(eni: Eni, address: IpAddress): boolean {
  return eni.cidrs.some((network) => contains(network, address));
}

export function addressOn(eni: Eni, address: IpAddress): EniAddress | undefined {
  return eni.addresses.find((entry) => entry.ip === address);
}

/** True when the ENI carries the address, listed or inside a delegated prefix. */
export function carries(eni: Eni, address: IpAddress): boolean {
  return addressOn(eni, address) !== undefined || eni.prefixes.some((prefix) => contains(prefix, address));
}

/** Slots used of one family on an ENI: its addresses and its delegated prefixes, each one slot. */
export function usedSlots(eni: Eni, family: 4 | 6): number {
  const ofFamily = (value: IpAddress | Cidr) => familyOf(value) === family;
  return eni.addresses.filter((entry) => ofFamily(entry.ip)).length + eni.prefixes.filter(ofFamily).length;
}

export function slotLimit(eni: Eni, family: 4 | 6): number | undefined {
  return family === 4 ? eni.limits.ipv4 : eni.limits.ipv6;
}

/** The same ENI with the addresses added that it does not carry yet. */
export function withAddresses(eni: Eni, added: readonly IpAddress[]): Eni {
  const fresh = added.filter((address) => addressOn(eni, address) === undefined);
  return { ...eni, addresses: [...eni.addresses, ...fresh.map((address) => ({ ip: address, primary: false }))] };
}

/** The same ENI without the given secondary addresses. */
export function withoutAddresses(eni: Eni, removed: readonly IpAddress[]): Eni {
  return { ...eni, addresses: eni.addresses.filter((entry) => entry.primary || !removed.includes(entry.ip)) };
}
