import { describe, expect, it } from 'vitest';
import { ec2ElasticIps } from '../../../lib/ec2/elastic-ips.ts';
import { ip } from '../../../lib/model/ip.ts';
import { connectTo, DROP, never, ok, refused, startWire, type WireAnswer } from './wire.ts';

async function rig(answer: (request: Record<string, string>) => WireAnswer) {
  const wire = await startWire(answer);
  const connection = connectTo(wire.url);
  return {
    eips: ec2ElasticIps(connection),
    requests: wire.requests,
    async [Symbol.asyncDispose]() {
      connection.client.destroy();
      await wire[Symbol.asyncDispose]();
    },
  };
}

const options = { signal: never };
const DONE = (request: Record<string, string>) => ok(request['Action'] ?? '', '<return>true</return>');
const eip = (id: string, tags = '') =>
  `<item><publicIp>198.51.100.1</publicIp><allocationId>${id}</allocationId><tagSet>${tags}</tagSet></item>`;

describe('the describe of EIPs', () => {
  it('asks by filters only, so that a missing EIP fails nothing', async () => {
    await using ec2 = await rig(() => ok('DescribeAddresses', `<addressesSet>${eip('eipalloc-1')}</addressesSet>`));
    const found = await ec2.eips.describe({ allocationIds: ['eipalloc-1', 'eipalloc-gone'] }, options);
    expect(found.map((address) => address.allocationId)).toEqual(['eipalloc-1']);
    expect(ec2.requests).toEqual([
      {
        Action: 'DescribeAddresses',
        Version: '2016-11-15',
        'Filter.1.Name': 'allocation-id',
        'Filter.1.Value.1': 'eipalloc-1',
        'Filter.1.Value.2': 'eipalloc-gone',
      },
    ]);
  });

  it('takes tags literally, whatever the endpoint makes of wildcards', async () => {
    const tag = (value: string) => `<item><key>team</key><value>${value}</value></item>`;
    const both = eip('eipalloc-1', tag('a*')) + eip('eipalloc-2', tag('abc'));
    await using ec2 = await rig(() => ok('DescribeAddresses', `<addressesSet>${both}</addressesSet>`));
    const found = await ec2.eips.describe({ tags: { team: 'a*' } }, options);
    expect(found.map((address) => address.allocationId)).toEqual(['eipalloc-1']);
    expect(ec2.requests[0]).toMatchObject({ 'Filter.1.Name': 'tag:team', 'Filter.1.Value.1': 'a\\*' });
  });

  it('asks nothing for an empty list of ids, and everything for an empty query', async () => {
    await using ec2 = await rig(() => ok('DescribeAddresses', '<addressesSet/>'));
    expect(await ec2.eips.describe({ allocationIds: [] }, options)).toEqual([]);
    expect(ec2.requests).toEqual([]);
    expect(await ec2.eips.describe({}, options)).toEqual([]);
    expect(ec2.requests).toEqual([{ Action: 'DescribeAddresses', Version: '2016-11-15' }]);
  });
});

