import { ip } from '../../lib/model/ip.ts';
import type { AttachNetworkInterfaceInput } from './attachments.ts';
import { attachNetworkInterface, detachNetworkInterface } from './attachments.ts';
import type { DescribeAddressesInput, DescribePublicIpv4PoolsInput } from './describe-addresses.ts';
import { describeAddresses, describePublicIpv4Pools } from './describe-addresses.ts';
import type { DescribeInstancesInput, DescribeInstanceTypesInput } from './describe-instances.ts';
import { describeInstances, describeInstanceTypes } from './describe-instances.ts';
import type { DescribeNetworkInterfacesInput } from './describe-interfaces.ts';
import { describeNetworkInterfaces } from './describe-interfaces.ts';
import type { DescribeRouteTablesInput } from './describe-route-tables.ts';
import { describeRouteTables } from './describe-route-tables.ts';
import type { DescribeSubnetsInput } from './describe-subnets.ts';
import { describeSubnets } from './describe-subnets.ts';
import type { AssociateAddressInput, DisassociateAddressInput } from './elastic-ip-associations.ts';
import { associateAddress, disassociateAddress } from './elastic-ip-associations.ts';
import type { AllocateAddressInput, ReleaseAddressInput } from './elastic-ips.ts';
import { allocateAddress, releaseAddress } from './elastic-ips.ts';
import type { Instance, InstanceState } from './entities.ts';
import type { IdSource } from './ids.ts';
import { countingIds } from './ids.ts';
import type { CreateNetworkInterfaceInput, ModifyNetworkInterfaceAttributeInput } from './interfaces.ts';
import { createNetworkInterface, deleteNetworkInterface, modifyNetworkInterfaceAttribute } from './interfaces.ts';
import type { AssignIpv6AddressesInput, UnassignIpv6AddressesInput } from './ipv6-addresses.ts';
import { assignIpv6Addresses, unassignIpv6Addresses } from './ipv6-addresses.ts';
import type { AssignPrivateIpAddressesInput, UnassignPrivateIpAddressesInput } from './private-addresses.ts';
import { assignPrivateIpAddresses, unassignPrivateIpAddresses } from './private-addresses.ts';
import type { ServiceQuotaInput } from './quotas.ts';
import { getDefaultServiceQuota, getServiceQuota } from './quotas.ts';
import type { RouteTableInput } from './route-table-topology.ts';
import { addRouteTable, deleteRouteTable } from './route-table-topology.ts';
import type { RouteName, RouteTo } from './routes.ts';
import { createRoute, deleteRoute, replaceRoute } from './routes.ts';
import type { DescribeSecurityGroupsInput, SecurityGroupInput } from './security-groups.ts';
import { addSecurityGroup, describeSecurityGroups } from './security-groups.ts';
import { CloudState } from './state.ts';
import { addSubnetReservation, getSubnetCidrReservations, type SubnetReservationInput } from './subnet-reservations.ts';
import type { CreateTagsInput, DeleteTagsInput } from './tags.ts';
import { createTags, deleteTags } from './tags.ts';
import type { InstanceInput, InterfaceInput, PoolInput, SubnetInput, VpcInput } from './topology.ts';
import { addInstance, addInterface, addPool, addSubnet, addVpc, setInstanceState, setSpotAction } from './topology.ts';
import type { Knobs } from './visibility.ts';
import { defaultKnobs } from './visibility.ts';

export interface CloudOptions {
  /** Epoch milliseconds; a virtual clock will do. @default Date.now */
  readonly now?: () => number;
  /** @default {@link countingIds} */
  readonly ids?: IdSource;
  readonly knobs?: Partial<Knobs>;
  /** @default us-east-1 */
  readonly region?: string;
  /** @default 123456789012 */
  readonly accountId?: string;
}

/**
 * One simulated account and region of EC2: a synchronous state machine, without HTTP, timers or randomness.
 *
 * Every action validates everything first: it either throws an `Ec2Fault` and has changed nothing, or it is done completely.
 * Inputs are plain objects; answers carry the names of the wire. Describes show the past that the knobs ask for.
 */
export class Cloud {
  readonly state: CloudState;

  constructor(options: CloudOptions = {}) {
    this.state = new CloudState({
      now: options.now ?? Date.now,
      ids: options.ids ?? countingIds(),
      knobs: { ...defaultKnobs(), ...options.knobs },
      region: options.region ?? 'us-east-1',
      accountId: options.accountId ?? '123456789012',
    });
  }

  /** Change them at any time. */
  get knobs(): Knobs {
    return this.state.knobs;
  }

  addVpc(input: VpcInput) {
    return addVpc(this.state, input);
  }

  addSubnet(input: SubnetInput) {
    return addSubnet(this.state, input);
  }

  addInstance(input: InstanceInput) {
    return addInstance(this.state, input);
  }

