import { describe, expect, it } from 'vitest';
import { awsOperator } from '../../../lib/dialect/aws-operator.ts';
import { eipOperator } from '../../../lib/dialect/eip-operator.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import { ipamRangesOf } from '../../../lib/model/addresses/ipam-range.ts';
import { NETWORK_STATUS_KEY } from '../../../lib/model/addresses/network-status.ts';
import type { CachedAttachment, LiveNamespace } from '../../../lib/model/addresses/observation.ts';
import type { CustomObject } from '../../../lib/model/eip-objects/eip-object.ts';
import { toEniObject } from '../../../lib/model/eni-objects/read.ts';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import type { Pod } from '../../../lib/model/pod.ts';
import { parseTenantPolicy, type TenantPolicy } from '../../../lib/model/tenant-policy.ts';
import { observeClaims } from '../../../lib/plan/addresses/claims.ts';
import { grantedRequests, mayRoute, refuseEni, refuseObject } from '../../../lib/plan/tenants.ts';

const OWN = '10.0.1.10';
const VIP = '10.0.1.99';

function policy(entries: Record<string, string>): TenantPolicy {
  return parseTenantPolicy(new Map(Object.entries(entries))).policy;
}

function pod(namespace: string, annotations: Record<string, string>, name = 'p'): Pod {
  return {
    namespace,
    name,
    uid: `uid-${name}`,
    nodeName: 'n',
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    podIps: [],
    labels: {},
    annotations,
    conditions: [],
    finalizers: [],
  };
}

function attachment(fields: Partial<CachedAttachment> & { namespace?: string; name?: string } = {}): CachedAttachment {
  const { namespace = 'media', name = 'p', ...rest } = fields;
  return {
    file: `net-${name}`,
    pod: { namespace, name, uid: `uid-${name}` },
    ifName: 'net1',
    netns: `/run/netns/cni-${name}`,
    master: undefined,
    mac: undefined,
    addresses: [ip(OWN)],
    ...rest,
  };
}

const live = (...addresses: string[]): LiveNamespace => ({
  path: '/run/netns/cni-p',
  interfaces: [
    {
      name: 'net1',
      mac: undefined,
      parentIndex: undefined,
      addresses: addresses.map((text) => ({ ip: ip(text), since: 5 })),
    },
  ],
});

interface Given {
  readonly declared?: string;
  readonly tenants?: Record<string, string>;
  readonly ipam?: object;
  readonly others?: readonly CachedAttachment[];
  readonly pods?: readonly Pod[];
  readonly floatingIpObjects?: readonly string[];
  readonly cacheKnown?: boolean;
}

/** A pod of namespace `media` with an address of IPAM and one that it added itself: kinds of both, and reasons of refusals. */
function seen(given: Given): { kinds: Record<string, string>; reasons: readonly string[] } {
  const { declared, tenants, ipam, others = [], pods = [], floatingIpObjects = [], cacheKnown = true } = given;
  const annotations = declared === undefined ? {} : { 'eni-agent.io/floating-ips': declared };
  const { drafts, refusals } = observeClaims(
    {
      pods: [pod('media', annotations), ...pods],
      podsKnown: true,
      cache: [...(cacheKnown ? [attachment({ ipam: ipamRangesOf({ ipam }) })] : []), ...others],
      namespaces: [{ ...live(OWN, VIP) }],
      hostLinks: { macOfName: () => undefined, macOfIndex: () => undefined, nameOfMac: () => undefined },
      definitions: new Map(),
    },
    {
      interfaces: () => true,
      namespaces: [],
      ...(tenants && { tenants: () => policy(tenants) }),
      nodeAddresses: () => new Set<IpAddress>(floatingIpObjects.map((text) => ip(text))),
    },
  );
  const own = drafts.filter(({ holder }) => holder.name === 'p');
  return {
    kinds: Object.fromEntries(own.map(({ address, kind }) => [address, kind])),
    reasons: (refusals.get('media/p') ?? []).map(({ reason }) => reason),
  };
}

