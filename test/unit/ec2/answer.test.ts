import { describe, expect, it } from 'vitest';
import { ec2Addresses } from '../../../lib/ec2/addresses.ts';
import { faultOfAnswer } from '../../../lib/ec2/answer.ts';
import type { Ec2Connection } from '../../../lib/ec2/calls.ts';
import { ec2ElasticIps } from '../../../lib/ec2/elastic-ips.ts';
import { ec2Interfaces } from '../../../lib/ec2/interfaces.ts';
import { ip } from '../../../lib/model/ip.ts';
import { connectTo, never, ok, startWire } from './wire.ts';

const NAMESPACE = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"';
const ENI = 'eni-1';

describe('what an answer of EC2 must be', () => {
  it.each<[name: string, action: string, body: string, fault: string | undefined]>([
    ['an answer', 'CreateTags', ok('CreateTags', '<return>true</return>'), undefined],
    ['one after a declaration', 'CreateTags', `<?xml version="1.0"?>\n<!-- hi -->\n${ok('CreateTags')}`, undefined],
    ['one with an empty list', 'DescribeSubnets', ok('DescribeSubnets', '<subnetSet/>'), undefined],
    ['nothing', 'CreateTags', '', 'it is empty'],
    ['blanks', 'CreateTags', ' \n', 'it is empty'],
    ['text', 'CreateTags', 'OK', 'it is not XML'],
    ['a page', 'CreateTags', '<html><body>Sign in</body></html>', 'it is <html>'],
    ['another action', 'CreateTags', ok('DeleteTags'), 'it is <DeleteTagsResponse>'],
    ['an error', 'CreateTags', '<Response><Errors/><RequestID>r</RequestID></Response>', 'it is <Response>'],
    ['no request id', 'CreateTags', `<CreateTagsResponse ${NAMESPACE}/>`, 'it has no request id'],
    ['one that leaves its empty list out', 'DescribeSubnets', ok('DescribeSubnets'), undefined],
    [
      'one whose request id is spelled as in errors',
      'DescribeSubnets',
      '<DescribeSubnetsResponse><RequestId>r</RequestId><subnetSet/></DescribeSubnetsResponse>',
      undefined,
    ],
    ['no id', 'AssociateAddress', ok('AssociateAddress', '<return>true</return>'), 'it has no <associationId>'],
    ['a refusal', 'CreateTags', ok('CreateTags', '<return>false</return>'), 'it says that nothing was done'],
  ])('%s', (_name, action, body, fault) => {
    expect(faultOfAnswer(action, body)).toBe(fault);
  });
});

/** Every call that changes something, and every list, by the method that sends it. */
const CALLS: Record<string, (connection: Ec2Connection) => Promise<unknown>> = {
  AssignPrivateIpAddresses: (on) => addresses(on).assign(ENI, [ip('10.0.0.5')], { takeover: false, signal: never }),
  AssignIpv6Addresses: (on) => addresses(on).assign(ENI, [ip('2001:db8::5')], { takeover: false, signal: never }),
  UnassignPrivateIpAddresses: (on) => addresses(on).unassign(ENI, [ip('10.0.0.5')], { signal: never }),
  UnassignIpv6Addresses: (on) => addresses(on).unassign(ENI, [ip('2001:db8::5')], { signal: never }),
  DescribeNetworkInterfaces: (on) => addresses(on).findHolders([ip('10.0.0.5')], { signal: never }),
  DescribeAddresses: (on) => ec2ElasticIps(on).describe({}, { signal: never }),
  AllocateAddress: (on) => ec2ElasticIps(on).allocate({ tags: {} }, { signal: never }),
  AssociateAddress: (on) =>
    ec2ElasticIps(on).associate(
      { allocationId: 'eipalloc-1', eni: ENI, privateIp: ip('10.0.0.5'), allowReassociation: false },
      { signal: never },
    ),
  DisassociateAddress: (on) => ec2ElasticIps(on).disassociate('eipassoc-1', { signal: never }),
  ReleaseAddress: (on) => ec2ElasticIps(on).release('eipalloc-1', { signal: never }),
  CreateTags: (on) => ec2ElasticIps(on).tag(['eipalloc-1'], { a: 'b' }, { signal: never }),
  DeleteTags: (on) => ec2ElasticIps(on).untag(['eipalloc-1'], ['a'], { signal: never }),
  DescribePublicIpv4Pools: (on) => ec2ElasticIps(on).pools({ signal: never }),
  AttachNetworkInterface: (on) =>
    ec2Interfaces(on).attach({ eni: ENI, instanceId: 'i-1', deviceIndex: 1, networkCard: 0 }, { signal: never }),
  DetachNetworkInterface: (on) => ec2Interfaces(on).detach('eni-attach-1', { signal: never }),
  DeleteNetworkInterface: (on) => ec2Interfaces(on).delete(ENI, { signal: never }),
  DescribeInstances: (on) => ec2Interfaces(on).room('i-1', { signal: never }),
};

const BODIES: Record<string, string> = {
  nothing: '',
  'a page of HTML': '<html><body>Sign in to the guest network</body></html>',
  'XML of another service': '<ListQueuesResponse><requestId>r</requestId></ListQueuesResponse>',
  text: 'upstream is fine',
};

describe('HTTP 200 without an answer of EC2', () => {
  const cases = Object.keys(CALLS).flatMap((action) => Object.keys(BODIES).map((what) => ({ action, what })));

  it.each(cases)('$action answered with $what fails, and its outcome is unknown', async ({ action, what }) => {
    await using wire = await startWire(() => BODIES[what] ?? '');
    const connection = connectTo(wire.url);

    const reads = action.startsWith('Describe');
    await expect(CALLS[action]?.(connection)).rejects.toMatchObject({
      name: 'Ec2Error',
      code: 'UnreadableAnswer',
      // A read that told nothing changed nothing either.
      kind: reads ? 'unavailable' : 'unknown-outcome',
    });
    expect(connection.calls[0]).toMatchObject({ action, error: { code: 'UnreadableAnswer' } });
  });

  it('is not an answer that leaves its empty lists out', async () => {
    await using wire = await startWire(({ Action = '' }) => ok(Action));
    const connection = connectTo(wire.url);

    expect(await addresses(connection).describeEnis('i-1', { signal: never })).toEqual([]);
    expect(await ec2ElasticIps(connection).describe({}, { signal: never })).toEqual([]);
    expect(await addresses(connection).findHolders([ip('10.0.0.5')], { signal: never })).toEqual(new Map());
  });
});

function addresses(connection: Ec2Connection) {
  return ec2Addresses({ connection, instanceType: 'm5.large', onWarning: () => undefined });
}
