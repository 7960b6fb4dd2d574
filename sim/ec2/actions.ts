import type { Cloud } from './cloud.ts';
import { missingParameter } from './ec2-fault.ts';
import type { Query } from './query.ts';

/** How an action is read from the wire and performed. */
export interface Action {
  /** Assign and Unassign have no DryRun, nor has DescribePublicIpv4Pools (facts §1.0). */
  readonly dryRun: boolean;
  /** Reads all parameters; the result performs the call. */
  read(query: Query): (cloud: Cloud) => object;
}

/** Every action that the simulator knows, with its wire keys (facts §1.0, "wire key surprises"). */
export const actions: Readonly<Record<string, Action>> = {
  AssignPrivateIpAddresses: withoutDryRun(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      privateIpAddresses: query.list('PrivateIpAddress'),
      secondaryPrivateIpAddressCount: query.integer('SecondaryPrivateIpAddressCount'),
      allowReassignment: query.flag('AllowReassignment'),
      ipv4Prefixes: query.list('Ipv4Prefix'),
      ipv4PrefixCount: query.integer('Ipv4PrefixCount'),
    }),
    (cloud, input) => cloud.assignPrivateIpAddresses(input),
  ),
  UnassignPrivateIpAddresses: withoutDryRun(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      privateIpAddresses: query.list('PrivateIpAddress'),
      ipv4Prefixes: query.list('Ipv4Prefix'),
    }),
    (cloud, input) => cloud.unassignPrivateIpAddresses(input),
  ),
  AssignIpv6Addresses: withoutDryRun(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      ipv6Addresses: query.list('Ipv6Addresses'),
      ipv6AddressCount: query.integer('Ipv6AddressCount'),
      ipv6Prefixes: query.list('Ipv6Prefix'),
      ipv6PrefixCount: query.integer('Ipv6PrefixCount'),
    }),
    (cloud, input) => cloud.assignIpv6Addresses(input),
  ),
  UnassignIpv6Addresses: withoutDryRun(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      ipv6Addresses: query.list('Ipv6Addresses'),
      ipv6Prefixes: query.list('Ipv6Prefix'),
    }),
    (cloud, input) => cloud.unassignIpv6Addresses(input),
  ),
  AllocateAddress: action(
    (query) => ({
      domain: query.text('Domain'),
      address: query.text('Address'),
      publicIpv4Pool: query.text('PublicIpv4Pool'),
      networkBorderGroup: query.text('NetworkBorderGroup'),
      tagSpecifications: tagSpecifications(query),
    }),
    (cloud, input) => cloud.allocateAddress(input),
  ),
  ReleaseAddress: action(
    (query) => ({
      allocationId: query.text('AllocationId'),
      publicIp: query.text('PublicIp'),
      networkBorderGroup: query.text('NetworkBorderGroup'),
    }),
    (cloud, input) => cloud.releaseAddress(input),
  ),
  AssociateAddress: action(
    (query) => ({
      allocationId: query.text('AllocationId'),
      publicIp: query.text('PublicIp'),
      networkInterfaceId: query.text('NetworkInterfaceId'),
      instanceId: query.text('InstanceId'),
      privateIpAddress: query.text('PrivateIpAddress'),
      allowReassociation: query.flag('AllowReassociation'),
    }),
    (cloud, input) => cloud.associateAddress(input),
  ),
  DisassociateAddress: action(
    (query) => ({ associationId: query.text('AssociationId'), publicIp: query.text('PublicIp') }),
    (cloud, input) => cloud.disassociateAddress(input),
  ),
  CreateNetworkInterface: action(
    (query) => ({
      subnetId: query.required('SubnetId'),
      description: query.text('Description'),
      groups: orAbsent(query.list('SecurityGroupId')),
      privateIpAddress: query.text('PrivateIpAddress'),
      privateIpAddresses: query.structures('PrivateIpAddresses', (element) => ({
        privateIpAddress: element.required('PrivateIpAddress'),
        primary: element.flag('Primary'),
      })),
      secondaryPrivateIpAddressCount: query.integer('SecondaryPrivateIpAddressCount'),
      ipv6Addresses: query.structures('Ipv6Addresses', (element) => element.required('Ipv6Address')),
      ipv6AddressCount: query.integer('Ipv6AddressCount'),
      interfaceType: query.text('InterfaceType'),
      enablePrimaryIpv6: query.flag('EnablePrimaryIpv6'),
      tagSpecifications: tagSpecifications(query),
      clientToken: query.text('ClientToken'),
    }),
    (cloud, input) => cloud.createNetworkInterface(input),
  ),
  AttachNetworkInterface: action(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      instanceId: query.required('InstanceId'),
      deviceIndex: query.requiredInteger('DeviceIndex'),
      networkCardIndex: query.integer('NetworkCardIndex'),
    }),
    (cloud, input) => cloud.attachNetworkInterface(input),
  ),
  DetachNetworkInterface: action(
    (query) => ({ attachmentId: query.required('AttachmentId'), force: query.flag('Force') }),
    (cloud, input) => cloud.detachNetworkInterface(input),
  ),
  DeleteNetworkInterface: action(
    (query) => ({ networkInterfaceId: query.required('NetworkInterfaceId') }),
    (cloud, input) => cloud.deleteNetworkInterface(input),
  ),
  ModifyNetworkInterfaceAttribute: action(
    (query) => ({
      networkInterfaceId: query.required('NetworkInterfaceId'),
      description: query.text('Description.Value'),
      sourceDestCheck: query.flag('SourceDestCheck.Value'),
      groups: orAbsent(query.list('SecurityGroupId')),
      attachment: attachmentChange(query),
    }),
    (cloud, input) => cloud.modifyNetworkInterfaceAttribute(input),
  ),
  CreateTags: action(
    (query) => ({ resources: query.list('ResourceId'), tags: tags(query) }),
    (cloud, input) => cloud.createTags(input),
  ),
  DeleteTags: action(
    (query) => ({
      resources: query.list('ResourceId'),
      tags: query.structures('Tag', (tag) => ({ key: tag.required('Key'), value: tag.text('Value') })),
    }),
    (cloud, input) => cloud.deleteTags(input),
  ),
  DescribeNetworkInterfaces: action(
    (query) => ({ networkInterfaceIds: query.list('NetworkInterfaceId'), ...selection(query) }),
    (cloud, input) => cloud.describeNetworkInterfaces(input),
  ),
  DescribeInstances: action(
    (query) => ({ instanceIds: query.list('InstanceId'), ...selection(query) }),
    (cloud, input) => cloud.describeInstances(input),
  ),
  DescribeInstanceTypes: action(
    (query) => ({ instanceTypes: query.list('InstanceType'), ...selection(query) }),
    (cloud, input) => cloud.describeInstanceTypes(input),
  ),
  DescribeSubnets: action(
    (query) => ({ subnetIds: query.list('SubnetId'), ...selection(query) }),
    (cloud, input) => cloud.describeSubnets(input),
  ),
  GetSubnetCidrReservations: action(
    (query) => ({ subnetId: query.required('SubnetId') }),
    (cloud, input) => cloud.getSubnetCidrReservations(input),
  ),
  DescribeSecurityGroups: action(
    (query) => ({ groupIds: query.list('GroupId'), ...selection(query) }),
    (cloud, input) => cloud.describeSecurityGroups(input),
  ),
  DescribeAddresses: action(
    (query) => ({
      allocationIds: query.list('AllocationId'),
      publicIps: query.list('PublicIp'),
      filters: filters(query),
    }),
    (cloud, input) => cloud.describeAddresses(input),
  ),
  DescribePublicIpv4Pools: withoutDryRun(
    (query) => ({ poolIds: query.list('PoolId'), ...selection(query) }),
    (cloud, input) => cloud.describePublicIpv4Pools(input),
  ),
  DescribeRouteTables: action(
    (query) => ({ routeTableIds: query.list('RouteTableId'), ...selection(query) }),
    (cloud, input) => cloud.describeRouteTables(input),
  ),
  CreateRoute: action(routeTo, (cloud, input) => cloud.createRoute(input)),
  ReplaceRoute: action(routeTo, (cloud, input) => cloud.replaceRoute(input)),
  DeleteRoute: action(routeName, (cloud, input) => cloud.deleteRoute(input)),
  GetServiceQuota: withoutDryRun(quotaName, (cloud, input) => cloud.getServiceQuota(input)),
  GetAWSDefaultServiceQuota: withoutDryRun(quotaName, (cloud, input) => cloud.getDefaultServiceQuota(input)),
};

