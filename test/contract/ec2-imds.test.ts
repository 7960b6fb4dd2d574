import { fromInstanceMetadata } from '@aws-sdk/credential-providers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ImdsServer } from '../../sim/imds/server.ts';
import { startImds } from '../../sim/imds/server.ts';
import { handClock, smallRegion } from '../unit/sim-ec2/region.ts';

const ttl = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenHeader = 'x-aws-ec2-metadata-token';

let clock: ReturnType<typeof handClock>;
let region: ReturnType<typeof smallRegion>;
let imds: ImdsServer;

beforeEach(async () => {
  clock = handClock();
  region = smallRegion({ now: clock.now });
  imds = await startImds({ cloud: region.cloud, instanceId: region.one.instance.id });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await imds.close();
});

describe('tokens (facts §2)', () => {
  test.each([
    ['1', 200],
    ['21600', 200],
    ['0', 400],
    ['21601', 400],
    ['soon', 400],
    [undefined, 400],
  ])('a TTL of %s answers %d', async (seconds, status) => {
    const reply = await put('/latest/api/token', seconds === undefined ? {} : { [ttl]: seconds });
    expect([reply.status, reply.headers.get(ttl)]).toEqual([status, status === 200 ? seconds : null]);
  });

  test.each([
    ['/2021-07-15/api/token', 403],
    ['/latest/api/tokens', 404],
  ])('PUT %s answers %d', async (path, status) => {
    expect((await put(path, { [ttl]: '60' })).status).toBe(status);
  });

  test('a request that came through a proxy is refused', async () => {
    expect((await put('/latest/api/token', { [ttl]: '60', 'x-forwarded-for': '10.0.0.1' })).status).toBe(403);
  });

  test('no, wrong and expired tokens answer 401; a token serves until it expires', async () => {
    const held = await token('60');
    const status = async (headers: Record<string, string>) => (await get('instance-id', headers)).status;
    expect(await status({})).toBe(401);
    expect(await status({ [tokenHeader]: 'guess' })).toBe(401);
    expect(await status({ [tokenHeader]: held })).toBe(200);
    clock.advance(59_999);
    expect(await status({ [tokenHeader]: held })).toBe(200);
    clock.advance(1);
    expect(await status({ [tokenHeader]: held })).toBe(401);
  });

  test('version 1 works only where tokens are optional', async () => {
    await using lenient = await startImds({
      cloud: region.cloud,
      instanceId: region.one.instance.id,
      tokens: 'optional',
    });
    expect(await (await fetch(`${lenient.url}/latest/meta-data/instance-id`)).text()).toBe(region.one.instance.id);
    const wrong = await fetch(`${lenient.url}/latest/meta-data/instance-id`, { headers: { [tokenHeader]: 'guess' } });
    expect(wrong.status).toBe(401);
  });

  test('a service that is switched off answers 403', async () => {
    imds.enabled = false;
    expect((await put('/latest/api/token', { [ttl]: '60' })).status).toBe(403);
  });
});

