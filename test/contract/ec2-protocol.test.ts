import {
  AllocateAddressCommand,
  AssignPrivateIpAddressesCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { Throttle, unthrottled } from '../../sim/ec2/throttle.ts';
import { waitFor } from '../support/wait-for.ts';
import { refusal, sdkClient, smallRegion } from '../unit/sim-ec2/region.ts';

const signed = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIDTEST/20261121/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00',
};

describe('envelope and errors (facts §1.0)', () => {
  test('a success carries its request id in the header that the SDK reads, and in the body', async () => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });

    const reply = await sdkClient(server.url).send(new DescribeAddressesCommand({}));
    const raw = await fetch(`${server.url}/?Action=DescribeAddresses&Version=2016-11-15`, { headers: signed });

    expect(reply.$metadata.requestId).toBe(server.calls[0]?.requestId);
    const id = raw.headers.get('x-amzn-requestid');
    expect(await raw.text()).toBe(
      `<DescribeAddressesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${id}</requestId><addressesSet></addressesSet></DescribeAddressesResponse>`,
    );
  });

  test('an error is XML with a capital RequestID, and the SDK shows code, message, fault side and status', async () => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });

    const error = await sdkClient(server.url)
      .send(new DescribeInstancesCommand({ InstanceIds: ['i-0'] }))
      .catch((caught: unknown) => caught);
    const raw = await fetch(server.url, {
      method: 'POST',
      headers: signed,
      body: 'Action=Nonsense&Version=2016-11-15',
    });

    expect(error).toMatchObject({
      name: 'InvalidInstanceID.NotFound',
      message: "The instance ID 'i-0' does not exist",
      $fault: 'client',
      $metadata: { httpStatusCode: 400, requestId: server.calls[0]?.requestId },
    });
    expect(raw.status).toBe(400);
    expect(await raw.text()).toBe(
      `<Response><Errors><Error><Code>InvalidAction</Code><Message>The action Nonsense is not valid for this web service.</Message></Error></Errors><RequestID>${raw.headers.get('x-amzn-requestid')}</RequestID></Response>`,
    );
  });

  test.each([
    ['no authorization', {}, 401, 'AuthFailure'],
    ['another scheme', { authorization: 'Bearer x' }, 401, 'AuthFailure'],
    ['no credential scope', { authorization: 'AWS4-HMAC-SHA256 Signature=0' }, 400, 'IncompleteSignature'],
  ])('a call with %s is refused and leaves no trace in the log', async (_, headers, status, code) => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });
    const reply = await fetch(server.url, { method: 'POST', headers, body: 'Action=DescribeAddresses' });
    expect([reply.status, (await reply.text()).includes(`<Code>${code}</Code>`)]).toEqual([status, true]);
    expect(server.calls).toEqual([]);
  });

  test.each([
    ['Action=DescribeAddresses&Flavour=x', 'UnknownParameter'],
    ['Action=AssignPrivateIpAddresses&PrivateIpAddress.1=10.0.1.5', 'MissingParameter'],
    ['Action=AssignPrivateIpAddresses&NetworkInterfaceId=eni-1&DryRun=true', 'UnknownParameter'],
    ['Action=DescribeInstances&MaxResults=many', 'InvalidParameterValue'],
    ['Action=AllocateAddress&DryRun=maybe', 'InvalidParameterValue'],
    ['Version=2016-11-15', 'MissingAction'],
    ['Action=constructor', 'InvalidAction'],
  ])('%s is refused with %s', async (body, code) => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });
    const reply = await fetch(server.url, { method: 'POST', headers: signed, body });
    expect(await reply.text()).toContain(`<Code>${code}</Code>`);
  });

  test('text is escaped on its way out', async () => {
    const { cloud, pods } = smallRegion();
    const eni = cloud.addInterface({ subnetId: pods.id, tags: { note: `<a> & "b"` } });
    await using server = await startEc2Server({ cloud });
    const client = sdkClient(server.url);
    const reply = await client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [eni.id] }));
    expect(reply.NetworkInterfaces?.[0]?.TagSet).toEqual([{ Key: 'note', Value: `<a> & "b"` }]);
  });
});

