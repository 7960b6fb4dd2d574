import type { Address, InstanceTypeInfo, NetworkInterface, PublicIpv4Pool, Subnet, Tag } from '@aws-sdk/client-ec2';
import type { AddressHolder } from '../model/addresses/holder.ts';
import {
  AMAZON_POOL,
  type ElasticIp,
  type ElasticIpAssociation,
  type PublicIpPool,
} from '../model/elastic-ips/elastic-ip.ts';
import { type Eni, type EniAddress, type EniLimits, mac, type PublicAssociation } from '../model/eni.ts';
import type { EniNature } from '../model/eni-protection.ts';
import { type Cidr, type IpAddress, parseCidr, parseIp } from '../model/ip.ts';
import type { OnWarning } from './api.ts';

/** An ENI as the SDK gives it. Every member may be missing: EC2 omits empty sets, stand-ins omit more. */
export type RawEni = NetworkInterface;

export const UNKNOWN_LIMITS: EniLimits = { ipv4: undefined, ipv6: undefined };

/**
 * True for an ENI whose addresses we may change: fully attached, not run by an AWS service (`requesterManaged`, `operator.managed`),
 * and able to have addresses at all (an `efa-only` interface is not).
 */
export function isUsable(raw: RawEni): boolean {
  const attachment = raw.Attachment?.Status ?? 'attached';
  const inMotion = attachment !== 'attached' || raw.Status === 'attaching' || raw.Status === 'detaching';
  const managed = raw.RequesterManaged === true || raw.Operator?.Managed === true;
  return !inMotion && !managed && (raw.InterfaceType as string | undefined) !== 'efa-only';
}

/** Undefined, with a warning, when EC2 or a stand-in left out what identifies an ENI. */
export function toEni(
  raw: RawEni,
  joined: { cidrs: readonly Cidr[]; limits: EniLimits },
  onWarning: OnWarning,
): Eni | undefined {
  if (!raw.NetworkInterfaceId || !raw.MacAddress) {
    onWarning('EC2 described a network interface without id or MAC address', { eni: raw.NetworkInterfaceId });
    return undefined;
  }
  return {
    id: raw.NetworkInterfaceId,
    mac: mac(raw.MacAddress),
    ...toNature(raw),
    // A place that nobody says is not the primary's.
    deviceIndex: raw.Attachment?.DeviceIndex ?? 1,
    subnetId: raw.SubnetId ?? '',
    vpcId: raw.VpcId ?? '',
    cidrs: joined.cidrs,
    addresses: addressesOf(raw, onWarning),
    prefixes: prefixesOf(raw, onWarning),
    limits: joined.limits,
    ...(raw.SourceDestCheck === undefined ? {} : { sourceDestCheck: raw.SourceDestCheck }),
  };
}

function toNature(raw: RawEni): EniNature {
  return {
    deviceIndex: raw.Attachment?.DeviceIndex,
    networkCard: raw.Attachment?.NetworkCardIndex ?? 0,
    description: raw.Description ?? '',
    interfaceType: raw.InterfaceType ?? 'interface',
    requesterManaged: raw.RequesterManaged === true || raw.Operator?.Managed === true,
    tags: toTags(raw.TagSet),
  };
}

function addressesOf(raw: RawEni, onWarning: OnWarning): EniAddress[] {
  const ipv4 = (raw.PrivateIpAddresses ?? []).map((entry) => {
    const ip = readIp(entry.PrivateIpAddress, raw, onWarning);
    const association = toPublicAssociation(entry.Association);
    return ip && { ip, primary: entry.Primary === true, ...(association === undefined ? {} : { association }) };
  });
  const ipv6 = (raw.Ipv6Addresses ?? []).map((entry) => {
    const ip = readIp(entry.Ipv6Address, raw, onWarning);
    return ip && { ip, primary: entry.IsPrimaryIpv6 === true };
  });
  return [...ipv4, ...ipv6].filter((entry) => entry !== undefined);
}

function prefixesOf(raw: RawEni, onWarning: OnWarning): Cidr[] {
  const texts = [
    ...(raw.Ipv4Prefixes ?? []).map((entry) => entry.Ipv4Prefix),
    ...(raw.Ipv6Prefixes ?? []).map((entry) => entry.Ipv6Prefix),
  ];
  return texts
    .map((text) => readCidr(text, raw.NetworkInterfaceId, onWarning))
    .filter((prefix) => prefix !== undefined);
}