  addInterface(input: InterfaceInput) {
    return addInterface(this.state, input);
  }

  addPool(input: PoolInput) {
    return addPool(this.state, input);
  }

  addSubnetReservation(input: SubnetReservationInput) {
    return addSubnetReservation(this.state, input);
  }

  getSubnetCidrReservations(input: { readonly subnetId: string }) {
    return getSubnetCidrReservations(this.state, input);
  }

  addSecurityGroup(input: SecurityGroupInput) {
    return addSecurityGroup(this.state, input);
  }

  addRouteTable(input: RouteTableInput) {
    return addRouteTable(this.state, input);
  }

  deleteRouteTable(routeTableId: string): void {
    deleteRouteTable(this.state, routeTableId);
  }

  setInstanceState(instanceId: string, state: InstanceState): void {
    setInstanceState(this.state, instanceId, state);
  }

  setSpotAction(instanceId: string, action: Instance['spotAction']): void {
    setSpotAction(this.state, instanceId, action);
  }

  /** A released public address goes to another account and cannot be recovered. @throws {TypeError} when it was never released here */
  giveToAnotherAccount(publicIp: string): void {
    if (!this.state.releasedPublicIps.delete(ip(publicIp))) throw new TypeError(`${publicIp} was not released here`);
    this.state.foreignPublicIps.add(ip(publicIp));
  }

  assignPrivateIpAddresses(input: AssignPrivateIpAddressesInput) {
    return assignPrivateIpAddresses(this.state, input);
  }

  unassignPrivateIpAddresses(input: UnassignPrivateIpAddressesInput) {
    return unassignPrivateIpAddresses(this.state, input);
  }

  assignIpv6Addresses(input: AssignIpv6AddressesInput) {
    return assignIpv6Addresses(this.state, input);
  }

  unassignIpv6Addresses(input: UnassignIpv6AddressesInput) {
    return unassignIpv6Addresses(this.state, input);
  }

  allocateAddress(input: AllocateAddressInput) {
    return allocateAddress(this.state, input);
  }

  releaseAddress(input: ReleaseAddressInput) {
    return releaseAddress(this.state, input);
  }

  associateAddress(input: AssociateAddressInput) {
    return associateAddress(this.state, input);
  }

  disassociateAddress(input: DisassociateAddressInput) {
    return disassociateAddress(this.state, input);
  }

  createNetworkInterface(input: CreateNetworkInterfaceInput) {
    return createNetworkInterface(this.state, input);
  }

  attachNetworkInterface(input: AttachNetworkInterfaceInput) {
    return attachNetworkInterface(this.state, input);
  }

  detachNetworkInterface(input: { readonly attachmentId: string; readonly force?: boolean | undefined }) {
    return detachNetworkInterface(this.state, input);
  }

  deleteNetworkInterface(input: { readonly networkInterfaceId: string }) {
    return deleteNetworkInterface(this.state, input);
  }

  modifyNetworkInterfaceAttribute(input: ModifyNetworkInterfaceAttributeInput) {
    return modifyNetworkInterfaceAttribute(this.state, input);
  }

  createTags(input: CreateTagsInput) {
    return createTags(this.state, input);
  }

  deleteTags(input: DeleteTagsInput) {
    return deleteTags(this.state, input);
  }

  describeNetworkInterfaces(input: DescribeNetworkInterfacesInput = {}) {
    return describeNetworkInterfaces(this.state, input);
  }

  describeInstances(input: DescribeInstancesInput = {}) {
    return describeInstances(this.state, input);
  }

  describeInstanceTypes(input: DescribeInstanceTypesInput = {}) {
    return describeInstanceTypes(this.state, input);
  }

  describeSubnets(input: DescribeSubnetsInput = {}) {
    return describeSubnets(this.state, input);
  }

  describeSecurityGroups(input: DescribeSecurityGroupsInput = {}) {
    return describeSecurityGroups(this.state, input);
  }

  describeAddresses(input: DescribeAddressesInput = {}) {
    return describeAddresses(this.state, input);
  }

  describePublicIpv4Pools(input: DescribePublicIpv4PoolsInput = {}) {
    return describePublicIpv4Pools(this.state, input);
  }

  describeRouteTables(input: DescribeRouteTablesInput = {}) {
    return describeRouteTables(this.state, input);
  }

  createRoute(input: RouteTo) {
    return createRoute(this.state, input);
  }

  replaceRoute(input: RouteTo) {
    return replaceRoute(this.state, input);
  }

  deleteRoute(input: RouteName) {
    return deleteRoute(this.state, input);
  }

  getServiceQuota(input: ServiceQuotaInput) {
    return getServiceQuota(this.state, input);
  }

  getDefaultServiceQuota(input: ServiceQuotaInput) {
    return getDefaultServiceQuota(this.state, input);
  }
}
