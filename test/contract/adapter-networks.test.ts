import { afterEach, describe, expect, it } from 'vitest';
import { openEc2Client } from '../../lib/ec2/client.ts';
import { ec2Interfaces } from '../../lib/ec2/interfaces.ts';
import { ec2Networks } from '../../lib/ec2/networks.ts';
import { ec2Probe } from '../../lib/ec2/probe.ts';
import { startRig } from './adapter-ec2-rig.ts';

const options = { signal: new AbortController().signal };
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function rig() {
  const base = await startRig();
  const client = openEc2Client({ region: 'us-east-1', version: '0.0.0', requestTimeoutMs: 5_000 });
  open.push(base, { [Symbol.asyncDispose]: async () => client.destroy() });
  const connection = { client, now: () => performance.now(), onCall: () => undefined };
  return { ...base, networks: ec2Networks(connection), probe: ec2Probe(client), interfaces: ec2Interfaces(connection) };
}

describe('what is reserved in a subnet', () => {
  it('is read for IPv4 and IPv6, with its kind, and nobody who names no address gets one of it', async () => {
    const { probe, cloud, subnet } = await rig();
    const dual = cloud.addSubnet({ vpcId: subnet.vpcId, cidr: '10.0.210.0/28', ipv6Cidr: '2600:1f13:1:1::/64' });
    cloud.addSubnetReservation({ subnetId: dual.id, cidr: '10.0.210.4/30' });
    cloud.addSubnetReservation({ subnetId: dual.id, cidr: '2600:1f13:1:1:8000::/65', type: 'prefix' });

    expect(await probe.reservations(dual.id, options.signal)).toEqual([
      { subnetId: dual.id, cidr: '10.0.210.4/30', explicit: true },
      { subnetId: dual.id, cidr: '2600:1f13:1:1:8000::/65', explicit: false },
    ]);
    expect(await probe.reservations(subnet.id, options.signal)).toEqual([]);
    await expect(probe.reservations('subnet-0000000000000dead', options.signal)).rejects.toThrow('does not exist');
    expect(cloud.addInterface({ subnetId: dual.id }).addresses.map(({ ip }) => ip)).toEqual(['10.0.210.8']);
    expect(cloud.addInterface({ subnetId: dual.id, privateIp: '10.0.210.5' }).addresses[0]?.ip).toBe('10.0.210.5');
  });
});

describe('the networks of a VPC', () => {
  it('are its subnets with zone, tags and free addresses, and none of another VPC', async () => {
    const { networks, cloud, subnet } = await rig();
    const other = cloud.addVpc({ cidr: '172.16.0.0/16' });
    cloud.addSubnet({ vpcId: other.id, cidr: '172.16.0.0/24' });
    const tagged = cloud.addSubnet({
      vpcId: subnet.vpcId,
      cidr: '10.0.200.0/28',
      zone: 'us-east-1b',
      tags: { a: 'b' },
    });

    const found = await networks.subnets([subnet.vpcId], options);

    expect(found.map(({ vpcId }) => vpcId).every((id) => id === subnet.vpcId)).toBe(true);
    expect(found.find(({ id }) => id === tagged.id)).toEqual({
      id: tagged.id,
      vpcId: subnet.vpcId,
      zone: 'us-east-1b',
      cidrs: ['10.0.200.0/28'],
      freeAddresses: 11,
      tags: { a: 'b' },
    });
  });

  it('are its security groups, page by page', async () => {
    const { networks, cloud, subnet } = await rig();
    for (let each = 0; each < 12; each += 1) cloud.addSecurityGroup({ vpcId: subnet.vpcId, name: `g${each}` });
    cloud.addSecurityGroup({ vpcId: 'vpc-other', name: 'g' });
    cloud.knobs.shortPages = true;

    const found = await networks.securityGroups([subnet.vpcId], options);

    expect(found.map(({ name }) => name)).toEqual(Array.from({ length: 12 }, (_, each) => `g${each}`));
  });
});

describe('the room on many instances', () => {
  it('is asked for in one call, and an instance that EC2 does not know is missing', async () => {
    const { interfaces, left, right, server, subnet } = await rig();
    server.endpoint.resetCalls();

    const rooms = await interfaces.rooms([left.id, right.id, 'i-0000000000000dead'], options);

    expect([...rooms.keys()].toSorted()).toEqual([left.id, right.id].toSorted());
    expect(rooms.get(left.id)).toMatchObject({ vpcId: subnet.vpcId, zone: 'us-east-1a' });
    expect(server.calls.filter(({ action }) => action === 'DescribeInstances')).toHaveLength(1);
  });
});