describe('dry run and permission (facts §1.0)', () => {
  test('a permitted dry run answers 412 DryRunOperation and allocates nothing', async () => {
    const { cloud } = smallRegion();
    await using server = await startEc2Server({ cloud });
    const error = await sdkClient(server.url)
      .send(new AllocateAddressCommand({ DryRun: true }))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'DryRunOperation', $metadata: { httpStatusCode: 412 } });
    expect(cloud.describeAddresses().addressesSet).toEqual([]);
  });

  test.each([true, false])('a denied action answers 403 UnauthorizedOperation, dry run or not (%s)', async (DryRun) => {
    const { cloud } = smallRegion({ knobs: { deniedActions: ['AllocateAddress'] } });
    await using server = await startEc2Server({ cloud });
    const error = await sdkClient(server.url)
      .send(new AllocateAddressCommand({ DryRun }))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'UnauthorizedOperation', $metadata: { httpStatusCode: 403 } });
  });
});

describe('throttling (facts §1.10)', () => {
  test('an empty bucket answers 503 RequestLimitExceeded, and the action is not done', async () => {
    const { cloud, eniOne } = smallRegion();
    const throttle = new Throttle({
      now: () => 0,
      overrides: { AssignPrivateIpAddresses: { capacity: 1, refillPerSecond: 0 } },
    });
    await using server = await startEc2Server({ cloud, throttle });
    const client = sdkClient(server.url);
    const assign = (ip: string) =>
      client.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: eniOne, PrivateIpAddresses: [ip] }));

    await assign('10.0.1.50');
    const error = await assign('10.0.1.51').catch((caught: unknown) => caught);

    expect(error).toMatchObject({ name: 'RequestLimitExceeded', $fault: 'server', $metadata: { httpStatusCode: 503 } });
    expect(server.calls.map((call) => call.outcome)).toEqual(['ok', 'RequestLimitExceeded']);
  });
});

describe('scripted faults (facts §1.13 item 16)', () => {
  test('a lost reply: the address is allocated, the client sees a broken connection', async () => {
    const { cloud } = smallRegion();
    await using server = await startEc2Server({ cloud });
    server.faults.inject({ action: 'AllocateAddress', effect: { kind: 'lost-reply' } });

    await expect(sdkClient(server.url).send(new AllocateAddressCommand({}))).rejects.toMatchObject({
      code: 'ECONNRESET',
    });

    expect(cloud.describeAddresses().addressesSet).toHaveLength(1);
    expect(server.calls[0]).toMatchObject({ outcome: 'lost-reply' });
  });

  test('the SDK repeats a lost AllocateAddress by itself and leaks one: why it must get one attempt (facts §8)', async () => {
    const { cloud } = smallRegion();
    await using server = await startEc2Server({ cloud });
    server.faults.inject({ effect: { kind: 'lost-reply' } });
    const retrying = new EC2Client({ ...clientSettings(server.url), maxAttempts: 2 });

    await retrying.send(new AllocateAddressCommand({}));

    expect(cloud.describeAddresses().addressesSet).toHaveLength(2);
    expect(server.calls.map((call) => call.attempt)).toEqual([1, 2]);
  });

  test.each([
    [true, 1],
    [false, 0],
  ])('a hanging call never answers; performed: %s', async (performed, allocated) => {
    const { cloud } = smallRegion();
    await using server = await startEc2Server({ cloud });
    server.faults.inject({ effect: { kind: 'hang', performed } });
    const patience = new AbortController();

    const call = sdkClient(server.url).send(new AllocateAddressCommand({}), { abortSignal: patience.signal });
    const ended = call.then(() => 'an answer', String);
    await waitFor(() => expect(server.calls[0]?.outcome).toBe('hung'));
    patience.abort();

    expect(await ended).toMatch(/abort/i);
    expect(cloud.describeAddresses().addressesSet).toHaveLength(allocated);
  });

  test('added latency delays the answer, by action and for all, and can be set from another process', async () => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });
    await json(server.url, 'POST', 'latency', { ms: 30 });
    await json(server.url, 'POST', 'latency', { ms: 30, action: 'DescribeAddresses' });
    const start = performance.now();
    await sdkClient(server.url).send(new DescribeAddressesCommand({}));
    // Timers may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThanOrEqual(58);
  });

  test('a scripted error has its code and status', async () => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });
    server.faults.inject({
      effect: { kind: 'error', code: 'InternalError', message: 'An internal error', status: 500 },
    });
    const error = await sdkClient(server.url)
      .send(new DescribeAddressesCommand({}))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      name: 'InternalError',
      message: 'An internal error',
      $metadata: { httpStatusCode: 500 },
    });
  });
});

