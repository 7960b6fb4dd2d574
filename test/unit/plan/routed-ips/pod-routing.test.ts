import { describe, expect, it } from 'vitest';
import { mac } from '../../../../lib/model/eni.ts';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import type { PodRouting } from '../../../../lib/model/routed-ips/pod-routing.ts';
import { withOwnRoutes } from '../../../../lib/plan/routed-ips/own-routes.ts';
import { podRouting } from '../../../../lib/plan/routed-ips/pod-routing.ts';
import { eni } from './routes.ts';

const FIRST = eni('eni-1', { deviceIndex: 1, cidrs: [cidr('10.0.1.0/24'), cidr('2001:db8:1::/64')] });
const SECOND = eni('eni-2', { deviceIndex: 3, cidrs: [cidr('10.0.2.0/24')] });
const ENIS = [SECOND, FIRST];
const [VIP, VIP6] = [ip('10.99.0.1'), ip('2001:db8:ffff::1')];

function link(name: string, address: string, ...addresses: string[]) {
  return { name, mac: mac(address), addresses: addresses.map((each) => ({ ip: ip(each), since: 0 })) };
}

const INTERFACES = [
  link('net2', '02:00:00:00:00:02', '10.99.0.2'),
  link('bridge0', '02:00:00:00:00:99', '10.99.0.3'),
  link('net1', '02:00:00:00:00:01', '10.0.1.9', VIP, VIP6),
] as unknown as Parameters<typeof podRouting>[0]['interfaces'];

function text(line: PodRouting): string {
  if (line.kind === 'rule') return `rule from ${line.from} table ${line.table}`;
  return `route ${line.to ?? `default-${line.family}`} via ${line.via} dev ${line.device} table ${line.table ?? 'main'}`;
}

function planned(more: Partial<Parameters<typeof podRouting>[0]>): string[] {
  const nothing = { interfaces: INTERFACES, enis: ENIS, routed: new Set([VIP, VIP6]), useSbr: false, peers: [] };
  return podRouting({ ...nothing, ...more }).map(text);
}

describe('the routing of a pod', () => {
  it('without a request it is left alone', () => {
    expect(planned({})).toEqual([]);
  });

  it('leads packets from routed addresses, and from no others, out of their interface, each family by its gateway', () => {
    expect(planned({ useSbr: true })).toEqual([
      'route default-4 via 10.0.1.1 dev net1 table 101',
      'route default-6 via 2001:db8:1::1 dev net1 table 101',
      'rule from 10.99.0.1 table 101',
      'rule from 2001:db8:ffff::1 table 101',
    ]);
  });

  it('numbers the table after the device of the ENI', () => {
    expect(planned({ useSbr: true, routed: new Set([ip('10.99.0.2')]) })).toEqual([
      'route default-4 via 10.0.2.1 dev net2 table 103',
      'rule from 10.99.0.2 table 103',
    ]);
  });

  it('counts only interfaces with an ENI when peers are given to the first and the second', () => {
    expect(planned({ peers: [[cidr('11.0.0.0/8')], [cidr('20.0.0.0/8'), cidr('2001:db8:9::/48')]] })).toEqual([
      'route 11.0.0.0/8 via 10.0.1.1 dev net1 table main',
      'route 20.0.0.0/8 via 10.0.2.1 dev net2 table main',
    ]);
  });
});

describe('the routed addresses of a pod that names tables itself', () => {
  const tables = [{ kind: 'all' }] as const;
  const drafts = [VIP, ip('10.0.1.9')].map((address) => ({
    address,
    kind: 'floating' as const,
    holder: { namespace: 'default', name: 'web', uid: 'u' },
    interface: 'net1',
    mac: FIRST.mac,
    masterMac: undefined,
    seenSince: undefined,
  }));
  const routed = (given: Parameters<typeof withOwnRoutes>[1], enis = ENIS) =>
    withOwnRoutes(drafts, given, enis).flatMap(({ address, routed: by }) => (by === undefined ? [] : [address]));

  it.each([
    ['no table is named', { tables: [], addresses: [] }, ENIS, []],
    ['no ENI is known', { tables, addresses: [] }, [], []],
    ['only tables are named: all outside the subnets of the ENIs', { tables, addresses: [] }, ENIS, [VIP]],
    ['addresses are named', { tables, addresses: [cidr('10.0.1.0/24')] }, ENIS, ['10.0.1.9']],
  ])('when %s', (_what, given, enis, expected) => {
    expect(routed(given, enis)).toEqual(expected);
  });
});
