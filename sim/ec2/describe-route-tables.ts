import { familyOf } from '../../lib/model/ip.ts';
import { notFound } from './ec2-fault.ts';
import type { Route, RouteTable } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

export interface DescribeRouteTablesInput extends PageRequest {
  readonly routeTableIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Route tables as they were `describeLagMs` ago. (facts §11) @throws {Ec2Fault} InvalidRouteTableID.NotFound … */
export function describeRouteTables(state: CloudState, input: DescribeRouteTablesInput) {
  const moment = state.describeMoment();
  const ids = input.routeTableIds ?? [];
  assertIdsOrPages(ids, input, 'routeTableId');
  const candidates = named(
    ids,
    (id) => state.routeTables.asOf(id, moment),
    (id) => notFound('route-table', id),
    () => state.routeTables.all(moment),
  );
  const { items, nextToken } = page(candidates, matcher(filters, input.filters), input, {
    range: [5, 100],
    sequenceOf: (table) => state.routeTables.sequenceOf(table.id),
    shortPages: state.knobs.shortPages,
  });
  return { routeTableSet: items.map((table) => tableView(state, table, moment)), nextToken };
}

const filters: FilterTable<RouteTable> = {
  'association.main': (table) => table.associations.map(({ subnetId }) => subnetId === undefined),
  'association.route-table-association-id': (table) => table.associations.map(({ id }) => id),
  'association.subnet-id': (table) => table.associations.map(({ subnetId }) => subnetId),
  'route-table-id': (table) => [table.id],
  'route.destination-cidr-block': (table) => destinations(table, 4),
  'route.destination-ipv6-cidr-block': (table) => destinations(table, 6),
  'vpc-id': (table) => [table.vpcId],
};

function destinations({ routes }: RouteTable, family: 4 | 6): string[] {
  return routes.map(({ destination }) => destination).filter((network) => familyOf(network) === family);
}

function tableView(state: CloudState, table: RouteTable, moment: number) {
  const vpc = state.vpcs.asOf(table.vpcId, moment);
  const local = [vpc?.cidr, vpc?.ipv6Cidr].flatMap((network) =>
    network === undefined
      ? []
      : { ...named4or6(network), gatewayId: 'local', origin: 'CreateRouteTable', state: 'active' },
  );
  return {
    routeTableId: table.id,
    vpcId: table.vpcId,
    ownerId: state.accountId,
    routeSet: [...local, ...table.routes.map((route) => routeView(state, route, moment))],
    associationSet: table.associations.map(({ id, subnetId }) => ({
      routeTableAssociationId: id,
      routeTableId: table.id,
      subnetId,
      main: subnetId === undefined,
      associationState: { state: 'associated' },
    })),
    propagatingVgwSet: [],
    tagSet: tagSet(table.tags),
  };
}

/** A route whose ENI is detached or deleted, or whose instance does not run, leads nowhere (facts §11). */
function routeView(state: CloudState, { destination, target }: Route, moment: number) {
  const common = { ...named4or6(destination), origin: 'CreateRoute' };
  if (target.kind === 'gateway') return { ...common, gatewayId: target.gatewayId, state: 'active' };
  const attachment = state.interfaceAt(target.networkInterfaceId, moment)?.attachment;
  const instance = attachment && state.instances.asOf(attachment.instanceId, moment);
  return {
    ...common,
    instanceId: attachment?.instanceId,
    instanceOwnerId: attachment && state.accountId,
    networkInterfaceId: target.networkInterfaceId,
    state: instance?.state === 'running' ? 'active' : 'blackhole',
  };
}

function named4or6(network: string) {
  return network.includes(':') ? { destinationIpv6CidrBlock: network } : { destinationCidrBlock: network };
}
