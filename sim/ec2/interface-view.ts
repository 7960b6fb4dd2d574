import type { Attachment, ElasticIp, NetworkInterface, PrivateAddress } from './entities.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

/** One ENI under its wire names (facts appendix A), as a reader sees it whose knowledge ends at `moment`. */
export function interfaceView(state: CloudState, eni: NetworkInterface, moment: number) {
  const addresses = eni.addresses.map((address) => ({
    privateIpAddress: address.ip,
    privateDnsName: privateDnsName(state, address.ip),
    primary: address.primary,
    association: associationView(state, address, moment),
  }));
  const primary = addresses.find((address) => address.primary);
  return {
    networkInterfaceId: eni.id,
    subnetId: eni.subnetId,
    vpcId: eni.vpcId,
    availabilityZone: eni.zone,
    description: eni.description,
    ownerId: state.accountId,
    requesterManaged: eni.requesterManaged,
    status: interfaceStatus(eni),
    macAddress: eni.mac,
    privateIpAddress: primary?.privateIpAddress,
    privateDnsName: primary?.privateDnsName,
    sourceDestCheck: eni.sourceDestCheck,
    interfaceType: eni.interfaceType,
    groupSet: eni.groups.map((groupId) => ({ groupId, groupName: groupId.replace('sg-', 'group-') })),
    association: primary?.association,
    attachment: eni.attachment === undefined ? undefined : attachmentView(state, eni.attachment),
    tagSet: tagSet(eni.tags),
    privateIpAddressesSet: addresses,
    ipv6AddressesSet: eni.ipv6Addresses.map(({ ip, primary: isPrimaryIpv6 }) => ({ ipv6Address: ip, isPrimaryIpv6 })),
    ipv4PrefixSet: eni.ipv4Prefixes.map((ipv4Prefix) => ({ ipv4Prefix })),
    ipv6PrefixSet: eni.ipv6Prefixes.map((ipv6Prefix) => ({ ipv6Prefix })),
  };
}

/** What DescribeInstances shows of an ENI: associations without allocation and association id (facts §1.5). */
export function instanceInterfaceView(state: CloudState, eni: NetworkInterface, moment: number) {
  const view = interfaceView(state, eni, moment);
  return {
    ...view,
    association: withoutIds(view.association),
    privateIpAddressesSet: view.privateIpAddressesSet.map((address) => ({
      ...address,
      association: withoutIds(address.association),
    })),
  };
}

export function interfaceStatus(eni: NetworkInterface): 'available' | 'attaching' | 'in-use' | 'detaching' {
  if (eni.attachment === undefined) return 'available';
  return eni.attachment.phase === 'attached' ? 'in-use' : eni.attachment.phase;
}

/** The EIP on a private address as of a moment; undefined when there is none, or when it points elsewhere by then. */
export function elasticIpAt(state: CloudState, address: PrivateAddress, moment: number): ElasticIp | undefined {
  return address.allocationId === undefined ? undefined : state.elasticIps.asOf(address.allocationId, moment);
}

export function privateDnsName(state: CloudState, address: string): string {
  return `ip-${address.replaceAll('.', '-')}.${state.region}.compute.internal`;
}

export function publicDnsName(state: CloudState, address: string): string {
  return `ec2-${address.replaceAll('.', '-')}.${state.region}.compute.amazonaws.com`;
}

interface AssociationView {
  readonly publicIp: string;
  readonly publicDnsName: string;
  readonly ipOwnerId: string;
  readonly allocationId?: string;
  readonly associationId?: string;
}

function associationView(state: CloudState, address: PrivateAddress, moment: number): AssociationView | undefined {
  if (address.lentPublicIp !== undefined) {
    const publicIp = address.lentPublicIp;
    return { publicIp, publicDnsName: publicDnsName(state, publicIp), ipOwnerId: 'amazon' };
  }
  const elasticIp = elasticIpAt(state, address, moment);
  if (elasticIp?.association === undefined) return undefined;
  return {
    publicIp: elasticIp.publicIp,
    publicDnsName: publicDnsName(state, elasticIp.publicIp),
    ipOwnerId: state.accountId,
    allocationId: elasticIp.allocationId,
    associationId: elasticIp.association.id,
  };
}

function withoutIds(association: AssociationView | undefined): AssociationView | undefined {
  if (association === undefined) return undefined;
  const { publicIp, publicDnsName: dnsName, ipOwnerId } = association;
  return { publicIp, publicDnsName: dnsName, ipOwnerId };
}

function attachmentView(state: CloudState, attachment: Attachment) {
  return {
    attachmentId: attachment.id,
    instanceId: attachment.instanceId,
    instanceOwnerId: state.accountId,
    deviceIndex: attachment.deviceIndex,
    networkCardIndex: attachment.networkCardIndex,
    status: attachment.phase,
    attachTime: new Date(attachment.attachedAt),
    deleteOnTermination: attachment.deleteOnTermination,
  };
}
