import {
  AssignIpv6AddressesCommand,
  AssignPrivateIpAddressesCommand,
  DescribeNetworkInterfacesCommand,
  type EC2Client,
  UnassignIpv6AddressesCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ec2Server } from '../../sim/ec2/server.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { addressesOf, refusal, sdkClient, smallRegion } from '../unit/sim-ec2/region.ts';

let region: ReturnType<typeof smallRegion>;
let server: Ec2Server;
let client: EC2Client;

beforeEach(async () => {
  region = smallRegion();
  server = await startEc2Server({ cloud: region.cloud });
  client = sdkClient(server.url);
});

afterEach(() => server.close());

describe('AssignPrivateIpAddresses (facts §1.1)', () => {
  test('assigns chosen addresses and answers with those of this call only', async () => {
    await assign(region.eniOne, ['10.0.1.50']);
    const reply = await assign(region.eniOne, ['10.0.1.50', '10.0.1.51']);
    expect(reply.NetworkInterfaceId).toBe(region.eniOne);
    expect(reply.AssignedPrivateIpAddresses).toEqual([{ PrivateIpAddress: '10.0.1.51' }]);
    expect(addressesOf(region.cloud, region.eniOne)).toEqual(['10.0.1.11', '10.0.1.50', '10.0.1.51']);
  });

  test('assigns a number of free addresses, none of them reserved', async () => {
    const reply = await client.send(
      new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: region.eniOne, SecondaryPrivateIpAddressCount: 9 }),
    );
    const given = (reply.AssignedPrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress);
    expect(new Set(given).size).toBe(9);
    expect(given).not.toContain('10.0.1.3');
  });

  test.each([
    ['10.0.2.5', "InvalidParameterValue: Address does not fall within the subnet's address range"],
    ['10.0.1.3', "InvalidParameterValue: Address 10.0.1.3 is in subnet's reserved range."],
    ['10.0.1.255', "InvalidParameterValue: Address 10.0.1.255 is in subnet's reserved range."],
    ['10.0.1.300', 'InvalidParameterValue: invalid value for parameter address: 10.0.1.300'],
    ['2001:db8:0:1::9', 'InvalidParameterValue: invalid value for parameter address: 2001:db8:0:1::9'],
    ['10.0.1.12', 'InvalidParameterValue: secondary-addresses'],
  ])('refuses %s and, with it, the good address of the same call', async (bad, expected) => {
    expect(await refusal(assign(region.eniOne, ['10.0.1.60', bad], true))).toBe(expected);
    expect(addressesOf(region.cloud, region.eniOne)).toEqual(['10.0.1.11']);
  });

  test('without AllowReassignment the addresses that others hold are named, and nothing is assigned', async () => {
    await assign(region.eniTwo, ['10.0.1.50', '10.0.1.51']);
    const text = await refusal(assign(region.eniOne, ['10.0.1.60', '10.0.1.50', '10.0.1.51']));
    expect(text).toBe('InvalidParameterValue: [10.0.1.50, 10.0.1.51] assigned, but move is not allowed.');
    expect(addressesOf(region.cloud, region.eniOne)).toEqual(['10.0.1.11']);
  });

  test('with AllowReassignment an address moves in one call, also from a stopped instance', async () => {
    await assign(region.eniTwo, ['10.0.1.50']);
    region.cloud.setInstanceState(region.two.instance.id, 'stopped');
    await assign(region.eniOne, ['10.0.1.50'], true);
    expect(addressesOf(region.cloud, region.eniOne)).toEqual(['10.0.1.11', '10.0.1.50']);
    expect(addressesOf(region.cloud, region.eniTwo)).toEqual(['10.0.1.12']);
  });

  test('the limit of the instance type counts the primary: nine secondaries fit on m5.large', async () => {
    const nine = Array.from({ length: 9 }, (_, index) => `10.0.1.${100 + index}`);
    await assign(region.eniOne, nine);
    const expected = 'PrivateIpAddressLimitExceeded: Number of private addresses will exceed limit.';
    expect(await refusal(assign(region.eniOne, ['10.0.1.120']))).toBe(expected);
    await assign(region.eniOne, nine);
  });

  test('each /28 prefix takes one slot, and its addresses are taken', async () => {
    const prefix = { NetworkInterfaceId: region.eniOne, Ipv4Prefixes: ['10.0.1.64/28'] };
    const reply = await client.send(new AssignPrivateIpAddressesCommand(prefix));
    expect(reply.AssignedIpv4Prefixes).toEqual([{ Ipv4Prefix: '10.0.1.64/28' }]);
    expect(await refusal(assign(region.eniTwo, ['10.0.1.70'], true))).toMatch(/^InvalidParameterValue/);
    const eight = Array.from({ length: 8 }, (_, index) => `10.0.1.${100 + index}`);
    await assign(region.eniOne, eight);
    expect(await refusal(assign(region.eniOne, ['10.0.1.120']))).toMatch(/^PrivateIpAddressLimitExceeded/);
  });

  test.each([
    [
      { NetworkInterfaceId: 'eni-0dead' },
      "InvalidNetworkInterfaceID.NotFound: The networkInterface ID 'eni-0dead' does not exist",
    ],
    [{ NetworkInterfaceId: 'nic-1' }, 'InvalidNetworkInterfaceId.Malformed: Invalid id: "nic-1"'],
  ])('refuses the interface of %j', async (input, expected) => {
    expect(await refusal(assign(input.NetworkInterfaceId, ['10.0.1.50']))).toBe(expected);
  });

  test('takes exactly one of addresses, count and prefixes', async () => {
    const both = {
      NetworkInterfaceId: region.eniOne,
      PrivateIpAddresses: ['10.0.1.50'],
      SecondaryPrivateIpAddressCount: 1,
    };
    expect(await refusal(client.send(new AssignPrivateIpAddressesCommand(both)))).toMatch(
      /^InvalidParameterCombination/,
    );
    const none = { NetworkInterfaceId: region.eniOne };
    expect(await refusal(client.send(new AssignPrivateIpAddressesCommand(none)))).toMatch(/^MissingParameter/);
  });

  test('an ENI that a service owns is not ours', async () => {
    const nat = region.cloud.addInterface({ subnetId: region.pods.id, requesterManaged: true });
    const text = await refusal(assign(nat.id, ['10.0.1.50']));
    expect(text).toBe('AuthFailure: You do not have permission to access the specified resource.');
  });

  test('a full subnet says so', async () => {
    const tiny = region.cloud.addSubnet({ vpcId: region.vpc.id, cidr: '10.0.9.0/28' });
    const eni = region.cloud.addInterface({ subnetId: tiny.id });
    const ask = (count: number) => ({ NetworkInterfaceId: eni.id, SecondaryPrivateIpAddressCount: count });
    const text = await refusal(client.send(new AssignPrivateIpAddressesCommand(ask(11))));
    expect(text).toMatch(
      /^InsufficientFreeAddressesInSubnet: The specified subnet does not have enough free addresses/,
    );
    await client.send(new AssignPrivateIpAddressesCommand(ask(10)));
  });
});