describe('a floating declaration of *', () => {
  it.each<[string, Given, string]>([
    ['covers what nobody else has', { declared: '*' }, 'floating'],
    ['does not cover what IPAM may hand out', { declared: '*', ipam: { range: '10.0.1.0/24' } }, 'live'],
    [
      'covers what lies outside the range',
      { declared: '*', ipam: { range: '10.0.1.0/24', range_end: '10.0.1.80' } },
      'floating',
    ],
    [
      'covers what the range excludes',
      { declared: '*', ipam: { range: '10.0.1.0/24', exclude: [`${VIP}/32`] } },
      'floating',
    ],
    [
      'does not cover the range of another network of the node',
      {
        declared: '*',
        others: [
          attachment({
            name: 'q',
            namespace: 'bank',
            netns: undefined,
            ipam: ipamRangesOf({ ipam: { range: '10.0.1.96/28' } }),
          }),
        ],
      },
      'live',
    ],
    [
      'does not cover what IPAM gave to a pod of another namespace',
      { declared: '*', others: [attachment({ name: 'q', namespace: 'bank', addresses: [ip(VIP)] })] },
      'live',
    ],
    [
      'nor what network-status lists for one',
      {
        declared: '*',
        pods: [
          pod(
            'bank',
            { [NETWORK_STATUS_KEY]: JSON.stringify([{ name: 'bank/net', interface: 'net1', ips: [VIP] }]) },
            'q',
          ),
        ],
      },
      'live',
    ],
    ['nor as two halves of it', { declared: '0.0.0.0/1, 128.0.0.0/1', ipam: { range: '10.0.1.0/24' } }, 'live'],
    ['nor as any wider network than a /24', { declared: '10.0.0.0/23', ipam: { range: '10.0.1.0/24' } }, 'live'],
    [
      'is less than a network that names the address',
      { declared: '* 10.0.1.96/28', floatingIpObjects: [VIP] },
      'floating',
    ],
    [
      'is overruled by naming the address',
      { declared: `* ${VIP}`, floatingIpObjects: [VIP], ipam: { range: '10.0.1.0/24' } },
      'floating',
    ],
  ])('%s', (_name, given, kind) => {
    expect(seen(given)).toEqual({ kinds: { [OWN]: 'ipam', [VIP]: kind }, reasons: [] });
  });
});

describe('an address of a FloatingIP object that a pod has added to itself', () => {
  it.each<[string, Given]>([
    ['without any declaration', {}],
    ['under a declaration of *', { declared: '*' }],
    ['under the network of everything', { declared: '0.0.0.0/0' }],
  ])('is not claimed for the pod %s', (_name, given) => {
    expect(seen({ ...given, floatingIpObjects: [VIP] })).toEqual({
      kinds: { [OWN]: 'ipam' },
      reasons: ['DuplicateAddress'],
    });
  });
});

describe('the tenant policy for private addresses', () => {
  it.each<[string, Given, Record<string, string>, readonly string[]]>([
    ['without one everything is open', { declared: VIP }, { [OWN]: 'ipam', [VIP]: 'floating' }, []],
    [
      'grants by address',
      { declared: VIP, tenants: { 'media.floating-ips': VIP } },
      { [OWN]: 'ipam', [VIP]: 'floating' },
      [],
    ],
    [
      'grants by network',
      { declared: '*', tenants: { 'media.floating-ips': '10.0.1.96/28' } },
      { [OWN]: 'ipam', [VIP]: 'floating' },
      [],
    ],
    [
      'grants to all others',
      { declared: VIP, tenants: { '_others.floating-ips': '*' } },
      { [OWN]: 'ipam', [VIP]: 'floating' },
      [],
    ],
    [
      'leaves what IPAM gave',
      { tenants: { 'bank.elastic-ips': '*' }, declared: '10.0.9.9' },
      { [OWN]: 'ipam' },
      ['NotAllowed'],
    ],
    [
      'refuses what it grants to another namespace',
      { declared: VIP, tenants: { 'bank.floating-ips': VIP } },
      { [OWN]: 'ipam' },
      ['NotAllowed'],
    ],
    [
      'refuses what it does not grant to this one',
      { declared: '*', tenants: { 'media.floating-ips': '10.0.1.100' } },
      { [OWN]: 'ipam' },
      ['NotAllowed'],
    ],
    [
      'refuses what is declared nowhere, too',
      { tenants: { 'media.elastic-ips': 'auto' } },
      { [OWN]: 'ipam' },
      ['NotAllowed'],
    ],
    [
      'says nothing before IPAM’s word is known',
      { cacheKnown: false, tenants: { 'media.elastic-ips': 'auto' } },
      {},
      [],
    ],
  ])('%s', (_name, given, kinds, reasons) => {
    expect(seen(given)).toEqual({ kinds, reasons });
  });
});

