import {
  AllocateAddressCommand,
  type AllocateAddressCommandInput,
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DescribePublicIpv4PoolsCommand,
  DisassociateAddressCommand,
  type EC2Client,
  ReleaseAddressCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ec2Server } from '../../sim/ec2/server.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { refusal, sdkClient, smallRegion } from '../unit/sim-ec2/region.ts';

let region: ReturnType<typeof smallRegion>;
let server: Ec2Server;
let client: EC2Client;

beforeEach(async () => {
  region = smallRegion();
  server = await startEc2Server({ cloud: region.cloud });
  client = sdkClient(server.url);
});

afterEach(() => server.close());

describe('AllocateAddress and ReleaseAddress (facts §1.6)', () => {
  test('tags in the call are on the address from the start', async () => {
    const { AllocationId, PublicIp } = await allocate({
      TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: [{ Key: 'owner', Value: 'ns/pod' }] }],
    });
    const found = await addresses({ Filters: [{ Name: 'tag:owner', Values: ['ns/*'] }] });
    expect(found).toEqual([
      expect.objectContaining({ AllocationId, PublicIp, Domain: 'vpc', PublicIpv4Pool: 'amazon' }),
    ]);
    expect(found[0]).not.toHaveProperty('AssociationId');
  });

  test('the quota refuses the sixth; addresses of an own pool do not count', async () => {
    const pool = region.cloud.addPool({ cidr: '203.0.113.0/30' });
    for (let count = 0; count < 5; count += 1) await allocate();
    expect(await refusal(allocate())).toBe('AddressLimitExceeded: The maximum number of addresses has been reached.');
    const own = await allocate({ PublicIpv4Pool: pool.id });
    expect(own.PublicIp).toBe('203.0.113.0');
  });

  test('a pool shows what is left and runs dry', async () => {
    const pool = region.cloud.addPool({ cidr: '203.0.113.0/31' });
    await allocate({ PublicIpv4Pool: pool.id });
    const reply = await client.send(new DescribePublicIpv4PoolsCommand({ PoolIds: [pool.id] }));
    expect(reply.PublicIpv4Pools?.[0]).toMatchObject({ TotalAddressCount: 2, TotalAvailableAddressCount: 1 });
    await allocate({ PublicIpv4Pool: pool.id });
    expect(await refusal(allocate({ PublicIpv4Pool: pool.id }))).toMatch(/^InsufficientAddressCapacity/);
    expect(await refusal(allocate({ PublicIpv4Pool: 'ipv4pool-ec2-0' }))).toMatch(/^InvalidPublicIpv4PoolID.NotFound/);
  });

  test('a released address can be recovered, until another account has it', async () => {
    const first = await allocate();
    await client.send(new ReleaseAddressCommand({ AllocationId: first.AllocationId }));
    const again = await allocate({ Address: first.PublicIp });
    expect(again.PublicIp).toBe(first.PublicIp);
    expect(again.AllocationId).not.toBe(first.AllocationId);
    expect(await refusal(allocate({ Address: first.PublicIp }))).toMatch(/^InvalidAddress.NotFound/);
    await client.send(new ReleaseAddressCommand({ AllocationId: again.AllocationId }));
    region.cloud.giveToAnotherAccount(String(first.PublicIp));
    expect(await refusal(allocate({ Address: first.PublicIp }))).toMatch(/^AuthFailure/);
    expect(await refusal(client.send(new ReleaseAddressCommand({ AllocationId: again.AllocationId })))).toMatch(
      /^AuthFailure/,
    );
  });

  test('an associated address is in use; an unknown one is not found', async () => {
    const { AllocationId } = await allocate();
    await associate(AllocationId, region.eniOne);
    const release = () => client.send(new ReleaseAddressCommand({ AllocationId }));
    expect(await refusal(release())).toMatch(/^InvalidIPAddress.InUse/);
    await client.send(new DisassociateAddressCommand({ AssociationId: (await addresses())[0]?.AssociationId }));
    await release();
    expect(await refusal(release())).toBe(
      `InvalidAllocationID.NotFound: The allocation ID '${AllocationId}' does not exist`,
    );
  });

  test('the public address alone does not release', async () => {
    const { PublicIp } = await allocate();
    expect(await refusal(client.send(new ReleaseAddressCommand({ PublicIp })))).toMatch(
      /You must specify an allocation id/,
    );
  });
});

