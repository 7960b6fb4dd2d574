import { describe, expect, test } from 'vitest';
import {
  NETWORK_STATUS_KEY,
  OLD_NETWORK_STATUS_KEY,
  parseNetworkStatus,
} from '../../../lib/model/addresses/network-status.ts';

function parse(text: string, key = NETWORK_STATUS_KEY) {
  return parseNetworkStatus({ [key]: text });
}

const SAMPLE = `[{
    "name": "aws-cni",
    "interface": "eth0",
    "ips": ["10.0.0.23"],
    "mac": "8E:57:96:18:62:3B",
    "default": true,
    "dns": {}
},{
    "name": "tenant/ipvlan-a",
    "interface": "net1",
    "ips": ["10.0.1.50", "2001:0db8:1::50"],
    "mac": "0a:00:00:00:00:01",
    "mtu": 9001,
    "dns": {},
    "gateway": ["10.0.1.1"]
}]`;

describe('parseNetworkStatus', () => {
  test('reads what Multus writes, addresses and MACs in canonical form', () => {
    expect(parse(SAMPLE)).toEqual({
      value: [
        { name: 'aws-cni', interface: 'eth0', ips: ['10.0.0.23'], mac: '8e:57:96:18:62:3b', isDefault: true },
        {
          name: 'tenant/ipvlan-a',
          interface: 'net1',
          ips: ['10.0.1.50', '2001:db8:1::50'],
          mac: '0a:00:00:00:00:01',
          isDefault: false,
        },
      ],
      refusals: [],
    });
  });

  test('reads the deprecated key only when the current one is absent', () => {
    expect(parse(SAMPLE, OLD_NETWORK_STATUS_KEY).value).toHaveLength(2);
    expect(parseNetworkStatus({ [NETWORK_STATUS_KEY]: '[]', [OLD_NETWORK_STATUS_KEY]: SAMPLE }).value).toEqual([]);
  });

  test.each([
    ['no annotation', {}],
    ['an empty one', { [NETWORK_STATUS_KEY]: '' }],
    ['an empty list', { [NETWORK_STATUS_KEY]: '[]' }],
  ])('%s means no networks and is nothing to complain about', (_name, annotations) => {
    expect(parseNetworkStatus(annotations)).toEqual({ value: [], refusals: [] });
  });

  test.each([
    ['[{"name":', 'it is not JSON'],
    ['{"name":"a"}', 'it is not a JSON array'],
    ['null', 'it is not a JSON array'],
    ['["net1"]', 'entry 0: it is not an object'],
    ['[{"interface":"net1","ips":"10.0.0.1"}]', 'entry 0: "ips" is not an array'],
    ['[{"interface":"net1","ips":["010.1.1.1"]}]', 'entry 0: "010.1.1.1" is not an IP address'],
    ['[{"interface":"net1","ips":[7]}]', 'entry 0: 7 is not an IP address'],
  ])('%s is refused: %s', (text, fault) => {
    expect(parse(text).refusals).toEqual([
      { reason: 'InvalidAnnotation', message: `annotation ${NETWORK_STATUS_KEY} could not be understood: ${fault}` },
    ]);
  });

  test('keeps every good entry and address beside a bad one', () => {
    const { value, refusals } = parse(
      '[7, {"name":"t/a","interface":"net1","ips":["x","10.0.1.5"]}, {"name":"t/b","interface":"net2","ips":["10.0.2.5/24"]}]',
    );

    expect(value.map(({ interface: name, ips }) => [name, ips])).toEqual([
      ['net1', ['10.0.1.5']],
      ['net2', ['10.0.2.5']],
    ]);
    expect(refusals).toHaveLength(2);
  });

  test('an attachment without IPAM has no addresses and is kept', () => {
    expect(parse('[{"name":"t/a","interface":"net1","mac":"0a:00:00:00:00:01","dns":{}}]').value[0]?.ips).toEqual([]);
  });
});
