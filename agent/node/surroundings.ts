import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { NadCache } from '../../lib/kube/nads.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { TenantPolicy } from '../../lib/model/tenant-policy.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { Ec2Access } from '../aws/ec2-access.ts';
import type { HostKernel } from '../floating-ips/host-kernel.ts';
import type { OwnNodeWatch } from './own-node.ts';
import type { NodeSources } from './sources.ts';

/** The cluster as a node's agent sees it. */
export interface NodeCluster {
  readonly client: KubeClient;
  readonly pods: Reflector<Pod>;
  readonly definitions: Pick<NadCache, 'peek'>;
  readonly ownNode: OwnNodeWatch;
  /** Where the Leases of FloatingIPs are. */
  readonly leaseNamespace: string;
  readonly tenants: () => TenantPolicy;
}

/** The host that the agent runs on. */
export interface NodeHost extends Pick<NodeSources, 'cache' | 'namespaces' | 'links'> {
  /** @default the kernel of this machine */
  readonly kernel?: HostKernel;
}

/** The instance and the way to EC2. */
export interface NodeAws {
  readonly instanceId: string;
  readonly imds: ImdsReader | undefined;
  readonly ec2: Pick<Ec2Access, 'addresses' | 'elasticIps' | 'interfaces' | 'routes'>;
  readonly rateLimit: RateLimit;
}

export interface NodeSurroundings {
  readonly cluster: NodeCluster;
  readonly host: NodeHost;
  readonly aws: NodeAws;
}
