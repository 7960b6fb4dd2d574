import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  type Filter,
  ModifyNetworkInterfaceAttributeCommand,
  type Subnet as RawSubnet,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { Ec2Error } from '../model/ec2-error.ts';
import { type Cidr, familyOf, parseCidr } from '../model/ip.ts';
import type { RouteTable, VpcSubnet } from '../model/routed-ips/route-table.ts';
import { Turnstile } from '../runtime/turnstile.ts';
import type { Accepted, CallOptions } from './api.ts';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import type { Ec2Client } from './client.ts';
import { toCidrs, toTags } from './convert.ts';
import type { RouteApi, RouteTableQuery, RouteToEni } from './route-api.ts';
import { toRouteTable } from './route-tables-convert.ts';

/**
 * See {@link RouteApi}. Calls that begin together, one for each table, leave one after the other: the SDK prepares a call in 1.5 ms of
 * microtasks, and of ten at once none left before 13 ms were over, and the last one 6 ms later than like this.
 */
export function ec2RouteTables(connection: Ec2Connection): RouteApi {
  const turnstile = new Turnstile();
  const write = async (action: RouteAction, { signal }: CallOptions, send: SendRoute): Promise<Accepted> => {
    await turnstile.pass();
    return accepted(await call(connection, { action, signal }, send));
  };
  return {
    describe: (query, options) => describe(connection, query, options),
    subnets: (vpcIds, options) => subnets(connection, vpcIds, options),
    create: (route, options) =>
      write('CreateRoute', options, (client, http) => client.send(new CreateRouteCommand(toEni(route)), http)),
    replace: (route, options) =>
      write('ReplaceRoute', options, (client, http) => client.send(new ReplaceRouteCommand(toEni(route)), http)),
    delete: ({ table, destination }, options) => {
      const route = { RouteTableId: table, ...named(destination) };
      return write('DeleteRoute', options, (client, http) => client.send(new DeleteRouteCommand(route), http)).catch(
        unlessGone,
      );
    },
    async disableSourceDestCheck(eni, { signal }) {
      const command = new ModifyNetworkInterfaceAttributeCommand({
        NetworkInterfaceId: eni,
        SourceDestCheck: { Value: false },
      });
      const request = { action: 'ModifyNetworkInterfaceAttribute', signal } as const;
      return accepted(await call(connection, request, (client, http) => client.send(command, http)));
    },
  };
}

type RouteAction = 'CreateRoute' | 'ReplaceRoute' | 'DeleteRoute';
type SendRoute = (client: Ec2Client, http: { abortSignal: AbortSignal }) => Promise<Parameters<typeof accepted>[0]>;

function toEni({ table, destination, eni }: RouteToEni) {
  return { RouteTableId: table, ...named(destination), NetworkInterfaceId: eni };
}

function named(destination: Cidr) {
  return familyOf(destination) === 4
    ? { DestinationCidrBlock: destination }
    : { DestinationIpv6CidrBlock: destination };
}

/** By filters only: a single unknown id in an id list would fail the whole call. */
async function describe(
  connection: Ec2Connection,
  { vpcIds, ids = [] }: RouteTableQuery,
  { signal }: CallOptions,
): Promise<RouteTable[]> {
  const sets = [
    ...filterChunks(vpcIds).map((chunk) => [filter('vpc-id', chunk)]),
    ...filterChunks(ids).map((chunk) => [filter('route-table-id', chunk)]),
  ];
  const request = { action: 'DescribeRouteTables', signal } as const;
  const pages = sets.map((Filters) =>
    allPages(
      (token) => {
        const command = new DescribeRouteTablesCommand({ Filters, MaxResults: 100, NextToken: token });
        return call(connection, request, (client, http) => client.send(command, http));
      },
      (page) => page.RouteTables,
    ),
  );
  const tables = (await Promise.all(pages)).flat().flatMap((raw) => toRouteTable(raw) ?? []);
  return [...new Map(tables.map((table) => [table.id, table])).values()];
}

async function subnets(
  connection: Ec2Connection,
  vpcIds: readonly string[],
  { signal }: CallOptions,
): Promise<VpcSubnet[]> {
  const request = { action: 'DescribeSubnets', signal } as const;
  const pages = filterChunks(vpcIds).map((chunk) =>
    allPages(
      (token) => {
        const Filters = [filter('vpc-id', chunk)];
        const command = new DescribeSubnetsCommand({ Filters, MaxResults: 1000, NextToken: token });
        return call(connection, request, (client, http) => client.send(command, http));
      },
      (page) => page.Subnets,
    ),
  );
  return (await Promise.all(pages)).flat().flatMap((raw): VpcSubnet[] => {
    if (!raw.SubnetId) return [];
    const cidrs = toCidrs(raw, () => undefined);
    const inUse = isInUse(raw) ? { inUse: true as const } : {};
    return [{ id: raw.SubnetId, vpcId: raw.VpcId ?? '', cidrs, tags: toTags(raw.Tags), ...inUse }];
  });
}

/** What AWS keeps for itself in each subnet: the first four addresses and the last (VPC guide, subnet sizing). */
const OF_AWS = 5;

function isInUse({ CidrBlock = '', AvailableIpAddressCount: free }: RawSubnet): boolean {
  const network = parseCidr(CidrBlock);
  return network !== undefined && free !== undefined && free < 2 ** (32 - Number(network.split('/')[1])) - OF_AWS;
}

function filter(name: string, values: readonly string[]): Filter {
  return { Name: name, Values: [...values] };
}

function accepted(answer: { readonly $metadata: { readonly requestId?: string | undefined } }): Accepted {
  return { requestId: answer.$metadata.requestId };
}

/** Only the route may be gone: a table that does not exist is news. */
function unlessGone(error: unknown): Accepted {
  if (error instanceof Ec2Error && error.code === 'InvalidRoute.NotFound') return { requestId: error.requestId };
  throw error;
}
