import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsOperator } from '../../../lib/dialect/aws-operator.ts';
import { eipOperator } from '../../../lib/dialect/eip-operator.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import { toCustomObject } from '../../../lib/kube/custom-resources.ts';
import type { RawObject } from '../../../lib/kube/object-store.ts';
import { podConverter } from '../../../lib/kube/pods.ts';
import { parseCniCache } from '../../../lib/model/addresses/cni.ts';
import { FLOATING_IPS } from '../../../lib/model/addresses/floating-declaration.ts';
import { reviveLedgerEntry } from '../../../lib/model/addresses/ledger.ts';
import { NETWORK_STATUS_KEY } from '../../../lib/model/addresses/network-status.ts';
import { revivePendingAssociation } from '../../../lib/model/elastic-ips/pending-association.ts';
import { toEniObject } from '../../../lib/model/eni-objects/read.ts';
import { floatingIpOf } from '../../../lib/model/floating-ips/floating-ip.ts';
import { ip } from '../../../lib/model/ip.ts';
import { parseJson, shallow } from '../../../lib/model/json.ts';
import { parseLinks } from '../../../lib/net/addresses.ts';
import { observeClaims } from '../../../lib/plan/addresses/claims.ts';

const CONTEXT = { clusterName: 'c', nodeName: 'n' };
const DEPTH = 10_000;
const DEEP_LIST = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
const DEEP_OBJECT = '{"a":'.repeat(DEPTH) + '1' + '}'.repeat(DEPTH);

/** Texts as a tenant may write them: JSON that nearly fits, deep JSON in every place of it, and noise. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json({ maxDepth: 8 }),
  fc.constantFrom(DEEP_LIST, DEEP_OBJECT, `[{"name":"a","interface":"net1","ips":${DEEP_LIST}}]`),
  fc.constantFrom(
    `[{"ips":[${DEEP_OBJECT}]}]`,
    '"\\ud800"',
    '[null]',
    '[[]]',
    'null',
    '-0',
    '1e999',
    '{"__proto__":1}',
  ),
  fc
    .array(fc.constantFrom('auto', '*', '10.0.0.1', '/', '=', ',', 'tag:', 'eipalloc-1', '::', '0/0'))
    .map((parts) => parts.join('')),
);

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.constant(JSON.parse(DEEP_OBJECT) as unknown),
  hostileText,
);

function rawPod(annotations: Record<string, string>, labels: Record<string, string> = {}): RawObject {
  const metadata = { namespace: 'default', name: 'evil', uid: 'u', annotations, labels };
  return { metadata, spec: { nodeName: 'n' }, status: { phase: 'Running', podIP: '10.0.0.5' } } as RawObject;
}

/** An object whose fields are foreign; `undefined` stands for the field's absence. */
function custom(spec: unknown, status: unknown) {
  const metadata = { namespace: 'default', name: 'evil', uid: 'u', resourceVersion: '1' };
  return toCustomObject({ metadata, spec, status } as Parameters<typeof toCustomObject>[0]);
}

function fieldsOf(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(names.map((name) => [name, hostileValue])), { requiredKeys: [] });
}

const ANNOTATIONS = [
  NETWORK_STATUS_KEY,
  'k8s.v1.cni.cncf.io/networks',
  FLOATING_IPS,
  'eni-agent.io/eip',
  'eni-agent.io/eip-handover',
  'aws-samples.github.com/aws-pod-eip-controller-type',
  'vpc.amazonaws.com/pod-eni',
];

const observedWith = (annotations: Record<string, string>, cacheText: string, nad: string) => ({
  pods: [podConverter()(rawPod(annotations))],
  podsKnown: true,
  cache: parseCniCache('/cache/f', cacheText).value,
  namespaces: undefined,
  hostLinks: { macOfName: () => undefined, macOfIndex: () => undefined, nameOfMac: () => undefined },
  definitions: new Map([['a', { floatingIps: nad, master: undefined }]]),
});