describe('the log and the control plane', () => {
  test('a call is recorded with parameters, access key and user agent, but no signature', async () => {
    const { cloud, eniOne } = smallRegion();
    await using server = await startEc2Server({ cloud, throttle: unthrottled });
    const client = sdkClient(server.url);
    await client.send(
      new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: eniOne, PrivateIpAddresses: ['10.0.1.9'] }),
    );

    const seen = await json(server.url, 'GET', 'calls');

    expect(seen).toEqual([
      expect.objectContaining({
        action: 'AssignPrivateIpAddresses',
        params: { NetworkInterfaceId: eniOne, 'PrivateIpAddress.1': '10.0.1.9' },
        accessKey: 'AKIDTEST',
        outcome: 'ok',
      }),
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/Signature|top-secret/);
  });

  test('another process sets up the topology, injects faults, turns knobs and reads the state', async () => {
    const { cloud, pods } = smallRegion();
    await using server = await startEc2Server({ cloud });
    await json(server.url, 'POST', 'topology/addInterface', {
      subnetId: pods.id,
      id: 'eni-0feed',
      privateIp: '10.0.1.77',
    });
    await json(server.url, 'POST', 'faults', {
      action: 'DescribeAddresses',
      times: null,
      effect: { kind: 'error', code: 'Unavailable', status: 503 },
    });
    await json(server.url, 'POST', 'knobs', { elasticIpQuota: 0 });
    const client = sdkClient(server.url);

    expect(await refusal(client.send(new DescribeAddressesCommand({})))).toMatch(/^Unavailable/);
    expect(await refusal(client.send(new DescribeAddressesCommand({})))).toMatch(/^Unavailable/);
    await json(server.url, 'DELETE', 'faults');
    await client.send(new DescribeAddressesCommand({}));
    expect(await refusal(client.send(new AllocateAddressCommand({})))).toMatch(/^AddressLimitExceeded/);
    expect(JSON.stringify(await json(server.url, 'GET', 'state'))).toContain('"privateIpAddress":"10.0.1.77"');
    await json(server.url, 'DELETE', 'calls');
    expect(server.calls).toEqual([]);
  });

  test.each([
    ['POST', 'knobs', { noSuchKnob: 1 }, 400],
    ['POST', 'faults', { effect: { kind: 'gremlin' } }, 400],
    ['POST', 'topology/addInterface', { subnetId: 'subnet-none' }, 400],
    ['GET', 'nothing', undefined, 404],
  ])('%s %s %j is refused', async (method, path, body, status) => {
    await using server = await startEc2Server({ cloud: smallRegion().cloud });
    const reply = await fetch(`${server.url}/_sim/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    expect(reply.status).toBe(status);
  });
});

describe('Service Quotas on the same port (facts §3)', () => {
  test.each([
    [
      { ServiceCode: 'ec2', QuotaCode: 'L-0263D0A3' },
      200,
      { Quota: expect.objectContaining({ Value: 7, Adjustable: true }) },
    ],
    [{ ServiceCode: 'vpc', QuotaCode: 'L-DF5E4CA3' }, 200, { Quota: expect.objectContaining({ Value: 5000 }) }],
    [{ ServiceCode: 'ec2', QuotaCode: 'L-0' }, 400, expect.objectContaining({ __type: 'NoSuchResourceException' })],
  ])('GetServiceQuota %j', async (body, status, expected) => {
    await using server = await startEc2Server({ cloud: smallRegion({ knobs: { elasticIpQuota: 7 } }).cloud });
    const headers = { ...signed, 'x-amz-target': 'ServiceQuotasV20190624.GetServiceQuota' };
    const reply = await fetch(server.url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect([reply.status, await reply.json()]).toEqual([status, expected]);
  });
});

function clientSettings(endpoint: string) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'top-secret' } };
}

async function json(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const reply = await fetch(`${url}/_sim/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  const text = await reply.text();
  expect([reply.status, text]).toEqual([200, text]);
  return JSON.parse(text);
}
