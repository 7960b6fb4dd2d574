import { describe, expect, it } from 'vitest';
import { ec2Addresses } from '../../../lib/ec2/addresses.ts';
import type { SubnetHint } from '../../../lib/ec2/api.ts';
import type { Ec2Error } from '../../../lib/model/ec2-error.ts';
import { cidr, ip } from '../../../lib/model/ip.ts';
import { connectTo, DROP, HANG, never, ok, refused, STALL, startWire, type WireAnswer } from './wire.ts';

const ENI =
  '<item><networkInterfaceId>eni-1</networkInterfaceId><macAddress>0a:00:00:00:00:01</macAddress><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><attachment><deviceIndex>1</deviceIndex><status>attached</status></attachment></item>';
const SUBNET = '<subnetSet><item><subnetId>subnet-1</subnetId><cidrBlock>10.0.1.0/24</cidrBlock></item></subnetSet>';
const TYPE =
  '<instanceTypeSet><item><instanceType>m5.large</instanceType><networkInfo><ipv4AddressesPerInterface>10</ipv4AddressesPerInterface><ipv6AddressesPerInterface>10</ipv6AddressesPerInterface></networkInfo></item></instanceTypeSet>';
const HINT: SubnetHint = { subnetId: 'subnet-1', cidrs: [cidr('10.9.9.0/24')] };

type Answers = Record<string, (request: Record<string, string>) => WireAnswer | Promise<WireAnswer>>;
const GOOD: Answers = {
  DescribeNetworkInterfaces: () => ok('DescribeNetworkInterfaces', `<networkInterfaceSet>${ENI}</networkInterfaceSet>`),
  DescribeSubnets: () => ok('DescribeSubnets', SUBNET),
  DescribeInstanceTypes: () => ok('DescribeInstanceTypes', TYPE),
};

/** The adapter before a server that answers by action, with what went over the wire and what was warned of. */
async function rig(
  answers: Answers,
  options: { instanceType?: string; hints?: SubnetHint[]; timeoutMs?: number; now?: () => number } = {},
) {
  const unknown = () => refused('InvalidAction', 'The action is not valid for this web service.');
  const wire = await startWire((request) => (answers[request['Action'] ?? ''] ?? unknown)(request));
  const connection = { ...connectTo(wire.url, options.timeoutMs), ...(options.now && { now: options.now }) };
  const warnings: string[] = [];
  const addresses = ec2Addresses({
    connection,
    instanceType: options.instanceType ?? 'm5.large',
    subnetHints: () => options.hints ?? [],
    onWarning: (message) => warnings.push(message),
  });
  return {
    addresses,
    warnings,
    requests: wire.requests,
    headers: wire.headers,
    calls: connection.calls,
    actions: () => wire.requests.map((request) => request['Action']),
    async [Symbol.asyncDispose]() {
      connection.client.destroy();
      await wire[Symbol.asyncDispose]();
    },
  };
}