describe('the tree (facts §2)', () => {
  test('instance leaves, without a newline at the end', async () => {
    const leaves = [
      'instance-id',
      'instance-type',
      'local-ipv4',
      'mac',
      'placement/region',
      'placement/availability-zone',
    ];
    expect(await Promise.all(leaves.map(read))).toEqual([
      region.one.instance.id,
      'm5.large',
      '10.0.0.11',
      region.one.primary.mac,
      'us-east-1',
      'us-east-1a',
    ]);
  });

  test('the identity document', async () => {
    const reply = await fetch(`${imds.url}/latest/dynamic/instance-identity/document`, {
      headers: { [tokenHeader]: await token() },
    });
    expect(await reply.json()).toMatchObject({
      accountId: '123456789012',
      availabilityZone: 'us-east-1a',
      instanceId: region.one.instance.id,
      instanceType: 'm5.large',
      privateIp: '10.0.0.11',
      region: 'us-east-1',
      version: '2017-09-30',
    });
  });

  test('directories end with a slash, each on its line', async () => {
    const macs = (await read('network/interfaces/macs/')).split('\n');
    expect(macs).toEqual([`${region.one.primary.mac}/`, `${macOf(region.eniOne)}/`].sort());
    expect((await read('placement')).split('\n')).toEqual(['availability-zone', 'availability-zone-id', 'region']);
    expect((await read('')).split('\n')).toEqual(expect.arrayContaining(['instance-id', 'network/', 'placement/']));
  });

  test('an ENI: addresses primary first, EIP, subnet; what is empty does not exist', async () => {
    region.cloud.assignPrivateIpAddresses({ networkInterfaceId: region.eniOne, privateIpAddresses: ['10.0.1.50'] });
    const { allocationId, publicIp } = region.cloud.allocateAddress({});
    const leaf = (name: string) => `network/interfaces/macs/${macOf(region.eniOne)}/${name}`;
    expect((await getWithToken(leaf('public-ipv4s'))).status).toBe(404);
    expect((await getWithToken(leaf('ipv6s'))).status).toBe(404);
    region.cloud.associateAddress({ allocationId, networkInterfaceId: region.eniOne, privateIpAddress: '10.0.1.50' });
    region.cloud.assignIpv6Addresses({ networkInterfaceId: region.eniOne, ipv6Addresses: ['2001:db8:0:1::5'] });
    const expected = {
      'device-number': '1',
      'network-card-index': '0',
      'interface-id': region.eniOne,
      'local-ipv4s': '10.0.1.11\n10.0.1.50',
      'public-ipv4s': publicIp,
      [`ipv4-associations/${publicIp}`]: '10.0.1.50',
      ipv6s: '2001:db8:0:1::5',
      'subnet-id': region.pods.id,
      'subnet-ipv4-cidr-block': '10.0.1.0/24',
      'subnet-ipv6-cidr-blocks': '2001:db8:0:1::/64',
      'vpc-id': region.vpc.id,
      'vpc-ipv4-cidr-block': '10.0.0.0/16',
    };
    for (const [name, text] of Object.entries(expected)) expect([name, await read(leaf(name))]).toEqual([name, text]);
  });

  test('lags behind EC2 by the knob, or by a lag of its own', async () => {
    region.cloud.knobs.imdsLagMs = 1000;
    clock.advance(10_000);
    region.cloud.assignPrivateIpAddresses({ networkInterfaceId: region.eniOne, privateIpAddresses: ['10.0.1.50'] });
    const locals = () => read(`network/interfaces/macs/${macOf(region.eniOne)}/local-ipv4s`);
    expect(await locals()).toBe('10.0.1.11');
    clock.advance(999);
    expect(await locals()).toBe('10.0.1.11');
    clock.advance(1);
    expect(await locals()).toBe('10.0.1.11\n10.0.1.50');
    imds.lagMs = 5000;
    expect(await locals()).toBe('10.0.1.11');
  });

  test('an ENI may be there in part', async () => {
    imds.hiddenLeaves.add('subnet-id');
    const at = `network/interfaces/macs/${macOf(region.eniOne)}`;
    expect((await getWithToken(`${at}/subnet-id`)).status).toBe(404);
    expect(await read(`${at}/interface-id`)).toBe(region.eniOne);
  });

  test('spot/instance-action is there only while the instance is being interrupted', async () => {
    expect((await getWithToken('spot/instance-action')).status).toBe(404);
    region.cloud.setSpotAction(region.one.instance.id, { action: 'terminate', time: '2026-11-21T00:02:00Z' });
    expect(JSON.parse(await read('spot/instance-action'))).toEqual({
      action: 'terminate',
      time: '2026-11-21T00:02:00Z',
    });
  });

  test.each([
    ['GET', '/latest/meta-data/none', 404],
    ['HEAD', '/latest/meta-data/instance-id', 200],
    ['GET', '/2021-07-15/meta-data/instance-id', 200],
    ['GET', '/older/meta-data/instance-id', 404],
    ['DELETE', '/latest/meta-data/instance-id', 405],
  ])('%s %s answers %d', async (method, path, status) => {
    const reply = await fetch(imds.url + path, { method, headers: { [tokenHeader]: await token() } });
    expect(reply.status).toBe(status);
  });

  test("the SDK's own credential provider is served", async () => {
    await imds.close();
    const now = smallRegion();
    imds = await startImds({ cloud: now.cloud, instanceId: now.one.instance.id });
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', imds.url);
    const credentials = await fromInstanceMetadata()();
    expect(credentials.accessKeyId).toBe('ASIASIMULATED0000000');
    expect(credentials.expiration?.getTime()).toBeGreaterThan(Date.now());
    expect(imds.requests.filter((request) => request.startsWith('PUT'))).not.toEqual([]);
  });
});

function put(path: string, headers: Record<string, string>) {
  return fetch(imds.url + path, { method: 'PUT', headers });
}

async function token(seconds = '60'): Promise<string> {
  return (await put('/latest/api/token', { [ttl]: seconds })).text();
}

function get(leaf: string, headers: Record<string, string>) {
  return fetch(`${imds.url}/latest/meta-data/${leaf}`, { headers });
}

async function getWithToken(leaf: string) {
  return get(leaf, { [tokenHeader]: await token() });
}

async function read(leaf: string): Promise<string> {
  const reply = await getWithToken(leaf);
  expect([leaf, reply.status]).toEqual([leaf, 200]);
  return reply.text();
}

function macOf(networkInterfaceId: string): string {
  return region.cloud.state.requireInterface(networkInterfaceId).mac;
}
