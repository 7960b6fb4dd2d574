import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DescribePublicIpv4PoolsCommand,
  DescribeSubnetsCommand,
  type EC2Client,
  type Filter,
  paginateDescribeNetworkInterfaces,
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

describe('filters (facts §1.0, §1.4)', () => {
  beforeEach(() => {
    region.cloud.assignPrivateIpAddresses({ networkInterfaceId: region.eniOne, privateIpAddresses: ['10.0.1.50'] });
    region.cloud.createTags({ resources: [region.eniTwo], tags: [{ key: 'role', value: 'Pod (a|b)' }] });
  });

  test.each<[string, Filter[], string[]]>([
    ['a secondary by addresses.private-ip-address', [filter('addresses.private-ip-address', '10.0.1.50')], ['one']],
    ['a secondary is not found by private-ip-address', [filter('private-ip-address', '10.0.1.50')], []],
    ['values of one filter: or', [filter('private-ip-address', '10.0.1.11', '10.0.1.12')], ['one', 'two']],
    ['different filters: and', [filter('subnet-id', '*'), filter('private-ip-address', '10.0.1.12')], ['two']],
    ['* and ?', [filter('private-ip-address', '10.0.1.1?'), filter('status', 'in-*')], ['one', 'two']],
    ['an escaped wildcard is itself', [filter('private-ip-address', '10.0.1.1\\?')], []],
    ['characters of a regular expression are plain', [filter('tag:role', 'Pod (a|b)')], ['two']],
    ['a dot is not a wildcard', [filter('private-ip-address', '10.0.1x1*')], []],
    ['case counts', [filter('tag:role', 'pod*')], []],
    ['tag-key', [filter('tag-key', 'role')], ['two']],
    ['an unknown id in a filter yields nothing', [filter('network-interface-id', 'eni-0dead')], []],
    ['a device index', [filter('attachment.device-index', '1')], ['one', 'two']],
  ])('%s', async (_, Filters, expected) => {
    const reply = await client.send(new DescribeNetworkInterfacesCommand({ Filters }));
    const names = new Map([
      [region.eniOne, 'one'],
      [region.eniTwo, 'two'],
    ]);
    expect(reply.NetworkInterfaces?.map((eni) => names.get(String(eni.NetworkInterfaceId)))).toEqual(expected);
  });

  test('an unknown filter, an unknown id and more than 200 values are refused', async () => {
    const ask = (input: object) => refusal(client.send(new DescribeNetworkInterfacesCommand(input)));
    expect(await ask({ Filters: [filter('colour', 'red')] })).toBe(
      "InvalidParameterValue: The filter 'colour' is invalid",
    );
    expect(await ask({ NetworkInterfaceIds: [region.eniOne, 'eni-0dead'] })).toMatch(
      /^InvalidNetworkInterfaceID.NotFound/,
    );
    const many = Array.from({ length: 201 }, (__, index) => `${index}`);
    expect(await ask({ Filters: [filter('status', ...many)] })).toMatch(/^FilterLimitExceeded/);
  });
});

describe('pages (facts §1.0)', () => {
  beforeEach(() => {
    for (let count = 0; count < 12; count += 1) region.cloud.addInterface({ subnetId: region.pods.id });
  });

  test.each([false, true])("the SDK's paginator sees every ENI once, short pages: %s", async (shortPages) => {
    region.cloud.knobs.shortPages = shortPages;
    const seen: unknown[] = [];
    const Filters = [filter('status', 'available')];
    for await (const page of paginateDescribeNetworkInterfaces({ client, pageSize: 5 }, { Filters })) {
      seen.push(...(page.NetworkInterfaces ?? []).map((eni) => eni.NetworkInterfaceId));
    }
    expect([seen.length, new Set(seen).size, server.calls.length]).toEqual([12, 12, shortPages ? 4 : 3]);
  });

  test.each([
    [() => new DescribeNetworkInterfacesCommand({ MaxResults: 4 }), 'InvalidParameterValue'],
    [() => new DescribeNetworkInterfacesCommand({ MaxResults: 1001 }), 'InvalidParameterValue'],
    [() => new DescribeInstancesCommand({ MaxResults: 4 }), 'InvalidParameterValue'],
    [() => new DescribeSubnetsCommand({ MaxResults: 1001 }), 'InvalidParameterValue'],
    [() => new DescribeNetworkInterfacesCommand({ MaxResults: 5, NextToken: 'x' }), 'InvalidNextToken'],
    [
      () => new DescribeNetworkInterfacesCommand({ MaxResults: 5, NetworkInterfaceIds: ['eni-1'] }),
      'InvalidParameterCombination',
    ],
  ])('%s → %s', async (command, code) => {
    expect(await refusal(client.send(command()))).toMatch(new RegExp(`^${code}: `));
  });

  test('pools come in pages of one to ten, instance types in pages of five to a hundred', async () => {
    for (let count = 0; count < 3; count += 1) region.cloud.addPool({ cidr: `203.0.113.${count * 4}/30` });
    const first = await client.send(new DescribePublicIpv4PoolsCommand({ MaxResults: 2 }));
    const rest = await client.send(new DescribePublicIpv4PoolsCommand({ MaxResults: 2, NextToken: first.NextToken }));
    expect([first.PublicIpv4Pools?.length, rest.PublicIpv4Pools?.length, rest.NextToken]).toEqual([2, 1, undefined]);
    expect(await refusal(client.send(new DescribePublicIpv4PoolsCommand({ MaxResults: 11 })))).toMatch(
      /^InvalidParameterValue/,
    );
    expect(await refusal(client.send(new DescribeInstanceTypesCommand({ MaxResults: 101 })))).toMatch(
      /^InvalidParameterValue/,
    );
  });
});

