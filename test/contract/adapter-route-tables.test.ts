import { afterEach, describe, expect, it } from 'vitest';
import { openEc2Client } from '../../lib/ec2/client.ts';
import { ec2RouteTables } from '../../lib/ec2/route-tables.ts';
import { cidr } from '../../lib/model/ip.ts';
import { never, startRig } from './adapter-ec2-rig.ts';

const options = { signal: never };
const VIP = cidr('10.99.0.1/32');
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function rig() {
  const base = await startRig();
  const client = openEc2Client({ region: 'us-east-1', version: '0.0.0', requestTimeoutMs: 5_000 });
  open.push(base, { [Symbol.asyncDispose]: async () => client.destroy() });
  const routes = ec2RouteTables({ client, now: () => performance.now(), onCall: () => undefined });
  const table = base.cloud.addRouteTable({ vpcId: base.vpc.id, subnetIds: [base.subnet.id], tags: { role: 'vip' } }).id;
  return { ...base, routes, table };
}

describe('routes', () => {
  it('are created, pointed elsewhere and removed, in both families', async () => {
    const { routes, table, left, right, vpc, subnet } = await rig();
    const six = cidr('2001:db8:ffff::1/128');

    await routes.create({ table, destination: VIP, eni: left.pods }, options);
    await routes.replace({ table, destination: VIP, eni: right.pods }, options);
    await routes.create({ table, destination: six, eni: left.pods }, options);

    expect(await routes.describe({ vpcIds: [vpc.id] }, options)).toEqual([
      {
        id: table,
        vpcId: vpc.id,
        subnetIds: [subnet.id],
        main: false,
        tags: { role: 'vip' },
        vpcCidrs: ['10.0.0.0/16', '2001:db8::/56'],
        routes: [
          { destination: VIP, eni: right.pods, blackhole: false, target: right.pods },
          { destination: six, eni: left.pods, blackhole: false, target: left.pods },
        ],
      },
    ]);
    await routes.delete({ table, destination: VIP }, options);
    await routes.delete({ table, destination: VIP }, options);
    const [after] = await routes.describe({ vpcIds: [], ids: [table, 'rtb-0dead'] }, options);
    expect(after?.routes.map(({ destination }) => destination)).toEqual([six]);
  });

  it('are told apart by kind when EC2 refuses', async () => {
    const { routes, table, left, cloud } = await rig();
    const route = { table, destination: VIP, eni: left.pods };

    await expect(routes.replace(route, options)).rejects.toMatchObject({ kind: 'not-assigned' });
    await routes.create(route, options);
    await expect(routes.create(route, options)).rejects.toMatchObject({ kind: 'conflict', code: 'RouteAlreadyExists' });
    cloud.knobs.routeQuota = 1;
    const more = { ...route, destination: cidr('10.99.0.2/32') };
    await expect(routes.create(more, options)).rejects.toMatchObject({ kind: 'limit', code: 'RouteLimitExceeded' });
    const gone = { ...route, table: 'rtb-0dead' };
    await expect(routes.delete(gone, options)).rejects.toMatchObject({ code: 'InvalidRouteTableID.NotFound' });
  });

  it('show a dead holder, more than a page of tables, and the subnets of a VPC', async () => {
    const { routes, table, left, cloud, vpc, subnet } = await rig();
    await routes.create({ table, destination: VIP, eni: left.pods }, options);
    cloud.setInstanceState(left.id, 'terminated');
    for (let index = 0; index < 120; index += 1) cloud.addRouteTable({ vpcId: vpc.id });

    const tables = await routes.describe({ vpcIds: [vpc.id], ids: [table] }, options);

    expect(tables).toHaveLength(121);
    expect(tables.find(({ id }) => id === table)?.routes).toMatchObject([{ eni: left.pods, blackhole: true }]);
    const empty = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.2.0/24' });
    expect(await routes.subnets([vpc.id], options)).toEqual([
      { id: subnet.id, vpcId: vpc.id, cidrs: ['10.0.1.0/24', '2001:db8::/64'], tags: {}, inUse: true },
      { id: empty.id, vpcId: vpc.id, cidrs: ['10.0.2.0/24'], tags: {} },
    ]);
  });

  it('need the source/destination check of their ENI off', async () => {
    const { routes, addresses, left } = await rig();
    const check = async () =>
      (await addresses.describeEnis(left.id, options)).find(({ id }) => id === left.pods)?.sourceDestCheck;

    expect(await check()).toBe(true);
    await routes.disableSourceDestCheck(left.pods, options);
    expect(await check()).toBe(false);
  });
});
