import { type Cidr, cidr, familyOf, parseCidr } from '../../lib/model/ip.ts';
import { Ec2Fault, invalidCombination, invalidValue, missingParameter, notFound } from './ec2-fault.ts';
import type { Route, RouteTable, Vpc } from './entities.ts';
import { covers } from './ip-range.ts';
import type { CloudState } from './state.ts';

export interface RouteName {
  readonly routeTableId: string;
  readonly destinationCidrBlock?: string | undefined;
  readonly destinationIpv6CidrBlock?: string | undefined;
}

export interface RouteTo extends RouteName {
  readonly networkInterfaceId?: string | undefined;
  readonly gatewayId?: string | undefined;
}

/** Adds a route; host bits of the destination are cleared. (facts §11) @throws {Ec2Fault} RouteAlreadyExists, RouteLimitExceeded … */
export function createRoute(state: CloudState, input: RouteTo) {
  const table = requireTable(state, input.routeTableId);
  const route = newRoute(state, table, input);
  if (find(table, route.destination) !== undefined || isLocal(requireVpc(state, table), route.destination))
    throw new Ec2Fault('RouteAlreadyExists', `The route identified by ${route.destination} already exists.`);
  const used = table.routes.filter(({ destination }) => familyOf(destination) === familyOf(route.destination)).length;
  if (used >= state.knobs.routeQuota)
    throw new Ec2Fault('RouteLimitExceeded', `The maximum number of routes has been reached for ${table.id}.`);
  state.routeTables.put(table.id, { ...table, routes: [...table.routes, route] });
  return { return: true };
}

/** Points an existing route elsewhere, whoever's it is. (facts §11) @throws {Ec2Fault} InvalidParameterValue when there is none */
export function replaceRoute(state: CloudState, input: RouteTo) {
  const table = requireTable(state, input.routeTableId);
  const route = newRoute(state, table, input);
  if (find(table, route.destination) === undefined)
    throw invalidValue(
      `There is no route defined for '${route.destination}' in the route table. Use CreateRoute instead.`,
    );
  const routes = table.routes.map((known) => (known.destination === route.destination ? route : known));
  state.routeTables.put(table.id, { ...table, routes });
  return { return: true };
}

/** Removes a route. (facts §11) @throws {Ec2Fault} InvalidRoute.NotFound */
export function deleteRoute(state: CloudState, input: RouteName) {
  const table = requireTable(state, input.routeTableId);
  const destination = destinationOf(input);
  if (find(table, destination) === undefined) {
    const message = `no route with destination-cidr-block ${destination} in route table ${table.id}`;
    throw new Ec2Fault('InvalidRoute.NotFound', message);
  }
  const routes = table.routes.filter((route) => route.destination !== destination);
  state.routeTables.put(table.id, { ...table, routes });
  return { return: true };
}

function find(table: RouteTable, destination: Cidr): Route | undefined {
  return table.routes.find((route) => route.destination === destination);
}

function requireTable(state: CloudState, id: string): RouteTable {
  const table = state.routeTables.get(id);
  if (table === undefined) throw notFound('route-table', id);
  return table;
}

function requireVpc(state: CloudState, table: RouteTable): Vpc {
  const vpc = state.vpcs.get(table.vpcId);
  if (vpc === undefined) throw new Error(`the simulator lost ${table.vpcId}`);
  return vpc;
}

function newRoute(state: CloudState, table: RouteTable, input: RouteTo): Route {
  const destination = destinationOf(input);
  const { networkInterfaceId, gatewayId } = input;
  if (networkInterfaceId !== undefined && gatewayId !== undefined) throw invalidCombination('Only one target, please.');
  if (gatewayId !== undefined) return { destination, target: { kind: 'gateway', gatewayId } };
  if (networkInterfaceId === undefined) throw missingParameter('networkInterfaceId');
  const eni = state.requireInterface(networkInterfaceId);
  if (eni.vpcId !== table.vpcId)
    throw invalidValue(`route table ${table.id} and interface ${eni.id} belong to different networks`);
  assertRoutable(state, requireVpc(state, table), destination);
  return { destination, target: { kind: 'interface', networkInterfaceId } };
}

function destinationOf({ destinationCidrBlock, destinationIpv6CidrBlock }: RouteName): Cidr {
  const [text, family] = destinationCidrBlock === undefined ? [destinationIpv6CidrBlock, 6] : [destinationCidrBlock, 4];
  if (text === undefined) throw missingParameter('destinationCidrBlock');
  const destination = parseCidr(text);
  if (destination === undefined || familyOf(destination) !== family)
    throw invalidValue(
      `Value (${text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.`,
    );
  return destination;
}

/** Outside the VPC, or the whole network of one of its subnets (facts §11). */
function assertRoutable(state: CloudState, vpc: Vpc, destination: Cidr): void {
  const own = [vpc.cidr, vpc.ipv6Cidr].some((network) => network !== undefined && covers(network, destination));
  if (!own || isLocal(vpc, destination)) return;
  const subnets = state.subnets.all(state.now()).filter(({ vpcId }) => vpcId === vpc.id);
  const networks = subnets.flatMap((subnet) => [subnet.cidr, subnet.ipv6Cidr]);
  if (!networks.some((network) => network !== undefined && cidr(network) === destination))
    throw invalidValue("Route destination doesn't match any subnet CIDR blocks.");
}

function isLocal(vpc: Vpc, destination: Cidr): boolean {
  return destination === vpc.cidr || destination === vpc.ipv6Cidr;
}
