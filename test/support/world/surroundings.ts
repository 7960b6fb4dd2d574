import type { EniWriter } from '../../../agent/aws/eni-writer.ts';
import type { ProcessParts } from '../../../agent/process.ts';
import type { ElasticIpApi } from '../../../lib/ec2/elastic-ip-api.ts';
import type { InterfaceApi } from '../../../lib/ec2/interface-api.ts';
import type { NetworkApi } from '../../../lib/ec2/network-api.ts';
import type { RouteApi } from '../../../lib/ec2/route-api.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import type { Cloud } from '../../../sim/ec2/cloud.ts';
import type { FakeKubelet } from '../../../sim/kube/kubelet.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import type { VirtualProcess } from './process.ts';

/** A subnet lies in one zone, and so does an ENI with all its addresses (FACTS §1.1). */
export interface WorldSubnet {
  readonly id: string;
  readonly cidr: string;
  readonly ipv6Cidr: string;
  readonly zone: string;
}

/** Where nodes are unless they are added in the other zone. */
export const SUBNET = {
  id: 'subnet-1',
  cidr: '10.0.0.0/20',
  ipv6Cidr: '2001:db8:0:1::/64',
  zone: 'us-east-1a',
} as const satisfies WorldSubnet;

/** Of the other zone; it exists once a node is there. */
export const SUBNET_B = {
  id: 'subnet-zone-b',
  cidr: '10.0.32.0/20',
  ipv6Cidr: '2001:db8:0:20::/64',
  zone: 'us-east-1b',
} as const satisfies WorldSubnet;

/** Where agents and controller keep their Leases. */
export const AGENT_NAMESPACE = 'eni-agent-system';

/** What a process of the world gets: the same parts as a real one, on virtual time. */
export interface WorldProcess {
  readonly process: VirtualProcess;
  readonly parts: ProcessParts;
  readonly kube: KubeClient;
  readonly ec2: {
    readonly addresses: EniWriter;
    readonly elasticIps: ElasticIpApi;
    readonly interfaces: InterfaceApi;
    readonly networks: NetworkApi;
    readonly routes: RouteApi;
  };
}

/** What surrounds a node of the world. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly kubelet: FakeKubelet;
  /** Where nodes keep their disks. */
  readonly folder: string;
  /** A new process with adapters of its own. */
  spawn(name: string): WorldProcess;
  /** The ENI that has an address now, beyond all lag. */
  holderOf(address: string): string | undefined;
  /** A copy of a folder as it is at this instant. */
  copyOf(folder: string): string;
}