describe('AssociateAddress (facts §1.6)', () => {
  test('without a private address it takes the primary of the ENI', async () => {
    const { AllocationId } = await allocate();
    const { AssociationId } = await associate(AllocationId, region.eniOne);
    expect(await addresses()).toEqual([
      expect.objectContaining({
        AssociationId,
        NetworkInterfaceId: region.eniOne,
        PrivateIpAddress: '10.0.1.11',
        InstanceId: region.one.instance.id,
      }),
    ]);
  });

  test.each<[string, boolean | undefined, 'moves' | 'refuses']>([
    ['true', true, 'moves'],
    ['false', false, 'refuses'],
    ['absent', undefined, 'moves'],
    ['absent, default false', undefined, 'refuses'],
  ])('AllowReassociation %s on an associated EIP: %s → %s', async (name, allow, outcome) => {
    region.cloud.knobs.allowReassociationDefault = !name.includes('default false');
    const { AllocationId } = await allocate();
    const { AssociationId } = await associate(AllocationId, region.eniOne);
    const refusalText = `resource ${AllocationId} is already associated with associate-id ${AssociationId}`;
    const expected = {
      moves: ['a new association', region.eniTwo],
      refuses: [`Resource.AlreadyAssociated: ${refusalText}`, region.eniOne],
    }[outcome];

    const seen = await associate(AllocationId, region.eniTwo, undefined, allow).then(
      (reply) => (reply.AssociationId === AssociationId ? 'the same association' : 'a new association'),
      (error: Error) => `${error.name}: ${error.message}`,
    );

    expect([seen, (await addresses())[0]?.NetworkInterfaceId]).toEqual(expected);
  });

  test('repeating an association is not an error, even with AllowReassociation=false', async () => {
    const { AllocationId } = await allocate();
    const first = await associate(AllocationId, region.eniOne, '10.0.1.11', false);
    const second = await associate(AllocationId, region.eniOne, '10.0.1.11', false);
    expect(second.AssociationId).toBe(first.AssociationId);
  });

  test('a target that has an EIP loses it: the old one stays allocated and free', async () => {
    const [old, next] = [await allocate(), await allocate()];
    await associate(old.AllocationId, region.eniOne);
    await associate(next.AllocationId, region.eniOne, undefined, false);
    const [first, second] = await addresses();
    expect([first?.AssociationId, second?.PrivateIpAddress]).toEqual([undefined, '10.0.1.11']);
  });

  test('refuses with the documented codes', async () => {
    const { AllocationId } = await allocate();
    const bare = region.cloud.addVpc({ cidr: '10.9.0.0/16', internetGateway: false });
    const subnet = region.cloud.addSubnet({ vpcId: bare.id, cidr: '10.9.0.0/24' });
    const lonely = region.cloud.addInterface({ subnetId: subnet.id });
    region.cloud.setInstanceState(region.two.instance.id, 'pending');
    const table: [Promise<unknown>, string][] = [
      [
        associate(AllocationId, lonely.id),
        `Gateway.NotAttached: Network ${bare.id} is not attached to any internet gateway`,
      ],
      [
        associate(AllocationId, region.eniOne, '10.0.1.99'),
        `InvalidParameterValue: The private IP address 10.0.1.99 is not assigned to network interface ${region.eniOne}`,
      ],
      [
        associate(AllocationId, 'eni-0dead'),
        "InvalidNetworkInterfaceID.NotFound: The networkInterface ID 'eni-0dead' does not exist",
      ],
      [
        associate('eipalloc-0', region.eniOne),
        "InvalidAllocationID.NotFound: The allocation ID 'eipalloc-0' does not exist",
      ],
      [
        associate(AllocationId, region.eniTwo),
        `InvalidInstanceID: The pending instance '${region.two.instance.id}' is not in a valid state for this operation.`,
      ],
      [
        client.send(new AssociateAddressCommand({ AllocationId, InstanceId: region.one.instance.id })),
        `InvalidInstanceID: There are multiple interfaces attached to instance '${region.one.instance.id}'. Please specify an interface ID for the operation instead.`,
      ],
    ];
    for (const [call, expected] of table) expect(await refusal(call)).toBe(expected);
    expect((await addresses())[0]).not.toHaveProperty('AssociationId');
  });

  test('works on a detached ENI', async () => {
    const { AllocationId } = await allocate();
    const eni = region.cloud.addInterface({ subnetId: region.pods.id });
    await associate(AllocationId, eni.id);
    expect((await addresses({ AllocationIds: [String(AllocationId)] }))[0]?.NetworkInterfaceId).toBe(eni.id);
  });

  test('takes the place of a public address lent by Amazon', async () => {
    const { primary } = region.cloud.addInstance({ subnetId: region.nodes.id, lendPublicIp: true });
    const lent = region.cloud.describeNetworkInterfaces({ networkInterfaceIds: [primary.id] }).networkInterfaceSet[0];
    expect(lent?.association).toMatchObject({ ipOwnerId: 'amazon' });
    expect(lent?.association).not.toHaveProperty('allocationId');
    const { AllocationId, PublicIp } = await allocate();
    await associate(AllocationId, primary.id);
    const now = region.cloud.describeNetworkInterfaces({ networkInterfaceIds: [primary.id] }).networkInterfaceSet[0];
    expect(now?.association).toMatchObject({ publicIp: PublicIp, ipOwnerId: '123456789012' });
  });
});