/** An auto-assigned public IP has neither allocation nor association id. */
function toPublicAssociation(
  raw:
    | { PublicIp?: string | undefined; AllocationId?: string | undefined; AssociationId?: string | undefined }
    | undefined,
): PublicAssociation | undefined {
  const publicIp = parseIp(raw?.PublicIp ?? '');
  if (raw === undefined || publicIp === undefined) return undefined;
  return {
    publicIp,
    ...(raw.AllocationId ? { allocationId: raw.AllocationId } : {}),
    ...(raw.AssociationId ? { associationId: raw.AssociationId } : {}),
  };
}

/** The IPv4 network and the IPv6 networks that are associated by now (not those that come or go). */
export function toCidrs(raw: Subnet, onWarning: OnWarning): Cidr[] {
  const ipv6 = (raw.Ipv6CidrBlockAssociationSet ?? [])
    .filter((association) => association.Ipv6CidrBlockState?.State === 'associated')
    .map((association) => association.Ipv6CidrBlock);
  // An IPv6-only subnet has an empty or no IPv4 block.
  const texts = [raw.CidrBlock, ...ipv6].filter((text) => text !== undefined && text !== '');
  return texts.map((text) => readCidr(text, raw.SubnetId, onWarning)).filter((network) => network !== undefined);
}

export function toLimits(raw: InstanceTypeInfo | undefined): EniLimits {
  return {
    ipv4: raw?.NetworkInfo?.Ipv4AddressesPerInterface,
    ipv6: raw?.NetworkInfo?.Ipv6AddressesPerInterface,
  };
}

/** Where this ENI's addresses are: an entry for each of them. */
export function toHolders(raw: RawEni, onWarning: OnWarning): [IpAddress, AddressHolder][] {
  const eni = raw.NetworkInterfaceId;
  if (!eni) return [];
  const instanceId = raw.Attachment?.InstanceId || undefined;
  const nature = toNature(raw);
  return addressesOf(raw, onWarning).map(({ ip, primary }) => [ip, { eni, instanceId, primary, nature }]);
}

/** Undefined for an address outside any VPC (EC2-Classic, long gone) and for unreadable ones. */
export function toElasticIp(raw: Address): ElasticIp | undefined {
  const publicIp = parseIp(raw.PublicIp ?? '');
  if (!raw.AllocationId || publicIp === undefined) return undefined;
  return {
    allocationId: raw.AllocationId,
    publicIp,
    pool: raw.PublicIpv4Pool || AMAZON_POOL,
    tags: toTags(raw.Tags),
    serviceManaged: (raw.ServiceManaged ?? '').length > 0,
    association: toAssociation(raw),
  };
}

function toAssociation(raw: Address): ElasticIpAssociation | undefined {
  if (!raw.AssociationId) return undefined;
  return {
    associationId: raw.AssociationId,
    eni: raw.NetworkInterfaceId || undefined,
    privateIp: parseIp(raw.PrivateIpAddress ?? ''),
  };
}

export function toPool(raw: PublicIpv4Pool): PublicIpPool | undefined {
  if (!raw.PoolId) return undefined;
  return {
    id: raw.PoolId,
    total: raw.TotalAddressCount ?? 0,
    available: raw.TotalAvailableAddressCount ?? 0,
    tags: toTags(raw.Tags),
  };
}

/** Keys that only look inherited (`__proto__`) stay plain keys. */
export function toTags(raw: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((raw ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']).filter(([key]) => key !== ''));
}

/** The SDK's form of tags. */
export function fromTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function readIp(text: string | undefined, raw: RawEni, onWarning: OnWarning): IpAddress | undefined {
  const address = parseIp(text ?? '');
  if (address === undefined)
    onWarning('EC2 described an unreadable address', { eni: raw.NetworkInterfaceId, address: text });
  return address;
}

function readCidr(text: string | undefined, of: string | undefined, onWarning: OnWarning): Cidr | undefined {
  const network = parseCidr(text ?? '');
  if (network === undefined) onWarning('EC2 described an unreadable network', { of, network: text });
  return network;
}
