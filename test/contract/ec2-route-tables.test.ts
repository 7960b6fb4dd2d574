import {
  CreateRouteCommand,
  type CreateRouteCommandInput,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ec2Server } from '../../sim/ec2/server.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { handClock, refusal, sdkClient, smallRegion } from '../unit/sim-ec2/region.ts';

let clock: ReturnType<typeof handClock>;
let region: ReturnType<typeof smallRegion>;
let server: Ec2Server;
let client: EC2Client;
let table: string;

const VIP = { DestinationCidrBlock: '10.99.0.1/32' };

beforeEach(async () => {
  clock = handClock();
  region = smallRegion({ now: clock.now });
  table = region.cloud.addRouteTable({
    vpcId: region.vpc.id,
    subnetIds: [region.pods.id],
    routes: { '0.0.0.0/0': 'igw-1' },
    tags: { role: 'vip' },
  }).id;
  server = await startEc2Server({ cloud: region.cloud });
  client = sdkClient(server.url);
});

afterEach(() => server.close());

describe('CreateRoute, ReplaceRoute, DeleteRoute (facts §11)', () => {
  test('a route is created, with host bits cleared, replaced whoever has it, and deleted', async () => {
    await create({ DestinationCidrBlock: '10.99.0.7/24' });
    await replace({ DestinationCidrBlock: '10.99.0.0/24', NetworkInterfaceId: region.eniTwo });
    expect(await route('10.99.0.0/24')).toMatchObject({
      NetworkInterfaceId: region.eniTwo,
      InstanceId: region.two.instance.id,
      Origin: 'CreateRoute',
      State: 'active',
    });
    await client.send(new DeleteRouteCommand({ RouteTableId: table, DestinationCidrBlock: '10.99.0.0/24' }));
    expect(await route('10.99.0.0/24')).toBeUndefined();
  });

  test('IPv6 has a member of its own', async () => {
    await create({ DestinationIpv6CidrBlock: '2001:db8:ffff::1/128', DestinationCidrBlock: undefined });
    const [found] = await tables([{ Name: 'route-table-id', Values: [table] }]);
    expect(found?.Routes?.map((each) => each.DestinationIpv6CidrBlock)).toContain('2001:db8:ffff::1/128');
  });

  test('each says by its code what is wrong', async () => {
    const gone = { RouteTableId: 'rtb-0dead' };
    await create();
    expect(await refusal(create())).toMatch(/^RouteAlreadyExists/);
    expect(await refusal(replace({ DestinationCidrBlock: '10.99.0.2/32' }))).toMatch(
      /^InvalidParameterValue: There is no route defined for '10.99.0.2\/32' in the route table. Use CreateRoute instead./,
    );
    const other = new DeleteRouteCommand({ RouteTableId: table, DestinationCidrBlock: '10.99.0.2/32' });
    expect(await refusal(client.send(other))).toMatch(/^InvalidRoute.NotFound/);
    expect(await refusal(create(gone))).toMatch(/^InvalidRouteTableID.NotFound/);
    expect(await refusal(replace({ NetworkInterfaceId: 'eni-0dead' }))).toMatch(/^InvalidNetworkInterfaceID.NotFound/);
  });

  test('a table of another VPC does not take the ENI', async () => {
    const vpc = region.cloud.addVpc({ cidr: '10.9.0.0/16' });
    const foreign = region.cloud.addRouteTable({ vpcId: vpc.id });
    expect(await refusal(create({ RouteTableId: foreign.id }))).toMatch(/^InvalidParameterValue/);
  });

  test('inside the VPC only the whole network of a subnet is routed', async () => {
    expect(await refusal(create({ DestinationCidrBlock: '10.0.1.50/32' }))).toMatch(/^InvalidParameterValue/);
    await create({ DestinationCidrBlock: '10.0.1.0/24' });
    expect(await refusal(create({ DestinationCidrBlock: '10.0.0.0/16' }))).toMatch(/^RouteAlreadyExists/);
  });

  test('the quota counts each family on its own', async () => {
    region.cloud.knobs.routeQuota = 2;
    await create();
    expect(await refusal(create({ DestinationCidrBlock: '10.99.0.2/32' }))).toMatch(/^RouteLimitExceeded/);
    await create({ DestinationIpv6CidrBlock: '2001:db8:ffff::1/128', DestinationCidrBlock: undefined });
  });
});

describe('DescribeRouteTables (facts §11)', () => {
  test('filters by VPC, tag, id, destination and subnet, and pages', async () => {
    await create();
    for (let index = 0; index < 6; index += 1) region.cloud.addRouteTable({ vpcId: region.vpc.id });
    const ids = async (Name: string, ...Values: string[]) =>
      (await tables([{ Name, Values }])).map(({ RouteTableId }) => RouteTableId);
    expect(await ids('tag:role', 'vip')).toEqual([table]);
    expect(await ids('tag-key', 'role')).toEqual([table]);
    expect(await ids('route.destination-cidr-block', '10.99.0.1/32')).toEqual([table]);
    expect(await ids('association.subnet-id', region.pods.id)).toEqual([table]);
    const first = await client.send(new DescribeRouteTablesCommand({ MaxResults: 5 }));
    const rest = await client.send(new DescribeRouteTablesCommand({ MaxResults: 5, NextToken: first.NextToken }));
    expect([first.RouteTables?.length, rest.RouteTables?.length, rest.NextToken]).toEqual([5, 2, undefined]);
  });

  test('a route whose instance ended, or whose ENI was deleted, is a blackhole', async () => {
    await create();
    region.cloud.setInstanceState(region.one.instance.id, 'stopped');
    expect(await route('10.99.0.1/32')).toMatchObject({ State: 'blackhole' });
    region.cloud.setInstanceState(region.one.instance.id, 'terminated');
    expect(await route('10.99.0.1/32')).toMatchObject({ State: 'blackhole', NetworkInterfaceId: region.eniOne });
  });

  test('it lags behind, as every describe may', async () => {
    region.cloud.knobs.describeLagMs = 2_000;
    clock.advance(10_000);
    await create();
    expect(await route('10.99.0.1/32')).toBeUndefined();
    clock.advance(2_000);
    expect(await route('10.99.0.1/32')).toMatchObject({ State: 'active' });
  });
});

function create(input: Partial<CreateRouteCommandInput> = {}) {
  return client.send(new CreateRouteCommand({ ...target(), ...input }));
}

function replace(input: Partial<CreateRouteCommandInput> = {}) {
  return client.send(new ReplaceRouteCommand({ ...target(), ...input }));
}

function target() {
  return { RouteTableId: table, NetworkInterfaceId: region.eniOne, ...VIP };
}

async function tables(Filters: { Name: string; Values: string[] }[]) {
  return (await client.send(new DescribeRouteTablesCommand({ Filters }))).RouteTables ?? [];
}

async function route(destination: string) {
  const [found] = await tables([{ Name: 'route-table-id', Values: [table] }]);
  return found?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === destination);
}