describe('DisassociateAddress (facts §1.6)', () => {
  test('a stale association id cannot hurt the new owner', async () => {
    const { AllocationId } = await allocate();
    const { AssociationId } = await associate(AllocationId, region.eniOne);
    await associate(AllocationId, region.eniTwo);
    await client.send(new DisassociateAddressCommand({ AssociationId }));
    expect((await addresses())[0]?.NetworkInterfaceId).toBe(region.eniTwo);
    region.cloud.knobs.repeatedDisassociate = 'not-found';
    const text = await refusal(client.send(new DisassociateAddressCommand({ AssociationId })));
    expect(text).toMatch(/^InvalidAssociationID.NotFound/);
  });
});

describe('an EIP on a secondary address (facts §1.1, §1.2)', () => {
  test.each(['same', 'new'] as const)('follows it to another ENI, association id: %s', async (after) => {
    region.cloud.knobs.associationIdAfterMove = after;
    const { AllocationId } = await allocate();
    await assign(region.eniOne, '10.0.1.50');
    const { AssociationId } = await associate(AllocationId, region.eniOne, '10.0.1.50');
    await assign(region.eniTwo, '10.0.1.50');
    const [moved] = await addresses();
    expect(moved).toMatchObject({ NetworkInterfaceId: region.eniTwo, PrivateIpAddress: '10.0.1.50' });
    expect(moved?.AssociationId === AssociationId).toBe(after === 'same');
  });

  test('is freed when the address is unassigned, and stays allocated', async () => {
    const { AllocationId } = await allocate();
    await assign(region.eniOne, '10.0.1.50');
    await associate(AllocationId, region.eniOne, '10.0.1.50');
    const off = { NetworkInterfaceId: region.eniOne, PrivateIpAddresses: ['10.0.1.50'] };
    await client.send(new UnassignPrivateIpAddressesCommand(off));
    const [free] = await addresses();
    expect([free?.AllocationId, free?.AssociationId, free?.NetworkInterfaceId]).toEqual([
      AllocationId,
      undefined,
      undefined,
    ]);
  });
});

test.each([
  [{ AllocationIds: ['eipalloc-0'] }, 'InvalidAllocationID.NotFound'],
  [{ PublicIps: ['192.0.2.1'] }, 'InvalidAddress.NotFound'],
  [{ Filters: [{ Name: 'colour', Values: ['red'] }] }, 'InvalidParameterValue'],
])('DescribeAddresses %j is refused with %s', async (input, code) => {
  expect(await refusal(addresses(input))).toMatch(new RegExp(`^${code}: `));
});

function allocate(input: AllocateAddressCommandInput = {}) {
  return client.send(new AllocateAddressCommand({ Domain: 'vpc', ...input }));
}

function associate(AllocationId: string | undefined, NetworkInterfaceId: string, ip?: string, allow?: boolean) {
  const target = { AllocationId, NetworkInterfaceId, PrivateIpAddress: ip, AllowReassociation: allow };
  return client.send(new AssociateAddressCommand(target));
}

async function addresses(input = {}) {
  return (await client.send(new DescribeAddressesCommand(input))).Addresses ?? [];
}

function assign(NetworkInterfaceId: string, ip: string) {
  const input = { NetworkInterfaceId, PrivateIpAddresses: [ip], AllowReassignment: true };
  return client.send(new AssignPrivateIpAddressesCommand(input));
}