describe('describeEnis', () => {
  it('joins subnets and limits and asks for them once in the life of the process', async () => {
    await using ec2 = await rig(GOOD);
    const first = await ec2.addresses.describeEnis('i-1', { signal: never });
    const second = await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(first).toMatchObject([{ id: 'eni-1', cidrs: ['10.0.1.0/24'], limits: { ipv4: 10, ipv6: 10 } }]);
    expect(second).toEqual(first);
    expect(ec2.actions().toSorted(byText)).toEqual([
      'DescribeInstanceTypes',
      'DescribeNetworkInterfaces',
      'DescribeNetworkInterfaces',
      'DescribeSubnets',
    ]);
    expect(ec2.requests.find((request) => request['Action'] === 'DescribeNetworkInterfaces')).toEqual({
      Action: 'DescribeNetworkInterfaces',
      Version: '2016-11-15',
      'Filter.1.Name': 'attachment.instance-id',
      'Filter.1.Value.1': 'i-1',
      MaxResults: '1000',
    });
  });

  it('takes one round trip when metadata hints at the subnets', async () => {
    // No answer leaves before all three requests are there: a second round would never come.
    const all = Promise.withResolvers<void>();
    let arrived = 0;
    const together = (answer: Answers[string]) => async (request: Record<string, string>) => {
      arrived += 1;
      if (arrived === 3) all.resolve();
      await all.promise;
      return answer(request);
    };
    const answers = Object.fromEntries(Object.entries(GOOD).map(([action, answer]) => [action, together(answer)]));
    await using ec2 = await rig(answers, { hints: [HINT] });
    const [eni] = await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(eni).toMatchObject({ cidrs: ['10.0.1.0/24'], limits: { ipv4: 10 } });
    expect(ec2.requests).toHaveLength(3);
  });

  it('follows pages, also short ones, and stops at an empty token', async () => {
    const page = (request: Record<string, string>) => {
      const next = { '': 'a', a: 'b', b: '' }[request['NextToken'] ?? ''];
      const items = request['NextToken'] === 'a' ? '' : ENI.replace('eni-1', `eni-${request['NextToken'] ?? 0}`);
      return ok(
        'DescribeNetworkInterfaces',
        `<networkInterfaceSet>${items}</networkInterfaceSet><nextToken>${next}</nextToken>`,
      );
    };
    await using ec2 = await rig({ ...GOOD, DescribeNetworkInterfaces: page });
    const enis = await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(enis.map((eni) => eni.id)).toEqual(['eni-0', 'eni-b']);
  });

  it('sees a block that is added to a subnet within half an hour, at two reads an hour, and outlives a read that fails', async () => {
    let now = 0;
    const subnets: Answers[string][] = [
      () => ok('DescribeSubnets', SUBNET),
      () => refused('RequestLimitExceeded', 'slow', 503),
      () => ok('DescribeSubnets', SUBNET.replaceAll('10.0.1.0/24', '10.0.2.0/24')),
    ];
    let reads = 0;
    const DescribeSubnets: Answers[string] = (request) => (subnets[reads++] ?? (() => ok('DescribeSubnets')))(request);
    await using ec2 = await rig({ ...GOOD, DescribeSubnets }, { now: () => now });
    const cidrsAt = async (minute: number) => {
      now = minute * 60_000;
      return (await ec2.addresses.describeEnis('i-1', { signal: never }))[0]?.cidrs;
    };
    expect([await cidrsAt(0), await cidrsAt(10), await cidrsAt(29)]).toEqual(Array(3).fill(['10.0.1.0/24']));
    expect(reads).toBe(1);
    expect(await cidrsAt(30)).toEqual(['10.0.1.0/24']);
    expect(await cidrsAt(40)).toEqual(['10.0.2.0/24']);
    expect(await cidrsAt(60)).toEqual(['10.0.2.0/24']);
    expect(reads).toBe(3);
  });

  it('learns the instance type itself when nobody told it', async () => {
    const instance =
      '<item><instancesSet><item><instanceId>i-1</instanceId><instanceType>m5.large</instanceType></item></instancesSet></item>';
    const answers = {
      ...GOOD,
      DescribeInstances: () => ok('DescribeInstances', `<reservationSet>${instance}</reservationSet>`),
    };
    await using ec2 = await rig(answers, { instanceType: '' });
    const [eni] = await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(eni?.limits.ipv4).toBe(10);
  });

  it('works with a stand-in that knows nothing but the ENIs, and warns once', async () => {
    const DescribeNetworkInterfaces = GOOD['DescribeNetworkInterfaces'] as Answers[string];
    await using ec2 = await rig({ DescribeNetworkInterfaces }, { hints: [HINT] });
    const [eni] = await ec2.addresses.describeEnis('i-1', { signal: never });
    await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(eni).toMatchObject({ cidrs: ['10.9.9.0/24'], limits: { ipv4: undefined, ipv6: undefined } });
    expect(ec2.warnings).toHaveLength(2);
    expect(ec2.actions().filter((action) => action === 'DescribeSubnets')).toHaveLength(2);
  });

  it('leaves networks empty when subnets are refused for good and nothing hints at them', async () => {
    await using ec2 = await rig({ ...GOOD, DescribeSubnets: () => refused('UnauthorizedOperation', 'no', 403) });
    const [eni] = await ec2.addresses.describeEnis('i-1', { signal: never });
    expect(eni?.cidrs).toEqual([]);
    expect(ec2.warnings).toHaveLength(1);
  });

  it('fails rather than show an ENI without networks when the subnets are only throttled', async () => {
    let throttled = true;
    const DescribeSubnets = () =>
      throttled ? refused('RequestLimitExceeded', 'slow', 503) : ok('DescribeSubnets', SUBNET);
    await using ec2 = await rig({ ...GOOD, DescribeSubnets });
    await expect(ec2.addresses.describeEnis('i-1', { signal: never })).rejects.toMatchObject({ kind: 'throttled' });
    throttled = false;
    expect(await ec2.addresses.describeEnis('i-1', { signal: never })).toMatchObject([{ cidrs: ['10.0.1.0/24'] }]);
  });

  it('learns the networks of the VPC by its id, page by page, and none before the first describe', async () => {
    const page = (network: string, token = '') =>
      ok(
        'DescribeSubnets',
        `<subnetSet><item><subnetId>s</subnetId><cidrBlock>${network}</cidrBlock></item></subnetSet>${token}`,
      );
    const DescribeSubnets = (request: Record<string, string>) => {
      if (request['Filter.1.Name'] !== 'vpc-id') return ok('DescribeSubnets', SUBNET);
      return request['NextToken'] === 't' ? page('10.0.2.0/24') : page('10.0.1.0/24', '<nextToken>t</nextToken>');
    };
    await using ec2 = await rig({ ...GOOD, DescribeSubnets });
    expect(await ec2.addresses.vpcNetworks({ signal: never })).toEqual([]);
    await ec2.addresses.describeEnis('i-1', { signal: never });

    expect(await ec2.addresses.vpcNetworks({ signal: never })).toEqual(['10.0.1.0/24', '10.0.2.0/24']);
  });

  it('asks again for the real subnets when a hint was of a subnet long gone', async () => {
    const DescribeSubnets = (request: Record<string, string>) =>
      Object.values(request).includes('subnet-gone')
        ? refused('InvalidSubnetID.NotFound', "The subnet ID 'subnet-gone' does not exist")
        : ok('DescribeSubnets', SUBNET);
    await using ec2 = await rig({ ...GOOD, DescribeSubnets }, { hints: [{ subnetId: 'subnet-gone', cidrs: [] }] });
    expect(await ec2.addresses.describeEnis('i-1', { signal: never })).toMatchObject([{ cidrs: ['10.0.1.0/24'] }]);
  });
});

