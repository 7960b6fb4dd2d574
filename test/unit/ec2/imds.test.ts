import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fingerprint, imdsIdentity, imdsInterfaces, subnetHints } from '../../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../../lib/ec2/imds-http.ts';
import { ip } from '../../../lib/model/ip.ts';
import { never } from './wire.ts';

type Answer = { readonly status: number; readonly body?: string; readonly ttl?: number } | 'hang';

/** A metadata service made of one function; the token service is part of it. */
async function startService(answer: (request: IncomingMessage) => Answer) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const reply = answer(request);
    if (reply === 'hang') return;
    const ttl = reply.ttl === undefined ? {} : { 'x-aws-ec2-metadata-token-ttl-seconds': reply.ttl };
    response.writeHead(reply.status, ttl).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers paths from a table and hands out tokens t1, t2, … of one minute. */
function tokenService(leaves: Record<string, string>, valid: (token: unknown) => boolean = () => true) {
  let issued = 0;
  return (request: IncomingMessage): Answer => {
    if (request.method === 'PUT') return { status: 200, body: `t${++issued}`, ttl: 60 };
    if (!valid(request.headers['x-aws-ec2-metadata-token'])) return { status: 401 };
    const body = leaves[request.url ?? ''];
    return body === undefined ? { status: 404 } : { status: 200, body };
  };
}

const isPut = (line: string) => line.startsWith('PUT');
const ID = '/latest/meta-data/instance-id';

describe('imdsReader', () => {
  it('shares one token between concurrent reads and keeps it until it ends', async () => {
    let now = 0;
    await using service = await startService(tokenService({ [ID]: 'i-1' }));
    const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => now });
    await Promise.all([read(ID, never), read(ID, never), read('/nothing', never)]);
    now = 29_000;
    await read(ID, never);
    expect(service.requests.filter(isPut)).toHaveLength(1);
    now = 31_000;
    expect(await read(ID, never)).toBe('i-1');
    expect(service.requests.filter(isPut)).toHaveLength(2);
  });

  it('replaces a token that is refused, once', async () => {
    await using service = await startService(tokenService({ [ID]: 'i-1' }, (token) => token === 't2'));
    const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0 });
    expect(await read(ID, never)).toBe('i-1');
    expect(service.requests).toEqual(['PUT /latest/api/token', `GET ${ID}`, 'PUT /latest/api/token', `GET ${ID}`]);
  });

  it('gives up when the new token is refused too', async () => {
    await using service = await startService(tokenService({}, () => false));
    const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0 });
    await expect(read(ID, never)).rejects.toMatchObject({ name: 'ImdsError', status: 401 });
    expect(service.requests).toHaveLength(4);
  });

  it('uses version 1 only where that is allowed, and remembers for a minute', async () => {
    let now = 0;
    await using service = await startService((request) =>
      request.method === 'PUT' ? { status: 403 } : { status: 200, body: 'i-1' },
    );
    const strict = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => now });
    await expect(strict(ID, never)).rejects.toMatchObject({ status: 403 });
    const lenient = imdsReader({ endpoint: service.endpoint, allowV1: true, now: () => now });
    service.requests.length = 0;
    expect([await lenient(ID, never), await lenient(ID, never)]).toEqual(['i-1', 'i-1']);
    now = 61_000;
    await lenient(ID, never);
    expect(service.requests.filter(isPut)).toHaveLength(2);
  });

  it('does not wait long, and names the usual reason', async () => {
    await using service = await startService(() => 'hang');
    const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0, timeoutMs: 30 });
    await expect(read(ID, never)).rejects.toThrow(/no answer within 30 ms \(hop limit\?\)/);
  });

  it('stops with the signal', async () => {
    const stop = new AbortController();
    await using service = await startService(() => {
      stop.abort();
      return 'hang';
    });
    const read = imdsReader({ endpoint: service.endpoint, allowV1: true, now: () => 0 });
    await expect(read(ID, stop.signal)).rejects.toMatchObject({ name: 'ImdsError', status: undefined });
  });

  it('says so when nothing listens', async () => {
    const service = await startService(() => 'hang');
    await service[Symbol.asyncDispose]();
    const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0 });
    await expect(read(ID, never)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('imdsIdentity', () => {
  const identityOf = async (leaves: Record<string, string>) => {
    await using service = await startService(tokenService(leaves));
    return await imdsIdentity(imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0 }), never);
  };
  const document = '/latest/dynamic/instance-identity/document';

  it('reads the document', async () => {
    const text = JSON.stringify({
      instanceId: 'i-1',
      region: 'eu-west-1',
      instanceType: 'm5.large',
      version: '2017-09-30',
    });
    expect(await identityOf({ [document]: text })).toEqual({
      instanceId: 'i-1',
      region: 'eu-west-1',
      instanceType: 'm5.large',
    });
  });

  it.each([undefined, 'not JSON', '{"instanceId":7}'])('reads single items when the document is %j', async (text) => {
    const leaves = { [ID]: 'i-1', '/latest/meta-data/placement/availability-zone': 'eu-west-1b' };
    expect(await identityOf(text === undefined ? leaves : { ...leaves, [document]: text })).toEqual({
      instanceId: 'i-1',
      region: 'eu-west-1',
      instanceType: undefined,
    });
  });

  it('refuses an instance without a name', async () => {
    await expect(identityOf({})).rejects.toMatchObject({ name: 'ImdsError' });
  });
});

it('a half attached ENI gives what is there, and no hint of its subnet', async () => {
  const macs = '/latest/meta-data/network/interfaces/macs/';
  const leaves = { [macs]: '0A:00:00:00:00:01/\n', [`${macs}0A:00:00:00:00:01/device-number`]: '1' };
  await using service = await startService(tokenService(leaves));
  const read = imdsReader({ endpoint: service.endpoint, allowV1: false, now: () => 0 });
  const interfaces = await imdsInterfaces(read, never);
  expect(interfaces).toEqual([
    {
      mac: '0a:00:00:00:00:01',
      eniId: undefined,
      deviceIndex: 1,
      networkCard: 0,
      subnetId: undefined,
      vpcId: undefined,
      cidrs: [],
      ipv4s: [],
      ipv6s: [],
    },
  ]);
  expect(subnetHints(interfaces)).toEqual([]);
});

it('fingerprint changes with any address and with any ENI', () => {
  const base = new Map([['0a:00:00:00:00:01', [ip('10.0.0.5')]]]);
  const prints = [
    base,
    new Map([...base, ['0a:00:00:00:00:02', []]]),
    new Map([['0a:00:00:00:00:01', [ip('10.0.0.5'), ip('10.0.0.6')]]]),
    new Map([['0a:00:00:00:00:02', [ip('10.0.0.5')]]]),
  ].map((entry) => fingerprint(entry));
  expect(new Set(prints).size).toBe(prints.length);
  expect(fingerprint(new Map(base))).toBe(prints[0]);
});

it.each([
  [{}, 'http://169.254.169.254'],
  [{ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv6' }, 'http://[fd00:ec2::254]'],
  [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1338' }, 'http://127.0.0.1:1338'],
  [{ AWS_EC2_METADATA_DISABLED: 'true' }, undefined],
])('imdsEndpoint(%j) is %s', (environment, endpoint) => {
  expect(imdsEndpoint(environment)).toBe(endpoint);
});
