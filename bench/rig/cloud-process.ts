import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { startImds } from '../../sim/imds/server.ts';
import { buildTopology, type Topology, type WorldInstance } from '../../sim/world/topology.ts';
import { preciseNow } from './precise-now.ts';

/** What the parent gets. `call` is sent as a call arrives, before it is answered. */
export type CloudMessage =
  | { readonly kind: 'ready'; readonly ec2Url: string; readonly instances: readonly CloudInstance[] }
  | { readonly kind: 'call'; readonly call: ArrivedCall };

export interface CloudInstance extends WorldInstance {
  readonly imdsUrl: string;
}

export interface ArrivedCall {
  readonly action: string;
  /** Epoch ms with fractions. */
  readonly at: number;
  readonly params: Readonly<Record<string, string>>;
}

/** The VPC has so many, tagged `bench`. */
const ROUTE_TABLES = 10;

/** EC2 without limits, and instance metadata, in a process of their own: `cloud-process.ts TOPOLOGY`, spoken to over IPC. */
async function main(topology: Topology): Promise<void> {
  const cloud = new Cloud();
  const tell = (message: CloudMessage) => process.send?.(message);
  const throttle = {
    admits: (action: string, parameters: ReadonlyMap<string, string>) => {
      tell({ kind: 'call', call: { action, at: preciseNow(), params: Object.fromEntries(parameters) } });
      return true;
    },
  };
  const ec2 = await startEc2Server({ cloud, throttle });
  const instances: CloudInstance[] = [];
  for (const instance of buildTopology(cloud, topology, process.ppid.toString(36))) {
    const imds = await startImds({ cloud, instanceId: instance.instanceId });
    instances.push({ ...instance, imdsUrl: imds.url });
  }
  // Nothing uses them but pods with routed addresses.
  const { vpcId = '' } = cloud.state.interfaces.get(instances[0]?.enis[0]?.id ?? '') ?? {};
  for (let index = 1; index <= ROUTE_TABLES; index += 1)
    cloud.addRouteTable({ id: `rtb-${index}`, vpcId, tags: { bench: 'yes' } });
  tell({ kind: 'ready', ec2Url: ec2.url, instances });
  process.once('disconnect', () => process.exit());
}

await main(JSON.parse(process.argv[2] ?? '') as Topology);