describe('assign and unassign', () => {
  const done: Answers = {
    AssignPrivateIpAddresses: () => ok('AssignPrivateIpAddresses', '<assignedPrivateIpAddressesSet/>'),
    AssignIpv6Addresses: () => ok('AssignIpv6Addresses', '<assignedIpv6Addresses/>'),
    UnassignPrivateIpAddresses: () => ok('UnassignPrivateIpAddresses', '<return>true</return>'),
    UnassignIpv6Addresses: () => ok('UnassignIpv6Addresses'),
  };
  const v4 = [ip('10.0.1.5'), ip('10.0.1.6')];
  const v6 = [ip('2001:db8::5')];

  it('send exactly this', async () => {
    await using ec2 = await rig(done);
    await ec2.addresses.assign('eni-1', v4, { takeover: true, signal: never });
    await ec2.addresses.assign('eni-1', v4.slice(0, 1), { takeover: false, signal: never });
    await ec2.addresses.assign('eni-1', v6, { takeover: true, signal: never });
    await ec2.addresses.unassign('eni-1', v4, { signal: never });
    await ec2.addresses.unassign('eni-1', v6, { signal: never });
    const common = { Version: '2016-11-15', NetworkInterfaceId: 'eni-1' };
    const both = { 'PrivateIpAddress.1': '10.0.1.5', 'PrivateIpAddress.2': '10.0.1.6' };
    expect(ec2.requests).toEqual([
      { ...common, Action: 'AssignPrivateIpAddresses', ...both, AllowReassignment: 'true' },
      { ...common, Action: 'AssignPrivateIpAddresses', 'PrivateIpAddress.1': '10.0.1.5' },
      { ...common, Action: 'AssignIpv6Addresses', 'Ipv6Addresses.1': '2001:db8::5' },
      { ...common, Action: 'UnassignPrivateIpAddresses', ...both },
      { ...common, Action: 'UnassignIpv6Addresses', 'Ipv6Addresses.1': '2001:db8::5' },
    ]);
    expect(ec2.headers[0]?.['user-agent']).toContain('eni-agent/0.0.0');
  });

  it('tell the request id and report every call', async () => {
    await using ec2 = await rig(done);
    expect(await ec2.addresses.assign('eni-1', v4, { takeover: false, signal: never })).toMatchObject({
      requestId: 'req-1',
    });
    expect(ec2.calls).toEqual([
      {
        action: 'AssignPrivateIpAddresses',
        durationMs: expect.any(Number) as number,
        requestId: 'req-1',
        addresses: 2,
        error: undefined,
      },
    ]);
  });

  it('tell what was assigned; a server that has named it before and names nothing has assigned nothing', async () => {
    const set =
      '<assignedPrivateIpAddressesSet><item><privateIpAddress>10.0.1.5</privateIpAddress></item></assignedPrivateIpAddressesSet>';
    const answers = ['', set, ''];
    await using ec2 = await rig({ AssignPrivateIpAddresses: () => ok('AssignPrivateIpAddresses', answers.shift()) });
    const told = [];
    for (let call = 0; call < 3; call += 1)
      told.push((await ec2.addresses.assign('eni-1', v4, { takeover: false, signal: never })).assigned);
    expect(told).toEqual([undefined, ['10.0.1.5'], []]);
  });

  it('refuse an empty or mixed list without sending it', async () => {
    await using ec2 = await rig(done);
    await expect(ec2.addresses.assign('eni-1', [], { takeover: false, signal: never })).rejects.toThrow(TypeError);
    await expect(ec2.addresses.unassign('eni-1', [...v4, ...v6], { signal: never })).rejects.toThrow(TypeError);
    expect(ec2.requests).toEqual([]);
  });

  const failures: [name: string, answer: WireAnswer, expected: Partial<Ec2Error>][] = [
    [
      'held',
      refused('InvalidParameterValue', '[10.0.1.6] assigned, but move is not allowed.'),
      { kind: 'held-elsewhere', addresses: [ip('10.0.1.6')], requestId: 'req-1' },
    ],
    ['throttled', refused('RequestLimitExceeded', 'Request limit exceeded.', 503), { kind: 'throttled' }],
    ['failed inside', refused('InternalError', 'An internal error has occurred', 500), { kind: 'unknown-outcome' }],
    [
      'a proxy answers HTML',
      { status: 502, body: '<html><body>Bad gateway</body></html>' },
      { kind: 'unknown-outcome' },
    ],
    ['a proxy answers text', { status: 503, body: 'no upstream' }, { kind: 'unknown-outcome' }],
    ['an answer that is not a XML', { status: 200, body: 'fine!' }, { kind: 'unknown-outcome' }],
    ['the reply is lost', DROP, { kind: 'unknown-outcome', code: 'ECONNRESET' }],
    ['no reply comes', HANG, { kind: 'unknown-outcome', code: 'ETIMEDOUT' }],
    ['the reply stops halfway', STALL, { kind: 'unknown-outcome', code: 'TimeoutError' }],
  ];
  it.each(failures)('%s: one attempt, one kind', async (_name, answer, expected) => {
    await using ec2 = await rig({ AssignPrivateIpAddresses: () => answer }, { timeoutMs: 150 });
    const attempt = ec2.addresses.assign('eni-1', v4, { takeover: true, signal: never });
    await expect(attempt).rejects.toMatchObject({ name: 'Ec2Error', action: 'AssignPrivateIpAddresses', ...expected });
    await expect(attempt).rejects.not.toThrow(/\$response/);
    expect(ec2.requests).toHaveLength(1);
    expect(ec2.calls).toMatchObject([{ error: { kind: expected.kind } }]);
  });

  it('know that nothing left when nobody listens', async () => {
    const ec2 = await rig(done);
    await ec2[Symbol.asyncDispose]();
    await expect(ec2.addresses.assign('eni-1', v4, { takeover: false, signal: never })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'ECONNREFUSED',
    });
  });

  it('leave the outcome open when aborted on the way, and not when aborted before', async () => {
    const stop = new AbortController();
    const hangAndStop = (): WireAnswer => {
      stop.abort();
      return HANG;
    };
    await using ec2 = await rig({ AssignPrivateIpAddresses: hangAndStop });
    const attempt = () => ec2.addresses.assign('eni-1', v4, { takeover: false, signal: stop.signal });
    await expect(attempt()).rejects.toMatchObject({ kind: 'unknown-outcome', code: 'AbortError' });
    await expect(attempt()).rejects.toMatchObject({ kind: 'unavailable', code: 'AbortError' });
    expect(ec2.requests).toHaveLength(1);
  });
});