function action<I>(decode: (query: Query) => I, perform: (cloud: Cloud, input: I) => object, dryRun = true): Action {
  return {
    dryRun,
    read: (query) => {
      const input = decode(query);
      return (cloud) => perform(cloud, input);
    },
  };
}

function withoutDryRun<I>(decode: (query: Query) => I, perform: (cloud: Cloud, input: I) => object): Action {
  return action(decode, perform, false);
}

/** Service Quotas speaks JSON; its two members come here as if they were Query parameters (facts §3). */
function quotaName(query: Query) {
  return { serviceCode: query.required('ServiceCode'), quotaCode: query.required('QuotaCode') };
}

function routeName(query: Query) {
  return {
    routeTableId: query.required('RouteTableId'),
    destinationCidrBlock: query.text('DestinationCidrBlock'),
    destinationIpv6CidrBlock: query.text('DestinationIpv6CidrBlock'),
  };
}

function routeTo(query: Query) {
  return {
    ...routeName(query),
    networkInterfaceId: query.text('NetworkInterfaceId'),
    gatewayId: query.text('GatewayId'),
  };
}

function selection(query: Query) {
  return { filters: filters(query), maxResults: query.integer('MaxResults'), nextToken: query.text('NextToken') };
}

function filters(query: Query) {
  return query.structures('Filter', (filter) => ({ name: filter.required('Name'), values: filter.list('Value') }));
}

function tags(query: Query) {
  return query.structures('Tag', (tag) => ({ key: tag.required('Key'), value: tag.text('Value') ?? '' }));
}

function tagSpecifications(query: Query) {
  return query.structures('TagSpecification', (specification) => ({
    resourceType: specification.required('ResourceType'),
    tags: tags(specification),
  }));
}

function attachmentChange(query: Query) {
  const attachmentId = query.text('Attachment.AttachmentId');
  const deleteOnTermination = query.flag('Attachment.DeleteOnTermination');
  if (attachmentId === undefined && deleteOnTermination === undefined) return undefined;
  if (attachmentId === undefined) throw missingParameter('Attachment.AttachmentId');
  if (deleteOnTermination === undefined) throw missingParameter('Attachment.DeleteOnTermination');
  return { attachmentId, deleteOnTermination };
}

function orAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
