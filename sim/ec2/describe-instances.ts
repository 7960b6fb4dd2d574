import { invalidValue, notFound } from './ec2-fault.ts';
import type { Instance, InstanceState } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import type { InstanceTypeLimits } from './instance-types.ts';
import { instanceTypes, interfaceLimit, limitsOf } from './instance-types.ts';
import { instanceInterfaceView } from './interface-view.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const satisfies Record<InstanceState, number>;

export interface DescribeInstancesInput extends PageRequest {
  readonly instanceIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Instances as they were `describeLagMs` ago, one reservation each. (facts §1.5) @throws {Ec2Fault} */
export function describeInstances(state: CloudState, input: DescribeInstancesInput) {
  const moment = state.describeMoment();
  const ids = input.instanceIds ?? [];
  assertIdsOrPages(ids, input, 'instancesSet');
  const candidates = named(
    ids,
    (id) => state.instances.asOf(id, moment),
    (id) => notFound('instance', id),
    () => state.instances.all(moment),
  );
  const { items, nextToken } = page(candidates, matcher(instanceFilters(state, moment), input.filters), input, {
    range: [5, 1000],
    sequenceOf: (instance) => state.instances.sequenceOf(instance.id),
    shortPages: state.knobs.shortPages,
  });
  const reservationSet = items.map((instance) => ({
    reservationId: instance.id.replace(/^i-/, 'r-'),
    ownerId: state.accountId,
    groupSet: [],
    instancesSet: [instanceView(state, instance, moment)],
  }));
  return { reservationSet, nextToken };
}

export interface DescribeInstanceTypesInput extends PageRequest {
  readonly instanceTypes?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Network limits of instance types. (facts §1.5) @throws {Ec2Fault} InvalidInstanceType … */
export function describeInstanceTypes(state: CloudState, input: DescribeInstanceTypesInput) {
  const wanted = input.instanceTypes ?? [];
  if (wanted.length > 100) throw invalidValue('At most 100 instance types can be named.');
  assertIdsOrPages(wanted, input, 'InstanceTypes');
  const all = [...instanceTypes.values()];
  const candidates = wanted.length === 0 ? all : wanted.map(limitsOf);
  const table: FilterTable<InstanceTypeLimits & { tags: ReadonlyMap<string, string> }> = {
    'instance-type': (limits) => [limits.type],
  };
  const tagged = candidates.map((limits) => ({ ...limits, tags: new Map<string, string>() }));
  const { items, nextToken } = page(tagged, matcher(table, input.filters), input, {
    range: [5, 100],
    sequenceOf: (limits) => all.findIndex((other) => other.type === limits.type) + 1,
    shortPages: state.knobs.shortPages,
  });
  return { instanceTypeSet: items.map(instanceTypeView), nextToken };
}

function instanceView(state: CloudState, instance: Instance, moment: number) {
  const interfaces = state.interfacesOf(instance.id, moment).map((eni) => instanceInterfaceView(state, eni, moment));
  const [first] = interfaces;
  return {
    instanceId: instance.id,
    instanceState: { code: stateCodes[instance.state], name: instance.state },
    instanceType: instance.type,
    privateIpAddress: first?.privateIpAddress,
    privateDnsName: first?.privateDnsName ?? '',
    ipAddress: first?.association?.publicIp,
    dnsName: first?.association?.publicDnsName ?? '',
    subnetId: instance.subnetId,
    vpcId: instance.vpcId,
    placement: { availabilityZone: instance.zone },
    launchTime: new Date(instance.launchedAt),
    sourceDestCheck: first?.sourceDestCheck,
    networkInterfaceSet: interfaces,
    tagSet: tagSet(instance.tags),
  };
}

function instanceTypeView(limits: InstanceTypeLimits) {
  return {
    instanceType: limits.type,
    networkInfo: {
      maximumNetworkInterfaces: interfaceLimit(limits),
      maximumNetworkCards: limits.cards.length,
      defaultNetworkCardIndex: 0,
      networkCards: limits.cards.map((maximumNetworkInterfaces, networkCardIndex) => ({
        networkCardIndex,
        maximumNetworkInterfaces,
      })),
      ipv4AddressesPerInterface: limits.ipv4PerInterface,
      ipv6AddressesPerInterface: limits.ipv6PerInterface,
      ipv6Supported: true,
    },
  };
}

function instanceFilters(state: CloudState, moment: number): FilterTable<Instance> {
  const interfaces = (instance: Instance) => state.interfacesOf(instance.id, moment);
  return {
    'availability-zone': (instance) => [instance.zone],
    'instance-id': (instance) => [instance.id],
    'instance-state-code': (instance) => [stateCodes[instance.state]],
    'instance-state-name': (instance) => [instance.state],
    'instance-type': (instance) => [instance.type],
    'ip-address': (instance) => [instanceView(state, instance, moment).ipAddress],
    'network-interface.addresses.private-ip-address': (instance) =>
      interfaces(instance).flatMap((eni) => eni.addresses.map((address) => address.ip)),
    'network-interface.ipv6-addresses.ipv6-address': (instance) =>
      interfaces(instance).flatMap((eni) => eni.ipv6Addresses.map((address) => address.ip)),
    'network-interface.network-interface-id': (instance) => interfaces(instance).map((eni) => eni.id),
    'network-interface.subnet-id': (instance) => interfaces(instance).map((eni) => eni.subnetId),
    'private-ip-address': (instance) => [instanceView(state, instance, moment).privateIpAddress],
    'private-dns-name': (instance) => [instanceView(state, instance, moment).privateDnsName],
    'subnet-id': (instance) => [instance.subnetId],
    'vpc-id': (instance) => [instance.vpcId],
  };
}
