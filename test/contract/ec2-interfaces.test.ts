import {
  AttachNetworkInterfaceCommand,
  CreateNetworkInterfaceCommand,
  type CreateNetworkInterfaceCommandInput,
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteTagsCommand,
  DescribeNetworkInterfacesCommand,
  DetachNetworkInterfaceCommand,
  type EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ec2Server } from '../../sim/ec2/server.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { handClock, refusal, sdkClient, smallRegion } from '../unit/sim-ec2/region.ts';

let clock: ReturnType<typeof handClock>;
let region: ReturnType<typeof smallRegion>;
let server: Ec2Server;
let client: EC2Client;

beforeEach(async () => {
  clock = handClock();
  region = smallRegion({ now: clock.now });
  server = await startEc2Server({ cloud: region.cloud });
  client = sdkClient(server.url);
});

afterEach(() => server.close());

describe('CreateNetworkInterface (facts §1.8)', () => {
  test('creates a detached ENI with chosen addresses, tags and groups', async () => {
    const created = await create({
      PrivateIpAddresses: [
        { PrivateIpAddress: '10.0.1.41', Primary: false },
        { PrivateIpAddress: '10.0.1.40', Primary: true },
      ],
      Ipv6Addresses: [{ Ipv6Address: '2001:db8:0:1::40' }],
      Groups: ['sg-1'],
      Description: 'for a pod',
      TagSpecifications: [{ ResourceType: 'network-interface', Tags: [{ Key: 'k', Value: 'v' }] }],
    });
    expect(created).toMatchObject({ Status: 'pending', PrivateIpAddress: '10.0.1.40', Description: 'for a pod' });
    expect(await show(created?.NetworkInterfaceId)).toMatchObject({
      Status: 'available',
      PrivateIpAddresses: [
        { PrivateIpAddress: '10.0.1.40', Primary: true },
        { PrivateIpAddress: '10.0.1.41', Primary: false },
      ],
      Ipv6Addresses: [{ Ipv6Address: '2001:db8:0:1::40', IsPrimaryIpv6: false }],
      Groups: [{ GroupId: 'sg-1' }],
      TagSet: [{ Key: 'k', Value: 'v' }],
      SourceDestCheck: true,
    });
  });

  test('the client token makes it idempotent, unless the parameters differ', async () => {
    const first = await create({ ClientToken: 'once' });
    expect((await create({ ClientToken: 'once' }))?.NetworkInterfaceId).toBe(first?.NetworkInterfaceId);
    expect(await refusal(create({ ClientToken: 'once', Description: 'x' }))).toMatch(/^IdempotentParameterMismatch/);
  });

  test('refuses a taken address, an unknown subnet and more than the quota', async () => {
    const taken = 'InvalidIPAddress.InUse: The specified address is already in use.';
    expect(await refusal(create({ PrivateIpAddress: '10.0.1.11' }))).toBe(taken);
    expect(await refusal(create({ SubnetId: 'subnet-0' }))).toMatch(/^InvalidSubnetID.NotFound/);
    region.cloud.knobs.networkInterfaceQuota = 4;
    expect(await refusal(create({}))).toMatch(/^NetworkInterfaceLimitExceeded/);
  });
});

describe('attach, detach, delete (facts §1.8)', () => {
  test('attaching shows in status and attachment, then settles', async () => {
    region.cloud.knobs.attachMs = 2000;
    const eni = await create({});
    const { AttachmentId } = await attach(eni?.NetworkInterfaceId, 2);
    expect(await show(eni?.NetworkInterfaceId)).toMatchObject({
      Status: 'attaching',
      Attachment: { Status: 'attaching' },
    });
    clock.advance(2000);
    expect(await show(eni?.NetworkInterfaceId)).toMatchObject({
      Status: 'in-use',
      Attachment: { AttachmentId, DeviceIndex: 2, Status: 'attached', DeleteOnTermination: false },
    });
  });

  test('refuses a used index, an ENI in use, a fourth ENI on m5.large, another zone, a missing card', async () => {
    const [third, fourth] = [await create({}), await create({})];
    const instance = region.one.instance.id;
    const used = `InvalidParameterValue: Instance '${instance}' already has an interface attached at device index '1'.`;
    expect(await refusal(attach(third?.NetworkInterfaceId, 1))).toBe(used);
    expect(await refusal(attach(third?.NetworkInterfaceId, 2, 1))).toMatch(
      /^InvalidParameterValue: Invalid network card/,
    );
    await attach(third?.NetworkInterfaceId, 2);
    expect(await refusal(attach(third?.NetworkInterfaceId, 3))).toMatch(/^InvalidNetworkInterface.InUse/);
    const full = 'AttachmentLimitExceeded: Interface count 4 exceeds the limit for m5.large';
    expect(await refusal(attach(fourth?.NetworkInterfaceId, 3))).toBe(full);
    const far = region.cloud.addSubnet({ vpcId: region.vpc.id, cidr: '10.0.8.0/24', zone: 'us-east-1b' });
    const stranger = await create({ SubnetId: far.id });
    expect(await refusal(attach(stranger?.NetworkInterfaceId, 3))).toMatch(/^InvalidParameterCombination/);
  });

  test('an ENI with more addresses than the type takes is refused when it is attached', async () => {
    const eni = await create({ SecondaryPrivateIpAddressCount: 10 });
    expect(await refusal(attach(eni?.NetworkInterfaceId, 2))).toMatch(/^PrivateIpAddressLimitExceeded/);
  });

  test('the first ENI cannot be detached; a detaching one cannot be deleted until it is off', async () => {
    region.cloud.knobs.detachMs = 3000;
    const first = await show(region.one.primary.id);
    const text = await refusal(detach(first?.Attachment?.AttachmentId));
    expect(text).toBe(
      'OperationNotPermitted: The network interface at device index 0 and networkCard index 0 cannot be detached.',
    );
    await detach((await show(region.eniOne))?.Attachment?.AttachmentId);
    const remove = () => client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: region.eniOne }));
    const inUse = `InvalidParameterValue: Network interface '${region.eniOne}' is currently in use.`;
    expect([(await show(region.eniOne))?.Status, await refusal(remove())]).toEqual(['detaching', inUse]);
    clock.advance(3000);
    await remove();
    expect(await refusal(show(region.eniOne))).toMatch(/^InvalidNetworkInterfaceID.NotFound/);
  });

  test('termination deletes the first ENI and leaves the others, their addresses still taken', async () => {
    region.cloud.setInstanceState(region.one.instance.id, 'terminated');
    expect(await refusal(show(region.one.primary.id))).toMatch(/^InvalidNetworkInterfaceID.NotFound/);
    expect((await show(region.eniOne))?.Status).toBe('available');
    expect(await refusal(create({ PrivateIpAddress: '10.0.1.11' }))).toMatch(/^InvalidIPAddress.InUse/);
  });

  test('ModifyNetworkInterfaceAttribute changes one attribute per call', async () => {
    const modify = (input: object) =>
      client.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: region.eniOne, ...input }));
    await modify({ SourceDestCheck: { Value: false } });
    const AttachmentId = (await show(region.eniOne))?.Attachment?.AttachmentId;
    await modify({ Attachment: { AttachmentId, DeleteOnTermination: true } });
    const changed = await show(region.eniOne);
    expect([changed?.SourceDestCheck, changed?.Attachment?.DeleteOnTermination]).toEqual([false, true]);
    const two = { SourceDestCheck: { Value: true }, Description: { Value: 'x' } };
    expect(await refusal(modify(two))).toMatch(/^InvalidParameterCombination/);
  });
});