describe('allocation', () => {
  const tags = { 'eni-agent.io/owner': 'ns/pod' };

  it('tags in the same call', async () => {
    const answer = '<publicIp>198.51.100.7</publicIp><allocationId>eipalloc-7</allocationId>';
    await using ec2 = await rig(() => ok('AllocateAddress', answer));
    expect(await ec2.eips.allocate({ pool: 'ipv4pool-ec2-1', tags }, options)).toMatchObject({
      allocationId: 'eipalloc-7',
      publicIp: '198.51.100.7',
      pool: 'ipv4pool-ec2-1',
      tags,
    });
    expect(ec2.requests).toEqual([
      {
        Action: 'AllocateAddress',
        Version: '2016-11-15',
        Domain: 'vpc',
        PublicIpv4Pool: 'ipv4pool-ec2-1',
        'TagSpecification.1.ResourceType': 'elastic-ip',
        'TagSpecification.1.Tag.1.Key': 'eni-agent.io/owner',
        'TagSpecification.1.Tag.1.Value': 'ns/pod',
      },
    ]);
  });

  it('describes an EIP whose answer lacks the public address', async () => {
    await using ec2 = await rig((request) =>
      request['Action'] === 'AllocateAddress'
        ? ok('AllocateAddress', '<allocationId>eipalloc-7</allocationId>')
        : ok('DescribeAddresses', `<addressesSet>${eip('eipalloc-7')}</addressesSet>`),
    );
    expect(await ec2.eips.allocate({ tags }, options)).toMatchObject({ publicIp: '198.51.100.1' });
  });

  it.each([
    ['is refused', refused('RequestLimitExceeded', 'slow', 503)],
    ['does not show it yet', ok('DescribeAddresses', '<addressesSet/>')],
  ])('never forgets an allocated EIP when the describe %s', async (_name, described) => {
    await using ec2 = await rig((request) =>
      request['Action'] === 'AllocateAddress'
        ? ok('AllocateAddress', '<allocationId>eipalloc-7</allocationId>')
        : described,
    );
    await expect(ec2.eips.allocate({ tags }, options)).rejects.toMatchObject({
      kind: 'unknown-outcome',
      action: 'AllocateAddress',
    });
  });

  it('is sent once, also when the reply is lost', async () => {
    await using ec2 = await rig(() => DROP);
    await expect(ec2.eips.allocate({ tags }, options)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    expect(ec2.requests).toHaveLength(1);
  });
});

describe('association', () => {
  it.each([true, false])('always says whether the EIP may be in use (%s)', async (allowReassociation) => {
    await using ec2 = await rig(() => ok('AssociateAddress', '<associationId>eipassoc-1</associationId>'));
    const wanted = { allocationId: 'eipalloc-1', eni: 'eni-1', privateIp: ip('10.0.1.5'), allowReassociation };
    expect(await ec2.eips.associate(wanted, options)).toEqual({ associationId: 'eipassoc-1', requestId: 'req-1' });
    expect(ec2.requests[0]).toEqual({
      Action: 'AssociateAddress',
      Version: '2016-11-15',
      AllocationId: 'eipalloc-1',
      NetworkInterfaceId: 'eni-1',
      PrivateIpAddress: '10.0.1.5',
      AllowReassociation: String(allowReassociation),
    });
  });
});

describe('what is gone already', () => {
  it('counts as disassociated and as released', async () => {
    await using ec2 = await rig(({ Action }) =>
      Action === 'ReleaseAddress'
        ? refused('InvalidAllocationID.NotFound', "The allocation ID 'eipalloc-1' does not exist")
        : refused('InvalidAssociationID.NotFound', "Association ID 'eipassoc-1' not found."),
    );
    await expect(ec2.eips.disassociate('eipassoc-1', options)).resolves.toEqual({ requestId: 'req-1' });
    await expect(ec2.eips.release('eipalloc-1', options)).resolves.toEqual({ requestId: 'req-1' });
  });

  it('is not an EIP of another border group', async () => {
    await using ec2 = await rig(() => refused('InvalidAddress.NotFound', 'wrong border group'));
    await expect(ec2.eips.release('eipalloc-1', options)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('tags', () => {
  it('are never removed by an empty list', async () => {
    await using ec2 = await rig(DONE);
    await ec2.eips.untag(['eipalloc-1'], [], options);
    await ec2.eips.tag(['eipalloc-1'], {}, options);
    await ec2.eips.tag([], { a: '1' }, options);
    expect(ec2.requests).toEqual([]);
  });

  it('are removed by key whatever their value', async () => {
    await using ec2 = await rig(DONE);
    await ec2.eips.tag(['eipalloc-1'], { a: '', b: '2' }, options);
    await ec2.eips.untag(['eipalloc-1'], ['a', 'b'], options);
    const common = { Version: '2016-11-15', 'ResourceId.1': 'eipalloc-1', 'Tag.1.Key': 'a', 'Tag.2.Key': 'b' };
    expect(ec2.requests).toEqual([
      { ...common, Action: 'CreateTags', 'Tag.1.Value': '', 'Tag.2.Value': '2' },
      { ...common, Action: 'DeleteTags' },
    ]);
  });
});

it('pools are read to the last page, ten at a time', async () => {
  const pool = (id: string) =>
    `<item><poolId>${id}</poolId><totalAddressCount>8</totalAddressCount><totalAvailableAddressCount>3</totalAvailableAddressCount></item>`;
  await using ec2 = await rig((request) =>
    request['NextToken'] === undefined
      ? ok('DescribePublicIpv4Pools', `<publicIpv4PoolSet>${pool('p-1')}</publicIpv4PoolSet><nextToken>t</nextToken>`)
      : ok('DescribePublicIpv4Pools', `<publicIpv4PoolSet>${pool('p-2')}</publicIpv4PoolSet>`),
  );
  const pools = await ec2.eips.pools(options);
  expect(pools.map((entry) => [entry.id, entry.available])).toEqual([
    ['p-1', 3],
    ['p-2', 3],
  ]);
  expect(ec2.requests[0]).toMatchObject({ MaxResults: '10' });
});