describe('the tenant policy for Elastic IPs of pods', () => {
  it.each([
    ['auto', 'auto', true],
    ['auto', 'auto:ipv4pool-ec2-1', false],
    ['auto:ipv4pool-ec2-1', 'auto:ipv4pool-ec2-1', true],
    ['tag:team', 'tag:team=media', true],
    ['tag:team=media', 'tag:team=media', true],
    ['tag:team=media', 'tag:team=bank', false],
    ['tag:team=media', 'tag:team', false],
    ['eipalloc-1', 'eipalloc-1', true],
    ['eipalloc-1', 'eipalloc-2', false],
    ['*', 'eipalloc-2', true],
    ['', 'auto', false],
  ])('granted %s, asked for %s: %s', (granted, asked, expected) => {
    const requests = requestsOf(pod('media', { 'eni-agent.io/eip': asked }), { clusterName: 'test', nodeName: 'n' });

    const { claims, refusals } = grantedRequests(requests, policy({ 'media.elastic-ips': granted }));

    expect(claims).toHaveLength(expected ? 1 : 0);
    expect(refusals.map(({ reason }) => reason)).toEqual(expected ? [] : ['NotAllowed']);
  });

  it.each([
    [{ 'media.elastic-ips': 'auto' }, 1],
    [{ 'bank.elastic-ips': 'auto' }, 0],
  ])('with %j lets %i handover of an object through', (entries, expected) => {
    const handed = pod('media', { 'eni-agent.io/eip-handover': 'eipalloc-7' });
    const requests = requestsOf(handed, { clusterName: 'test', nodeName: 'n' });

    expect(grantedRequests(requests, policy(entries)).claims).toHaveLength(expected);
  });

  it('holds for the annotations of aws-pod-eip-controller', () => {
    const asked = pod('media', { 'aws-samples.github.com/aws-pod-eip-controller-type': 'auto' });
    const requests = requestsOf(asked, { clusterName: 'test', nodeName: 'n' });

    expect(requests.claims).toHaveLength(1);
    expect(grantedRequests(requests, policy({ 'bank.elastic-ips': '*' })).claims).toEqual([]);
  });
});

describe('the tenant policy for EIP objects', () => {
  const object = (spec: object, fields: Partial<CustomObject> = {}): CustomObject => ({
    namespace: 'media',
    name: 'e',
    uid: 'u',
    resourceVersion: '1',
    deleting: false,
    finalizers: [],
    owners: [],
    spec: { ...spec },
    status: {},
    ...fields,
  });
  const AUTO = { 'media.elastic-ips': 'auto' };

  it.each<[string, object, Record<string, string>, string | undefined]>([
    ['for a pod', { assignment: { podName: 'p' } }, AUTO, undefined],
    ['without a grant', { assignment: { podName: 'p' } }, { 'bank.elastic-ips': 'auto' }, 'auto'],
    ['from a pool', { publicIPv4Pool: 'ipv4pool-ec2-1' }, AUTO, 'auto:ipv4pool-ec2-1'],
    ['for a private address', { assignment: { privateIPAddress: '10.0.3.4' } }, AUTO, '10.0.3.4'],
    [
      'for a granted one',
      { assignment: { privateIPAddress: '10.0.3.4' } },
      { ...AUTO, 'media.eip-targets': '10.0.3.0/24' },
      undefined,
    ],
    ['for an ENI object', { assignment: { eni: 'e', eniPrivateIPAddressIndex: 0 } }, AUTO, 'enis'],
    [
      'for a granted ENI object',
      { assignment: { eni: 'e', eniPrivateIPAddressIndex: 0 } },
      { ...AUTO, 'media.eip-targets': 'enis' },
      undefined,
    ],
  ])('EIP %s', (_name, spec, entries, refused) => {
    const claim = awsOperator.claimOf(object(spec), { clusterName: 'test', defaultTags: {} });
    if ('reason' in claim) throw new Error(claim.message);

    const refusal = refuseObject(claim, policy(entries));

    expect(refusal?.reason).toBe(refused && 'NotAllowed');
    expect(refusal?.message ?? '').toContain(refused ?? '');
  });

  it('Eip for nodes needs the target nodes; deletion is never refused', () => {
    const spec = { selector: { node: { selector: { role: 'egress' } } } };
    const claim = eipOperator.claimOf(object(spec), { clusterName: 'test', defaultTags: {} });
    const deleting = eipOperator.claimOf(object(spec, { deleting: true }), { clusterName: 'test', defaultTags: {} });
    if ('reason' in claim || 'reason' in deleting) throw new Error('not understood');

    expect(refuseObject(claim, policy(AUTO))?.message).toContain('nodes');
    expect(refuseObject(claim, policy({ ...AUTO, 'media.eip-targets': 'nodes' }))).toBeUndefined();
    expect(refuseObject(deleting, policy({ 'bank.elastic-ips': '*' }))).toBeUndefined();
  });
});

