import { notFound } from './ec2-fault.ts';
import type { NetworkInterface } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import { elasticIpAt, interfaceStatus, interfaceView, privateDnsName } from './interface-view.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';

export interface DescribeNetworkInterfacesInput extends PageRequest {
  readonly networkInterfaceIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** ENIs as they were `describeLagMs` ago, in order of creation. (facts §1.4) @throws {Ec2Fault} */
export function describeNetworkInterfaces(state: CloudState, input: DescribeNetworkInterfacesInput) {
  const moment = state.describeMoment();
  const ids = input.networkInterfaceIds ?? [];
  assertIdsOrPages(ids, input, 'networkInterfaceId');
  const matches = matcher(interfaceFilters(state, moment), input.filters);
  const candidates = named(
    ids,
    (id) => state.interfaceAt(id, moment),
    (id) => notFound('network-interface', id),
    () => worthTesting(state, input.filters ?? [], moment),
  );
  const { items, nextToken } = page(candidates, matches, input, {
    range: [5, 1000],
    sequenceOf: (eni) => state.interfaces.sequenceOf(eni.id),
    shortPages: state.knobs.shortPages,
  });
  return { networkInterfaceSet: items.map((eni) => interfaceView(state, eni, moment)), nextToken };
}

/**
 * The ENIs that the filters could match: all, or by index those of the instances that a filter names literally. Thousands of
 * nodes ask for their own ENIs; a walk over everybody's would make a large simulation quadratic.
 */
function worthTesting(state: CloudState, filters: readonly Filter[], moment: number): NetworkInterface[] {
  const instanceIds = filters.find((filter) => filter.name === 'attachment.instance-id')?.values;
  const indexed = instanceIds?.every((value) => !/[*?\\]/.test(value)) === true && !state.knobs.shortPages;
  if (!indexed) return state.allInterfaces(moment);
  return [...new Set(instanceIds)]
    .flatMap((instanceId) => state.interfacesOf(instanceId, moment))
    .sort((left, right) => state.interfaces.sequenceOf(left.id) - state.interfaces.sequenceOf(right.id));
}

function interfaceFilters(state: CloudState, moment: number): FilterTable<NetworkInterface> {
  const elasticIps = (eni: NetworkInterface) => eni.addresses.map((address) => elasticIpAt(state, address, moment));
  const publicIps = (eni: NetworkInterface) => [
    ...elasticIps(eni).map((elasticIp) => elasticIp?.publicIp),
    ...eni.addresses.map((address) => address.lentPublicIp),
  ];
  return {
    'addresses.association.owner-id': (eni) => elasticIps(eni).map((elasticIp) => elasticIp && state.accountId),
    'addresses.association.public-ip': publicIps,
    'addresses.primary': (eni) => eni.addresses.map((address) => address.primary),
    'addresses.private-ip-address': (eni) => eni.addresses.map((address) => address.ip),
    'association.allocation-id': (eni) => elasticIps(eni).map((elasticIp) => elasticIp?.allocationId),
    'association.association-id': (eni) => elasticIps(eni).map((elasticIp) => elasticIp?.association?.id),
    'association.ip-owner-id': (eni) => elasticIps(eni).map((elasticIp) => elasticIp && state.accountId),
    'association.public-ip': publicIps,
    'attachment.attachment-id': (eni) => [eni.attachment?.id],
    'attachment.delete-on-termination': (eni) => [eni.attachment?.deleteOnTermination],
    'attachment.device-index': (eni) => [eni.attachment?.deviceIndex],
    'attachment.instance-id': (eni) => [eni.attachment?.instanceId],
    'attachment.instance-owner-id': (eni) => [eni.attachment && state.accountId],
    'attachment.status': (eni) => [eni.attachment?.phase],
    'availability-zone': (eni) => [eni.zone],
    description: (eni) => [eni.description],
    'group-id': (eni) => eni.groups,
    'interface-type': (eni) => [eni.interfaceType],
    'ipv6-addresses.ipv6-address': (eni) => eni.ipv6Addresses.map((address) => address.ip),
    'mac-address': (eni) => [eni.mac],
    'network-interface-id': (eni) => [eni.id],
    'owner-id': () => [state.accountId],
    'private-dns-name': (eni) => primaryOf(eni).map((address) => privateDnsName(state, address)),
    'private-ip-address': primaryOf,
    'requester-managed': (eni) => [eni.requesterManaged],
    'source-dest-check': (eni) => [eni.sourceDestCheck],
    status: (eni) => [interfaceStatus(eni)],
    'subnet-id': (eni) => [eni.subnetId],
    'vpc-id': (eni) => [eni.vpcId],
  };
}

function primaryOf(eni: NetworkInterface) {
  return eni.addresses.filter((address) => address.primary).map((address) => address.ip);
}