describe('foreign values never throw', { timeout: 30_000 }, () => {
  it('annotations, cache files and network definitions, on the way to claims and requests', () => {
    const annotations = fc.record(Object.fromEntries(ANNOTATIONS.map((key) => [key, hostileText])), {
      requiredKeys: [],
    });
    const run = () =>
      fc.assert(
        fc.property(annotations, hostileText, hostileText, (texts, cacheText, nad) => {
          const observed = observedWith(texts as Record<string, string>, cacheText, nad);
          const { refusals } = observeClaims(observed, { interfaces: () => true, namespaces: [] });
          for (const pod of observed.pods) requestsOf(pod, CONTEXT);
          JSON.stringify([...refusals.values()]);
        }),
        { numRuns: 40 },
      );
    expect(run).not.toThrow();
  });

  it('cache files whose parts are of any kind', () => {
    const names = ['kind', 'containerId', 'config', 'ifName', 'networkName', 'netns', 'cniArgs', 'result'];
    const result = fieldsOf(['interfaces', 'ips', 'ip4', 'ip6']);
    const about = [
      ['K8S_POD_NAMESPACE', 'a'],
      ['K8S_POD_NAME', 'b'],
    ];
    const run = () =>
      fc.assert(
        fc.property(fieldsOf(names), result, fc.boolean(), (fields, parts, isPod) => {
          const file = { ...fields, kind: 'cniCacheV1', result: parts, ...(isPod ? { cniArgs: about } : {}) };
          JSON.stringify(parseCniCache('/cache/f', textOf(file)));
        }),
        { numRuns: 40 },
      );
    expect(run).not.toThrow();
  });

  it('specs and statuses of every kind of object', () => {
    const spec = fieldsOf([
      'tags',
      'assignment',
      'publicIPAddress',
      'publicIPv4Pools',
      'selector',
      'attachment',
      'addresses',
      'nodeSelector',
      'securityGroups',
      'resourceTags',
    ]);
    const status = fieldsOf([
      'allocationId',
      'assignment',
      'conditions',
      'privateIPAddresses',
      'attachment',
      'publicIPAddress',
    ]);
    const run = () =>
      fc.assert(
        fc.property(spec, status, (given, reported) => {
          const object = custom(given, reported);
          for (const dialect of [awsOperator, eipOperator])
            dialect.claimOf(object, { clusterName: 'c', defaultTags: {} });
          toEniObject(object);
          floatingIpOf({ metadata: { name: 'f' }, spec: given, status: reported });
          JSON.stringify(object);
        }),
        { numRuns: 40 },
      );
    expect(run).not.toThrow();
  });

  it('stored lines and what ip prints', () => {
    const entry = fieldsOf([
      'address',
      'eni',
      'state',
      'holder',
      'interface',
      'claimedAt',
      'allocationId',
      'privateIp',
      'owner',
      'at',
    ]);
    const run = () =>
      fc.assert(
        fc.property(fc.oneof(hostileValue, entry), hostileText, (stored, printed) => {
          reviveLedgerEntry(stored, 1);
          revivePendingAssociation(stored);
          parseLinks(printed);
        }),
        { numRuns: 40 },
      );
    expect(run).not.toThrow();
  });
});

/** `JSON.stringify` overflows on deep values; a deep part is written by hand. */
function textOf(file: Record<string, unknown>): string {
  const parts = Object.entries(file).map(([key, value]) => {
    try {
      return `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`;
    } catch {
      return `${JSON.stringify(key)}:${DEEP_OBJECT}`;
    }
  });
  return `{${parts.join(',')}}`;
}

describe('one hostile pod', () => {
  it('is refused by name while its neighbour is served', () => {
    const good = podConverter()({
      ...rawPod({ [NETWORK_STATUS_KEY]: '[{"name":"default/n","interface":"net1","ips":["10.0.1.7"]}]' }),
      metadata: { ...rawPod({}).metadata, name: 'good', uid: 'g' },
    } as RawObject);
    const annotated = rawPod({ [NETWORK_STATUS_KEY]: `[{"interface":"net1","ips":${DEEP_LIST}}]` });
    const neighbour = {
      ...good,
      annotations: { [NETWORK_STATUS_KEY]: '[{"name":"default/n","interface":"net1","ips":["10.0.1.7"]}]' },
    };
    const observed = { ...observedWith({}, '', ''), pods: [podConverter()(annotated), neighbour] };

    const { drafts, refusals } = observeClaims(observed, { interfaces: () => true, namespaces: [] });

    expect(drafts.map(({ holder, address }) => `${holder.name} ${address}`)).toEqual(['good 10.0.1.7']);
    expect(refusals.get('default/evil')).toMatchObject([
      { reason: 'InvalidAnnotation', message: expect.stringContaining('nested more than 64 deep') },
    ]);
  });

  it('with 40 000 addresses in a cache file fills neither memory nor log', () => {
    const ips = Array.from({ length: 40_000 }, (_, index) => ({
      address: index % 2 ? 'x' : `10.1.${index % 250}.${index % 199}/32`,
    }));
    const cniArgs = [
      ['K8S_POD_NAMESPACE', 'a'],
      ['K8S_POD_NAME', 'b'],
    ];
    const { value, refusals } = parseCniCache('/f', JSON.stringify({ cniArgs, ifName: 'net1', result: { ips } }));

    expect(value.flatMap(({ addresses }) => addresses).length).toBeLessThanOrEqual(128);
    expect(refusals.length).toBeLessThanOrEqual(5);
  });
});

