import { notFound } from './ec2-fault.ts';
import type { NetworkInterface, Subnet } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import { sizeOf } from './ip-range.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

export interface DescribeSubnetsInput extends PageRequest {
  readonly subnetIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Subnets with their free addresses. (facts §1.5) @throws {Ec2Fault} InvalidSubnetID.NotFound … */
export function describeSubnets(state: CloudState, input: DescribeSubnetsInput) {
  const moment = state.describeMoment();
  const ids = input.subnetIds ?? [];
  assertIdsOrPages(ids, input, 'subnetId');
  const candidates = named(
    ids,
    (id) => state.subnets.asOf(id, moment),
    (id) => notFound('subnet', id),
    () => state.subnets.all(moment),
  );
  const { items, nextToken } = page(candidates, matcher(subnetFilters, input.filters), input, {
    range: [5, 1000],
    sequenceOf: (subnet) => state.subnets.sequenceOf(subnet.id),
    shortPages: state.knobs.shortPages,
  });
  return { subnetSet: items.map((subnet) => subnetView(state, subnet, moment)), nextToken };
}

const subnetFilters: FilterTable<Subnet> = {
  'availability-zone': (subnet) => [subnet.zone],
  'availability-zone-id': (subnet) => [subnet.zoneId],
  cidr: (subnet) => [subnet.cidr],
  'cidr-block': (subnet) => [subnet.cidr],
  'ipv6-cidr-block-association.ipv6-cidr-block': (subnet) => [subnet.ipv6Cidr],
  state: () => ['available'],
  'subnet-id': (subnet) => [subnet.id],
  'vpc-id': (subnet) => [subnet.vpcId],
};

function subnetView(state: CloudState, subnet: Subnet, moment: number) {
  const enis = state.allInterfaces(moment).filter((eni) => eni.subnetId === subnet.id);
  const used = enis.reduce((sum, eni) => sum + ipv4Used(eni), 0);
  return {
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    cidrBlock: subnet.cidr,
    availableIpAddressCount: Number(sizeOf(subnet.cidr)) - 5 - used,
    availabilityZone: subnet.zone,
    availabilityZoneId: subnet.zoneId,
    state: 'available',
    ownerId: state.accountId,
    ipv6Native: false,
    mapPublicIpOnLaunch: false,
    assignIpv6AddressOnCreation: false,
    ipv6CidrBlockAssociationSet: subnet.ipv6Cidr === undefined ? [] : [ipv6BlockView(subnet.id, subnet.ipv6Cidr)],
    subnetArn: `arn:aws:ec2:${state.region}:${state.accountId}:subnet/${subnet.id}`,
    tagSet: tagSet(subnet.tags),
  };
}

function ipv4Used(eni: NetworkInterface): number {
  return eni.addresses.length + 16 * eni.ipv4Prefixes.length;
}

function ipv6BlockView(subnetId: string, ipv6CidrBlock: string) {
  const associationId = subnetId.replace('subnet-', 'subnet-cidr-assoc-');
  return { associationId, ipv6CidrBlock, ipv6CidrBlockState: { state: 'associated' } };
}