describe('UnassignPrivateIpAddresses (facts §1.2)', () => {
  test('takes an address off; the whole call fails when one of them is not there', async () => {
    await assign(region.eniOne, ['10.0.1.50', '10.0.1.51']);
    const text = await refusal(unassign(region.eniOne, ['10.0.1.50', '10.0.1.99']));
    const expected = `InvalidParameterValue: Some of the specified addresses are not assigned to interface ${region.eniOne}`;
    expect(text).toBe(expected);
    expect(addressesOf(region.cloud, region.eniOne)).toHaveLength(3);
    await unassign(region.eniOne, ['10.0.1.50']);
    expect(addressesOf(region.cloud, region.eniOne)).toEqual(['10.0.1.11', '10.0.1.51']);
  });

  test('the primary stays', async () => {
    expect(await refusal(unassign(region.eniOne, ['10.0.1.11']))).toMatch(
      /The primary IP address of an interface cannot be unassigned/,
    );
  });

  test('after a move, unassigning at the old ENI fails and leaves the new owner alone', async () => {
    await assign(region.eniTwo, ['10.0.1.50']);
    await assign(region.eniOne, ['10.0.1.50'], true);
    expect(await refusal(unassign(region.eniTwo, ['10.0.1.50']))).toMatch(/not assigned to interface/);
    expect(addressesOf(region.cloud, region.eniOne)).toContain('10.0.1.50');
  });
});