describe('a read whose connection is reset', () => {
  /** Interfaces of an instance that has none. */
  const none = ok('DescribeNetworkInterfaces', '<networkInterfaceSet/>');

  it('is sent once more at once, and both calls are reported', async () => {
    const answers: WireAnswer[] = [DROP, none];
    await using ec2 = await rig({ DescribeNetworkInterfaces: () => answers.shift() ?? DROP });

    expect(await ec2.addresses.findHolders([ip('10.0.1.6')], { signal: never, vpcIds: ['vpc-1'] })).toEqual(new Map());
    expect(ec2.calls.map(({ error }) => error?.code)).toEqual(['ECONNRESET', undefined]);
  });

  it('fails when the second goes the same way', async () => {
    await using ec2 = await rig({ DescribeNetworkInterfaces: () => DROP });
    const attempt = ec2.addresses.findHolders([ip('10.0.1.6')], { signal: never, vpcIds: ['vpc-1'] });

    await expect(attempt).rejects.toMatchObject({ kind: 'unavailable', code: 'ECONNRESET' });
    expect(ec2.requests).toHaveLength(2);
  });
});

describe('findHolders', () => {
  const held = (address: string, family: 4 | 6) =>
    family === 4
      ? `<item><networkInterfaceId>eni-4</networkInterfaceId><attachment><instanceId>i-4</instanceId></attachment><privateIpAddressesSet><item><privateIpAddress>10.0.1.200</privateIpAddress><primary>true</primary></item><item><privateIpAddress>${address}</privateIpAddress><primary>false</primary></item></privateIpAddressesSet></item>`
      : `<item><networkInterfaceId>eni-6</networkInterfaceId><ipv6AddressesSet><item><ipv6Address>${address}</ipv6Address></item></ipv6AddressesSet></item>`;
  const lookUp = (request: Record<string, string>) => {
    const family = request['Filter.1.Name'] === 'ipv6-addresses.ipv6-address' ? 6 : 4;
    const items = held(request['Filter.1.Value.1'] ?? '', family);
    return ok('DescribeNetworkInterfaces', `<networkInterfaceSet>${items}</networkInterfaceSet>`);
  };

  it('asks once per family, inside the VPC, and tells only what was asked for', async () => {
    await using ec2 = await rig({ DescribeNetworkInterfaces: lookUp });
    const options = { signal: never, vpcIds: ['vpc-1'] };
    const holders = await ec2.addresses.findHolders([ip('10.0.1.5'), ip('10.0.1.6'), ip('2001:db8::5')], options);
    const nature = expect.objectContaining({ interfaceType: 'interface' });
    expect([...holders]).toEqual([
      ['10.0.1.5', { eni: 'eni-4', instanceId: 'i-4', primary: false, nature }],
      ['2001:db8::5', { eni: 'eni-6', instanceId: undefined, primary: false, nature }],
    ]);
    expect(ec2.requests).toHaveLength(2);
    expect(ec2.requests.find((request) => request['Filter.1.Name'] === 'addresses.private-ip-address')).toMatchObject({
      'Filter.1.Value.1': '10.0.1.5',
      'Filter.1.Value.2': '10.0.1.6',
      'Filter.2.Name': 'vpc-id',
      'Filter.2.Value.1': 'vpc-1',
    });
  });

  it('looks in the VPC of the ENIs last described unless told otherwise', async () => {
    await using ec2 = await rig(GOOD);
    await ec2.addresses.describeEnis('i-1', { signal: never });
    await ec2.addresses.findHolders([ip('10.0.1.5')], { signal: never });
    expect(ec2.requests.at(-1)).toMatchObject({ 'Filter.2.Name': 'vpc-id', 'Filter.2.Value.1': 'vpc-1' });
  });

  it('stays within 200 values per filter and asks nothing for no addresses', async () => {
    await using ec2 = await rig({ DescribeNetworkInterfaces: lookUp });
    const many = Array.from({ length: 250 }, (_, index) => ip(`10.0.1.${index}`));
    await ec2.addresses.findHolders(many, { signal: never });
    await ec2.addresses.findHolders([], { signal: never });
    expect(
      ec2.requests
        .map((request) => Object.keys(request).filter((key) => key.startsWith('Filter.1.Value')).length)
        .toSorted((left, right) => left - right),
    ).toEqual([50, 200]);
  });
});

function byText(left: string | undefined, right: string | undefined): number {
  return String(left).localeCompare(String(right));
}