describe('shapes (facts §1.5)', () => {
  test('DescribeInstances: state, public names, and associations without their ids', async () => {
    const { AllocationId, PublicIp } = await client.send(new AllocateAddressCommand({}));
    await client.send(new AssociateAddressCommand({ AllocationId, NetworkInterfaceId: region.one.primary.id }));
    const reply = await client.send(new DescribeInstancesCommand({ InstanceIds: [region.one.instance.id] }));
    const instance = reply.Reservations?.[0]?.Instances?.[0];
    expect(instance).toMatchObject({
      InstanceType: 'm5.large',
      State: { Code: 16, Name: 'running' },
      PrivateIpAddress: '10.0.0.11',
      PublicIpAddress: PublicIp,
      PublicDnsName: `ec2-${PublicIp?.replaceAll('.', '-')}.us-east-1.compute.amazonaws.com`,
      Placement: { AvailabilityZone: 'us-east-1a' },
    });
    const [first, second] = instance?.NetworkInterfaces ?? [];
    expect(first?.Association).toEqual(expect.objectContaining({ PublicIp }));
    expect(JSON.stringify(instance)).not.toContain('eipalloc-');
    expect(second?.NetworkInterfaceId).toBe(region.eniOne);
  });

  test('DescribeInstances finds a secondary by its own filter, not by private-ip-address', async () => {
    const find = async (name: string, value: string) => {
      const reply = await client.send(new DescribeInstancesCommand({ Filters: [filter(name, value)] }));
      return reply.Reservations?.length;
    };
    expect(await find('private-ip-address', '10.0.1.11')).toBe(0);
    expect(await find('network-interface.addresses.private-ip-address', '10.0.1.11')).toBe(1);
    expect(await find('instance-state-name', 'running')).toBe(2);
  });

  test.each([
    ['m5.large', 3, 10, [3]],
    ['t3.micro', 2, 2, [2]],
    ['p4d.24xlarge', 60, 50, [15, 15, 15, 15]],
    ['c6in.32xlarge', 16, 50, [8, 8]],
  ] as const)(
    'DescribeInstanceTypes %s: %d interfaces with %d addresses',
    async (type, interfaces, addresses, cards) => {
      const reply = await client.send(new DescribeInstanceTypesCommand({ InstanceTypes: [type] }));
      expect(reply.InstanceTypes?.[0]?.NetworkInfo).toMatchObject({
        MaximumNetworkInterfaces: interfaces,
        Ipv4AddressesPerInterface: addresses,
        NetworkCards: cards.map((MaximumNetworkInterfaces, NetworkCardIndex) => ({
          NetworkCardIndex,
          MaximumNetworkInterfaces,
        })),
      });
    },
  );

  test('DescribeInstanceTypes refuses a type that does not exist', async () => {
    const bad = new DescribeInstanceTypesCommand({ InstanceTypes: ['z9.tiny' as 'm5.large'] });
    expect(await refusal(client.send(bad))).toMatch(/^InvalidInstanceType/);
  });

  test('DescribeSubnets counts what is free and shows the IPv6 CIDR as associated', async () => {
    const ask = async () =>
      (await client.send(new DescribeSubnetsCommand({ SubnetIds: [region.pods.id] }))).Subnets?.[0];
    const before = await ask();
    region.cloud.assignPrivateIpAddresses({ networkInterfaceId: region.eniOne, secondaryPrivateIpAddressCount: 3 });
    const after = await ask();
    expect(before).toMatchObject({
      CidrBlock: '10.0.1.0/24',
      AvailableIpAddressCount: 256 - 5 - 2,
      AvailabilityZoneId: 'use1-az1',
      Ipv6CidrBlockAssociationSet: [
        { Ipv6CidrBlock: '2001:db8:0:1::/64', Ipv6CidrBlockState: { State: 'associated' } },
      ],
    });
    expect(after?.AvailableIpAddressCount).toBe(256 - 5 - 5);
    const unknown = "InvalidSubnetID.NotFound: The subnet ID 'subnet-0' does not exist";
    expect(await refusal(client.send(new DescribeSubnetsCommand({ SubnetIds: ['subnet-0'] })))).toBe(unknown);
  });
});

function filter(Name: string, ...Values: string[]): Filter {
  return { Name, Values };
}