describe('IPv6 (facts §1.3)', () => {
  test('assigns, shows and unassigns in canonical text', async () => {
    const reply = await assign6(region.eniOne, ['2001:DB8:0:1:0::5']);
    expect(reply.AssignedIpv6Addresses).toEqual(['2001:db8:0:1::5']);
    const found = await client.send(
      new DescribeNetworkInterfacesCommand({
        Filters: [{ Name: 'ipv6-addresses.ipv6-address', Values: ['2001:db8:0:1::5'] }],
      }),
    );
    expect(found.NetworkInterfaces?.map((eni) => eni.NetworkInterfaceId)).toEqual([region.eniOne]);
    const gone = await unassign6(region.eniOne, ['2001:db8:0:1:0:0:0:5']);
    expect(gone.UnassignedIpv6Addresses).toEqual(['2001:db8:0:1::5']);
  });

  test('does not move: it must leave the other ENI first', async () => {
    await assign6(region.eniTwo, ['2001:db8:0:1::5']);
    expect(await refusal(assign6(region.eniOne, ['2001:db8:0:1::5']))).toMatch(/^InvalidParameterValue/);
    region.cloud.knobs.ipv6InUseCode = 'Resource.AlreadyAssigned';
    expect(await refusal(assign6(region.eniOne, ['2001:db8:0:1::5']))).toMatch(/^Resource.AlreadyAssigned/);
    await unassign6(region.eniTwo, ['2001:db8:0:1::5']);
    await assign6(region.eniOne, ['2001:db8:0:1::5']);
  });

  test('all IPv6 addresses count: ten fit on m5.large', async () => {
    const six = { NetworkInterfaceId: region.eniOne, Ipv6AddressCount: 10 };
    const reply = await client.send(new AssignIpv6AddressesCommand(six));
    expect(reply.AssignedIpv6Addresses).toHaveLength(10);
    expect(await refusal(assign6(region.eniOne, ['2001:db8:0:1::ff']))).toMatch(/^PrivateIpAddressLimitExceeded/);
  });

  test('needs an IPv6 CIDR on the subnet, and stays clear of the reserved addresses', async () => {
    expect(await refusal(assign6(region.one.primary.id, ['2001:db8::5']))).toMatch(/does not have an IPv6 CIDR/);
    expect(await refusal(assign6(region.eniOne, ['2001:db8:0:1::3']))).toMatch(/reserved/);
  });
});

function assign(networkInterfaceId: string, ips: string[], allow?: boolean) {
  const input = { NetworkInterfaceId: networkInterfaceId, PrivateIpAddresses: ips };
  return client.send(
    new AssignPrivateIpAddressesCommand(allow === undefined ? input : { ...input, AllowReassignment: allow }),
  );
}

function unassign(networkInterfaceId: string, ips: string[]) {
  return client.send(
    new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId: networkInterfaceId, PrivateIpAddresses: ips }),
  );
}

function assign6(networkInterfaceId: string, ips: string[]) {
  return client.send(new AssignIpv6AddressesCommand({ NetworkInterfaceId: networkInterfaceId, Ipv6Addresses: ips }));
}

function unassign6(networkInterfaceId: string, ips: string[]) {
  return client.send(new UnassignIpv6AddressesCommand({ NetworkInterfaceId: networkInterfaceId, Ipv6Addresses: ips }));
}
