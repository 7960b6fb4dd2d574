import type {
  Instance,
  InstanceTypeInfo,
  NetworkInterfaceAttachment,
  NetworkInterface as RawInterface,
} from '@aws-sdk/client-ec2';
import { type EniAddress, mac } from '../model/eni.ts';
import { parseIp } from '../model/ip.ts';
import type {
  InstanceLimits,
  InstanceRoom,
  InterfaceAttachment,
  InterfacePlace,
  NetworkInterface,
} from '../model/network-interface.ts';

/** Undefined when EC2 or a stand-in left out what identifies an interface. */
export function toInterface(raw: RawInterface): NetworkInterface | undefined {
  if (!raw.NetworkInterfaceId || !raw.MacAddress) return undefined;
  return {
    id: raw.NetworkInterfaceId,
    mac: mac(raw.MacAddress),
    subnetId: raw.SubnetId ?? '',
    vpcId: raw.VpcId ?? '',
    zone: raw.AvailabilityZone ?? '',
    description: raw.Description ?? '',
    groups: (raw.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
    addresses: addressesOf(raw),
    attachment: toAttachment(raw.Attachment),
    tags: Object.fromEntries((raw.TagSet ?? []).flatMap(({ Key, Value }) => (Key ? [[Key, Value ?? '']] : []))),
    ...(raw.SourceDestCheck === undefined ? {} : { sourceDestCheck: raw.SourceDestCheck }),
    managed:
      raw.RequesterManaged === true ||
      raw.Operator?.Managed === true ||
      (raw.InterfaceType ?? 'interface') !== 'interface',
  };
}

function addressesOf(raw: RawInterface): EniAddress[] {
  const addresses = (raw.PrivateIpAddresses ?? []).flatMap(
    ({ PrivateIpAddress, Primary, Association }): EniAddress[] => {
      const ip = parseIp(PrivateIpAddress ?? '');
      if (ip === undefined) return [];
      const publicIp = parseIp(Association?.PublicIp ?? '');
      const ids = {
        ...(Association?.AllocationId ? { allocationId: Association.AllocationId } : {}),
        ...(Association?.AssociationId ? { associationId: Association.AssociationId } : {}),
      };
      return [
        { ip, primary: Primary === true, ...(publicIp === undefined ? {} : { association: { publicIp, ...ids } }) },
      ];
    },
  );
  return addresses.toSorted((a, b) => Number(b.primary) - Number(a.primary));
}

function toAttachment(raw: NetworkInterfaceAttachment | undefined): InterfaceAttachment | undefined {
  if (!raw?.AttachmentId || raw.Status === 'detached') return undefined;
  return {
    id: raw.AttachmentId,
    instanceId: raw.InstanceId ?? '',
    deviceIndex: raw.DeviceIndex ?? 0,
    networkCard: raw.NetworkCardIndex ?? 0,
    state: raw.Status === 'attaching' || raw.Status === 'detaching' ? raw.Status : 'attached',
    ...(raw.DeleteOnTermination === undefined ? {} : { deleteOnTermination: raw.DeleteOnTermination }),
  };
}

/** Limits are undefined when EC2 named none. Older types name no cards: one card then takes everything. */
export function toInstanceLimits(raw: InstanceTypeInfo | undefined): InstanceLimits | undefined {
  const network = raw?.NetworkInfo;
  const interfaces = network?.MaximumNetworkInterfaces;
  if (network === undefined || interfaces === undefined) return undefined;
  const cards = (network.NetworkCards ?? []).map((card) => ({
    index: card.NetworkCardIndex ?? 0,
    interfaces: card.MaximumNetworkInterfaces ?? interfaces,
  }));
  return {
    interfaces,
    cards: cards.length > 0 ? cards : [{ index: 0, interfaces }],
    defaultCard: network.DefaultNetworkCardIndex ?? 0,
    ipv4PerInterface: network.Ipv4AddressesPerInterface,
  };
}

export function toRoom(raw: Instance, limits: InstanceLimits | undefined): InstanceRoom {
  return {
    instanceId: raw.InstanceId ?? '',
    type: raw.InstanceType ?? '',
    zone: raw.Placement?.AvailabilityZone ?? '',
    vpcId: raw.VpcId ?? '',
    attachable: raw.State?.Name === 'running' || raw.State?.Name === 'stopped',
    limits,
    taken: (raw.NetworkInterfaces ?? []).map(
      ({ Attachment }): InterfacePlace => ({
        deviceIndex: Attachment?.DeviceIndex ?? 0,
        networkCard: Attachment?.NetworkCardIndex ?? 0,
      }),
    ),
  };
}