describe('tags (facts §1.7)', () => {
  const seed = { a: '1', b: '', c: '3' };

  test.each([
    ['without a value, whatever it is', [{ Key: 'a' }, { Key: 'b' }], { c: '3' }],
    [
      'with an empty value, only if it is empty',
      [
        { Key: 'a', Value: '' },
        { Key: 'b', Value: '' },
      ],
      { a: '1', c: '3' },
    ],
    [
      'with a value, only if it is that',
      [
        { Key: 'a', Value: '2' },
        { Key: 'c', Value: '3' },
      ],
      { a: '1', b: '' },
    ],
    ['with no list at all, every tag', undefined, {}],
    ['with an empty list, every tag', [], {}],
  ])('DeleteTags %s', async (_, Tags, left) => {
    const eni = region.cloud.addInterface({ subnetId: region.pods.id, tags: seed });
    await client.send(new DeleteTagsCommand({ Resources: [eni.id], ...(Tags && { Tags }) }));
    expect(await tagsOf(eni.id)).toEqual(left);
  });

  test('CreateTags overwrites, and changes nothing when one resource is unknown', async () => {
    const tag = (Resources: string[], Key: string, Value: string) =>
      client.send(new CreateTagsCommand({ Resources, Tags: [{ Key, Value }] }));
    await tag([region.eniOne, region.one.instance.id], 'k', '1');
    await tag([region.eniOne], 'k', '2');
    expect(await refusal(tag([region.eniOne, 'eni-0dead'], 'k', '3'))).toMatch(/^InvalidNetworkInterfaceID.NotFound/);
    expect(await refusal(tag([region.eniOne, 'banana'], 'k', '3'))).toBe("InvalidID: The ID 'banana' is not valid");
    expect(await refusal(tag([region.eniOne], 'aws:k', '3'))).toMatch(/^InvalidParameterValue/);
    expect(await tagsOf(region.eniOne)).toEqual({ k: '2' });
  });

  test('fifty tags are the limit', async () => {
    const fifty = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
    await client.send(new CreateTagsCommand({ Resources: [region.eniOne], Tags: fifty }));
    const more = { Resources: [region.eniOne], Tags: [{ Key: 'one more', Value: '' }] };
    expect(await refusal(client.send(new CreateTagsCommand(more)))).toMatch(/^TagLimitExceeded/);
  });
});

async function create(input: Partial<CreateNetworkInterfaceCommandInput>) {
  const reply = await client.send(new CreateNetworkInterfaceCommand({ SubnetId: region.pods.id, ...input }));
  return reply.NetworkInterface;
}

function attach(NetworkInterfaceId: string | undefined, DeviceIndex: number, NetworkCardIndex?: number) {
  const place = { NetworkInterfaceId, InstanceId: region.one.instance.id, DeviceIndex, NetworkCardIndex };
  return client.send(new AttachNetworkInterfaceCommand(place));
}

function detach(AttachmentId: string | undefined) {
  return client.send(new DetachNetworkInterfaceCommand({ AttachmentId }));
}

async function show(id: string | undefined) {
  const reply = await client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [String(id)] }));
  return reply.NetworkInterfaces?.[0];
}

async function tagsOf(id: string) {
  return Object.fromEntries(((await show(id))?.TagSet ?? []).map((tag) => [tag.Key, tag.Value]));
}
