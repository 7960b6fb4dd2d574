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

/** The one subnet of the world. */
export const SUBNET = { id: 'subnet-1', cidr: '10.0.0.0/20', ipv6Cidr: '2001:db8:0:1::/64' } as const;

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