describe('one annotation of the size that the API server takes', () => {
  const SIZE = 250_000;
  const list = (make: (index: number) => string) => {
    const elements: string[] = [];
    for (let size = 0, index = 0; size < SIZE; index += 1)
      size += elements[elements.push(make(index)) - 1]?.length ?? 0;
    return elements.join(',');
  };

  /** Work that grows with the square of the text, or compares each address with each of 30 000 networks, takes minutes. */
  it.each<[string, string, string]>([
    ['of networks', FLOATING_IPS, list((index) => `11.${(index >> 8) & 255}.${index & 255}.0/24`)],
    ['of addresses', FLOATING_IPS, list((index) => `f::${index.toString(16)}`)],
    ['of noise', FLOATING_IPS, list(() => 'x')],
    ['of routed networks', 'eni-agent.io/routed-ips', list((index) => `11.${(index >> 8) & 255}.${index & 255}.0/24`)],
    ['of quotes', NETWORK_STATUS_KEY, `"${'\\"'.repeat(SIZE / 2)}`],
    ['of quotes after a backslash', NETWORK_STATUS_KEY, `[${'"\\'.repeat(SIZE / 2)}`],
  ])('%s is read in a moment, and what was left out is said', (_what, key, text) => {
    const addresses = Array.from({ length: 60 }, (_, index) => ({ ip: ip(`10.0.9.${index + 1}`), since: 1 }));
    const interfaces = [{ name: 'net1', mac: undefined, parentIndex: undefined, addresses }];
    const cache = { pod: { namespace: 'default', name: 'evil', uid: 'u' }, ifName: 'net1', netns: '/run/netns/n' };
    const known = [{ ...cache, file: 'f', master: undefined, mac: undefined, addresses: [] }];
    const observed = {
      ...observedWith({ [key]: text }, '', ''),
      cache: known,
      namespaces: [{ path: '/run/netns/n', interfaces }],
    };
    const before = process.cpuUsage();

    const { drafts, refusals } = observeClaims(observed, { interfaces: () => true, namespaces: [] });

    // CPU of this process: what else the machine does takes nothing of it. Microseconds.
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
    expect(drafts).toHaveLength(60);
    expect(refusals.get('default/evil')?.map(({ reason }) => reason)).toContain('InvalidAnnotation');
  });
});

describe('an object whose fields have the names of what every object has', () => {
  const evil = { toString: 1, valueOf: 1 } as unknown;

  it('is understood or refused, but stops no plan', () => {
    const context = { clusterName: 'c', defaultTags: {} };
    const spec = { selector: { node: { selector: { role: evil } } } };

    expect(() => eipOperator.claimOf(custom(spec, {}), context)).not.toThrow();
    expect(toEniObject(custom({ subnetID: evil }, { privateIPAddresses: [evil] })).status.privateIPAddresses).toEqual(
      [],
    );
  });
});

describe('parseJson', () => {
  it.each([
    [DEEP_LIST, undefined],
    [DEEP_OBJECT, undefined],
    [`${'['.repeat(65)}${']'.repeat(65)}`, undefined],
    ['"[[[[{{{{"', '[[[[{{{{'],
    [JSON.stringify('['.repeat(500)), '['.repeat(500)],
    [String.raw`"\"[\\"`, '"[\\'],
  ])('of %.30s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it('agrees with JSON.parse on whatever nests less', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('cuts a deep value that was parsed elsewhere', () => {
    expect(JSON.stringify(shallow(JSON.parse(DEEP_LIST)))).toBe(
      `${'['.repeat(64)}"(nested too deeply)"${']'.repeat(64)}`,
    );
    expect(shallow({ a: [1, { b: null }] })).toEqual({ a: [1, { b: null }] });
  });
});