describe('the tenant policy about routes', () => {
  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ 'media.routed-ips': '10.99.0.0/28' }, true],
    [{ 'media.routed-ips': '10.99.0.2' }, false],
    [{ 'media.floating-ips': '*' }, false],
    [{ '_others.routed-ips': '10.99.0.1' }, true],
  ])('%j lets media have a route to 10.99.0.1: %s', (entries, expected) => {
    expect(mayRoute(policy(entries), 'media', ip('10.99.0.1'))).toBe(expected);
  });

  it('covers an address of IPAM, too', () => {
    const annotations = { 'eni-agent.io/routed-ips': OWN };
    const { drafts, refusals } = observeClaims(
      {
        pods: [pod('media', annotations)],
        podsKnown: true,
        cache: [attachment()],
        namespaces: [live(OWN)],
        hostLinks: { macOfName: () => undefined, macOfIndex: () => undefined, nameOfMac: () => undefined },
        definitions: new Map(),
      },
      { interfaces: () => true, namespaces: [], tenants: () => policy({ 'media.floating-ips': '*' }) },
    );
    expect(drafts).toEqual([]);
    expect(refusals.get('media/p')).toMatchObject([{ reason: 'NotAllowed' }]);
  });
});

describe('the interfaces of ENI objects that a namespace may have', () => {
  const GRANTS = policy({ 'media.enis': 'subnet-1, sg-1', 'ops.enis': '*', 'games.elastic-ips': '*' });
  const eni = (namespace: string, subnetID: unknown, securityGroups: unknown) =>
    toEniObject({
      namespace,
      name: 'e',
      uid: 'u',
      resourceVersion: '1',
      deleting: false,
      finalizers: [],
      owners: [],
      spec: { subnetID, securityGroups } as CustomObject['spec'],
      status: {},
    });

  it.each([
    ['media', 'subnet-1', ['sg-1'], undefined],
    ['media', 'subnet-1', undefined, undefined],
    ['media', 'subnet-2', ['sg-1'], 'add subnet-2 to media.enis'],
    ['media', 'subnet-1', ['sg-1', 'sg-9'], 'add sg-9 to media.enis'],
    ['media', 7, ['sg-1'], 'add a subnet to media.enis'],
    ['ops', 'subnet-9', ['sg-9'], undefined],
    ['games', 'subnet-1', [], 'add subnet-1 to games.enis'],
    ['other', 'subnet-1', [], 'add subnet-1 to other.enis'],
  ])('of %s in %j with groups %j: %s', (namespace, subnet, groups, expected) => {
    const refusal = refuseEni(eni(namespace, subnet, groups), GRANTS);

    expect(refusal?.reason).toBe(expected && 'NotAllowed');
    expect(refusal?.message ?? '').toContain(expected ?? '');
  });

  it('are all of them without a policy', () => {
    expect(refuseEni(eni('other', 'subnet-9', ['sg-9']), policy({}))).toBeUndefined();
  });
});
