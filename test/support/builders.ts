import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import { mac } from '../../lib/model/eni.ts';
import { ip } from '../../lib/model/ip.ts';
import type { NetworkInterface } from '../../lib/model/network-interface.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';

/** An Elastic IP that nobody uses. */
export function elasticIp(over: Partial<ElasticIp> = {}): ElasticIp {
  return {
    allocationId: 'eipalloc-1',
    publicIp: ip('203.0.113.1'),
    pool: 'amazon',
    tags: {},
    serviceManaged: false,
    association: undefined,
    ...over,
  };
}

/** An interface that is attached nowhere and has no tags. */
export function networkInterface(over: Partial<NetworkInterface> = {}): NetworkInterface {
  return {
    id: 'eni-1',
    mac: mac('02:00:00:00:00:01'),
    subnetId: 'subnet-1',
    zone: 'a',
    description: '',
    groups: [],
    addresses: [],
    attachment: undefined,
    tags: {},
    managed: false,
    ...over,
  };
}

/** The first interface of the NodeENI `multus`, as the controller announces it to the node. */
export function announcedInterface(over: Partial<AnnouncedInterface> = {}): AnnouncedInterface {
  return {
    nodeEni: 'multus',
    index: 0,
    id: 'eni-1',
    mac: mac('02:00:00:00:00:01'),
    subnetId: 'subnet-1',
    cidrs: [],
    address: ip('10.0.64.9'),
    deviceIndex: 2,
    networkCard: 0,
    name: 'multus',
    mtu: 9001,
    state: 'attached',
    ...over,
  };
}
