import { parseIp } from '../../lib/model/ip.ts';
import { notFound } from './ec2-fault.ts';
import { availableInPool } from './elastic-ips.ts';
import type { ElasticIp, PublicPool } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import { addressAt, firstOf, sizeOf } from './ip-range.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

export interface DescribeAddressesInput {
  readonly allocationIds?: readonly string[] | undefined;
  readonly publicIps?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** EIPs as they were `describeLagMs` ago; never paginated. (facts §1.6) @throws {Ec2Fault} */
export function describeAddresses(state: CloudState, input: DescribeAddressesInput) {
  const moment = state.describeMoment();
  const [allocationIds, publicIps] = [input.allocationIds ?? [], input.publicIps ?? []];
  const everything = () => state.elasticIps.all(moment);
  const byId = named(
    allocationIds,
    (id) => state.elasticIps.asOf(id, moment),
    (id) => notFound('allocation', id),
    everything,
  );
  const byPublicIp = named(
    publicIps,
    (text) => everything().find((elasticIp) => elasticIp.publicIp === parseIp(text)),
    (text) => notFound('address', text),
    everything,
  );
  const matches = matcher(elasticIpFilters(state, moment), input.filters);
  const items = byId.filter((elasticIp) => byPublicIp.includes(elasticIp) && matches(elasticIp));
  return { addressesSet: items.map((elasticIp) => elasticIpView(state, elasticIp, moment)) };
}

export interface DescribePublicIpv4PoolsInput extends PageRequest {
  readonly poolIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Own pools; Amazon's is not listed. Pages of one to ten. (facts §1.6) @throws {Ec2Fault} */
export function describePublicIpv4Pools(state: CloudState, input: DescribePublicIpv4PoolsInput) {
  const moment = state.describeMoment();
  const ids = input.poolIds ?? [];
  assertIdsOrPages(ids, input, 'PoolId');
  const candidates = named(
    ids,
    (id) => state.pools.asOf(id, moment),
    (id) => notFound('pool', id),
    () => state.pools.all(moment),
  );
  const { items, nextToken } = page(candidates, matcher<PublicPool>({}, input.filters), input, {
    range: [1, 10],
    sequenceOf: (pool) => state.pools.sequenceOf(pool.id),
    shortPages: state.knobs.shortPages,
  });
  return { publicIpv4PoolSet: items.map((pool) => poolView(state, pool, moment)), nextToken };
}

function elasticIpFilters(state: CloudState, moment: number): FilterTable<ElasticIp> {
  return {
    'allocation-id': (elasticIp) => [elasticIp.allocationId],
    'association-id': (elasticIp) => [elasticIp.association?.id],
    domain: () => ['vpc'],
    'instance-id': (elasticIp) => [instanceOf(state, elasticIp, moment)],
    'network-border-group': (elasticIp) => [elasticIp.borderGroup],
    'network-interface-id': (elasticIp) => [elasticIp.association?.networkInterfaceId],
    'network-interface-owner-id': (elasticIp) => [elasticIp.association && state.accountId],
    'private-ip-address': (elasticIp) => [elasticIp.association?.privateIp],
    'public-ip': (elasticIp) => [elasticIp.publicIp],
  };
}

function instanceOf(state: CloudState, elasticIp: ElasticIp, moment: number): string | undefined {
  if (elasticIp.association === undefined) return undefined;
  return state.interfaceAt(elasticIp.association.networkInterfaceId, moment)?.attachment?.instanceId;
}

function elasticIpView(state: CloudState, elasticIp: ElasticIp, moment: number) {
  const { association } = elasticIp;
  return {
    publicIp: elasticIp.publicIp,
    allocationId: elasticIp.allocationId,
    domain: 'vpc',
    instanceId: instanceOf(state, elasticIp, moment),
    associationId: association?.id,
    networkInterfaceId: association?.networkInterfaceId,
    networkInterfaceOwnerId: association && state.accountId,
    privateIpAddress: association?.privateIp,
    publicIpv4Pool: elasticIp.pool,
    networkBorderGroup: elasticIp.borderGroup,
    serviceManaged: elasticIp.serviceManaged,
    tagSet: tagSet(elasticIp.tags),
  };
}

function poolView(state: CloudState, pool: PublicPool, moment: number) {
  const total = Number(sizeOf(pool.cidr));
  const available = availableInPool(state, pool, moment);
  const range = {
    firstAddress: firstOf(pool.cidr),
    lastAddress: addressAt(pool.cidr, BigInt(total) - 1n),
    addressCount: total,
    availableAddressCount: available,
  };
  return {
    poolId: pool.id,
    description: pool.description,
    networkBorderGroup: pool.borderGroup,
    poolAddressRangeSet: [range],
    totalAddressCount: total,
    totalAvailableAddressCount: available,
    tagSet: tagSet(pool.tags),
  };
}
