import { describe, expect, test } from 'vitest';
import { isUsable, parseLinks } from '../../../lib/net/addresses.ts';

/** iproute2 6.1 on kernel 6.18, in a pod's namespace, shortened. */
const SAMPLE = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback","address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"}]},
{"ifindex":2,"link_index":7,"ifname":"eth0","flags":["BROADCAST","MULTICAST"],"mtu":1500,"link_type":"ether","address":"62:3b:8e:57:96:18","link_netnsid":0,"addr_info":[]},
{"ifindex":3,"link_index":6,"ifname":"net1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"operstate":"UP","link_type":"ether","address":"62:CF:82:cc:e7:41","link_netnsid":0,"addr_info":[
 {"family":"inet","local":"10.9.0.5","prefixlen":24,"broadcast":"10.9.0.255","scope":"global","label":"net1","valid_life_time":4294967295,"preferred_life_time":4294967295},
 {"family":"inet6","local":"2001:db8::5","prefixlen":64,"scope":"global","tentative":true,"valid_life_time":4294967295},
 {"family":"inet6","local":"2001:db8::6","prefixlen":64,"scope":"global","dadfailed":true,"tentative":true},
 {"family":"inet6","local":"fe80::60cf:82ff:fecc:e741","prefixlen":64,"scope":"link","tentative":true}]}]`;

const FLAGS = { tentative: false, dadFailed: false, deprecated: false };

describe('parseLinks', () => {
  test('reads links, parents and addresses, without loopback and link-local ones', () => {
    const [lo, eth0, net1] = parseLinks(SAMPLE) ?? [];

    expect(lo?.addresses).toEqual([]);
    expect(eth0).toMatchObject({
      ifindex: 2,
      name: 'eth0',
      mac: '62:3b:8e:57:96:18',
      up: false,
      parentIndex: 7,
      parentNetns: 0,
    });
    expect(net1).toEqual({
      ifindex: 3,
      name: 'net1',
      altNames: [],
      mac: '62:cf:82:cc:e7:41',
      up: true,
      mtu: 1500,
      parentIndex: 6,
      parentNetns: 0,
      addresses: [
        { ...FLAGS, ip: '10.9.0.5', prefixLength: 24 },
        { ...FLAGS, ip: '2001:db8::5', prefixLength: 64, tentative: true },
        { ...FLAGS, ip: '2001:db8::6', prefixLength: 64, tentative: true, dadFailed: true },
      ],
    });
    expect(net1?.addresses.filter(isUsable).map(({ ip }) => ip)).toEqual(['10.9.0.5', '2001:db8::5']);
  });

  test.each([
    ['empty objects that a filter left behind', '[{},{"ifindex":3,"ifname":"net1","addr_info":[{},{}]}]', 1],
    ['no links', '[]', 0],
    ['a link without addr_info, as `ip link` prints it', '[{"ifindex":3,"ifname":"ens5","altnames":["enp0s5"]}]', 1],
  ])('accepts %s', (_name, text, count) => {
    expect(parseLinks(text)).toHaveLength(count);
  });

  test.each(['', 'Error: Peer', '{}', '[{"ifindex":'])('does not take %j for an empty list', (text) => {
    expect(parseLinks(text)).toBeUndefined();
  });
});
