import { describe, expect, test } from 'vitest';
import { masterOf, netnsName, parseCniCache } from '../../../lib/model/addresses/cni.ts';

const FILE = '/var/lib/cni/multus/results/ipvlan-a-0f1e-net1';
const NETNS = '/var/run/netns/cni-1d2c3b4a-0000-1111-2222-333344445555';

const RESULT = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'net1', mac: '0A:00:00:00:00:01', mtu: 9001, sandbox: NETNS }],
  ips: [
    { interface: 0, address: '10.0.1.50/24', gateway: '10.0.1.1' },
    { interface: 0, address: '2001:db8:1::50/64' },
  ],
  dns: {},
};

const POD_ARGS = [
  ['IgnoreUnknown', 'true'],
  ['K8S_POD_NAMESPACE', 'tenant'],
  ['K8S_POD_NAME', 'a'],
  ['K8S_POD_UID', 'uid-a'],
];

function cache(changes: Record<string, unknown> = {}) {
  return {
    kind: 'cniCacheV1',
    containerId: '0f1e',
    config: base64({ name: 'ipvlan-a', type: 'ipvlan', master: 'eth1' }),
    ifName: 'net1',
    networkName: 'ipvlan-a',
    netns: NETNS,
    cniArgs: POD_ARGS,
    result: RESULT,
    ...changes,
  };
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

function parse(changes: Record<string, unknown> = {}) {
  return parseCniCache(FILE, JSON.stringify(cache(changes)));
}

const NORMAL = {
  file: FILE,
  pod: { namespace: 'tenant', name: 'a', uid: 'uid-a' },
  containerId: '0f1e',
  networkName: 'ipvlan-a',
  ifName: 'net1',
  netns: '/run/netns/cni-1d2c3b4a-0000-1111-2222-333344445555',
  master: 'eth1',
  plugin: 'ipvlan',
  mac: '0a:00:00:00:00:01',
  addresses: ['10.0.1.50', '2001:db8:1::50'],
};

describe('parseCniCache', () => {
  test('reads the result that libcni caches for a Multus delegate', () => {
    expect(parse()).toEqual({ value: [NORMAL], refusals: [] });
  });

  test.each<
    [name: string, changes: Record<string, unknown>, expected: Partial<typeof NORMAL> | Record<string, unknown>]
  >([
    ['libcni before 1.2 tells no netns: the sandbox does', { netns: undefined }, {}],
    [
      'CNI 0.2 lists no interfaces',
      { result: { ip4: { ip: '10.0.1.50/24' }, ip6: { ip: '2001:db8:1::50/64' }, dns: {} } },
      { mac: undefined },
    ],
    [
      'an older runtime tells no uid',
      { cniArgs: POD_ARGS.slice(0, 3) },
      { pod: { namespace: 'tenant', name: 'a', uid: '' } },
    ],
    ['a plain config', { config: '{"master":"eth2"}' }, { master: 'eth2', plugin: undefined }],
    ['a list of plugins', { config: base64({ plugins: [{ type: 'ipvlan', master: 'eth3' }] }) }, { master: 'eth3' }],
    ['a config that cannot be read', { config: '%%%' }, { master: undefined, plugin: undefined }],
    ['an attachment without IPAM', { result: { ...RESULT, ips: undefined } }, { addresses: [] }],
    ['no result at all', { result: undefined }, { addresses: [], mac: undefined }],
    [
      'the host side of a veth is left out',
      {
        result: {
          interfaces: [{ name: 'veth1', mac: '02:00:00:00:00:09' }, ...RESULT.interfaces],
          ips: [
            { interface: 0, address: '169.254.1.1/32' },
            { interface: 1, address: '10.0.1.50/24' },
          ],
        },
      },
      { addresses: ['10.0.1.50'] },
    ],
    [
      'an address without interface is the attachment’s',
      { result: { ...RESULT, ips: [{ address: '10.0.1.7/24' }] } },
      { addresses: ['10.0.1.7'] },
    ],
  ])('%s', (_name, changes, expected) => {
    expect(parse(changes)).toEqual({ value: [{ ...NORMAL, ...expected }], refusals: [] });
  });

  test('gives one entry for each interface in the sandbox, each with its own addresses', () => {
    const second = { name: 'net1b', mac: '0a:00:00:00:00:02', sandbox: NETNS };
    const ips = [
      { interface: 0, address: '10.0.1.50/24' },
      { interface: 1, address: '10.0.2.50/24' },
    ];

    const { value } = parse({ result: { interfaces: [...RESULT.interfaces, second], ips } });

    expect(value.map(({ ifName, mac, addresses }) => [ifName, mac, addresses])).toEqual([
      ['net1', '0a:00:00:00:00:01', ['10.0.1.50']],
      ['net1b', '0a:00:00:00:00:02', ['10.0.2.50']],
    ]);
  });

  test.each([
    ['no pod arguments', { cniArgs: undefined }],
    ['arguments of something else', { cniArgs: [['FOO', 'bar']] }],
    ['a raw result of an old libcni', { kind: undefined, cniArgs: undefined }],
  ])('%s: not about a pod, skipped without complaint', (_name, changes) => {
    expect(parse(changes)).toEqual({ value: [], refusals: [] });
  });

  test.each([
    ['half a file', JSON.stringify(cache()).slice(0, 100), 'it is not complete JSON'],
    ['nothing', '', 'it is not complete JSON'],
    ['binary garbage', '\u0000\u0001\ufffd', 'it is not complete JSON'],
    ['a list', '[]', 'it is not a JSON object'],
    ['a later format', '{"kind":"cniCacheV9"}', 'kind "cniCacheV9" is unknown'],
  ])('%s is refused by the name of the file', (_name, text, fault) => {
    expect(parseCniCache(FILE, text)).toEqual({
      value: [],
      refusals: [{ reason: 'InvalidCacheFile', message: `CNI cache file ${FILE}: ${fault}` }],
    });
  });

  test('a bad address is refused and the good one kept', () => {
    const { value, refusals } = parse({ result: { ...RESULT, ips: [{ address: 'x' }, { address: '10.0.1.7/24' }] } });

    expect(value[0]?.addresses).toEqual(['10.0.1.7']);
    expect(refusals.map(({ message }) => message)).toEqual([`CNI cache file ${FILE}: "x" is not an IP address`]);
  });
});

test.each([
  [undefined, undefined],
  [{ master: 'eth1' }, 'eth1'],
  [{ plugins: [{ type: 'tuning' }, { master: 'eth2' }] }, 'eth2'],
])('masterOf(%j) is %s', (config, master) => {
  expect(masterOf(config)).toBe(master);
});

test('netnsName is the same for the runtime’s path and ours', () => {
  expect(netnsName('/var/run/netns/cni-1')).toBe(netnsName('/host/netns/cni-1'));
});
