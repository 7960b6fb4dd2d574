import { join } from 'node:path';
import { NodeCloud } from './rig-cloud.ts';
import { Cluster, eventually, isReady, type Pod } from './rig-kube.ts';
import { Report } from './rig-report.ts';
import { type NodeId, NodeScripts } from './rig-scripts.ts';
import { type Comparison, disagreements } from './rig-truth.ts';

/** Folders of kustomizations, relative to the repository. */
export const REPOSITORY = join(import.meta.dirname, '../..');

/** The namespace of the manifests. */
export const SYSTEM = 'eni-agent-system';

/** For the tests of a story that runs beside another one: one after the other within the story. */
export const inOrder = { concurrent: false };

/** How long EC2 takes for each answer. */
export const EC2_MS = 50;

/**
 * A bridge has the lowest MAC of its ports, so that of the VPC's router could change when a node loses its power, and the other node would
 * not reach the API server for as long as its neighbour table is wrong, some eight seconds. A VPC's router keeps its MAC.
 */
const PIN_ROUTERS =
  'ip -br link show type bridge | while read -r name _ mac _; do ip link set "$name" address "$mac" || exit 1; done';

/** Two real nodes, a control plane, and the simulated EC2 that they talk to. One per machine. */
export class RealNodes implements AsyncDisposable {
  readonly scripts: NodeScripts;
  readonly cloud: NodeCloud;
  readonly cluster: Cluster;
  readonly report = new Report();

  private constructor(scripts: NodeScripts, cloud: NodeCloud, cluster: Cluster) {
    this.scripts = scripts;
    this.cloud = cloud;
    this.cluster = cluster;
  }

  /** Builds the image of the repository's Dockerfile and starts the nodes; nothing of ours runs on them yet. */
  static async open(folder: string): Promise<RealNodes> {
    const scripts = new NodeScripts(folder);
    await scripts.run('image', [REPOSITORY], { timeoutMs: 400_000 });
    const cloud = await NodeCloud.open(scripts.world);
    cloud.ec2.faults.latencyMs = EC2_MS;
    try {
      await scripts.run('stop');
      const kubeconfig = await scripts.run('start', [], { environment: cloud.endpoints(), timeoutMs: 180_000 });
      await scripts.on('vpc', 'bash', '-c', PIN_ROUTERS);
      return new RealNodes(scripts, cloud, await Cluster.connect(scripts, kubeconfig.trim()));
    } catch (error) {
      await scripts.run('stop').catch(() => undefined);
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `kubectl apply -k` of a folder of the repository. */
  install(folder: string): Promise<string> {
    return this.cluster.kubectl('apply', '-k', join(REPOSITORY, folder));
  }

  /** `kubectl delete -k` of a folder of the repository. */
  remove(folder: string): Promise<string> {
    return this.cluster.kubectl('delete', '-k', join(REPOSITORY, folder));
  }

  /** Waits until so many pods with this label are ready, and no other is left. */
  ready(namespace: string, selector: string, count: number, seconds = 90): Promise<readonly Pod[]> {
    return eventually(`${count} ready pods ${selector} in ${namespace}`, seconds, async () => {
      const pods = await this.cluster.pods(namespace, selector);
      return pods.length === count && pods.every(isReady) ? pods : undefined;
    });
  }

  /** Waits until the agents of both nodes are ready. */
  agents(): Promise<readonly Pod[]> {
    return this.ready(SYSTEM, 'app.kubernetes.io/name=eni-agent', 2);
  }

  /** `kill -9` of the agent's process on a node; kubelet starts it again. */
  async killAgent(node: NodeId): Promise<void> {
    const name = this.scripts.world.nodes.find(({ id }) => id === node)?.name;
    const agent = (await this.agents()).find(({ spec }) => spec.nodeName === name);
    const id = agent?.status.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
    await this.scripts.on(node, 'ctr', '-n', 'k8s.io', 'task', 'kill', '--signal', 'SIGKILL', id);
  }

  /** Waits until EC2 has exactly the addresses that the namespaces hold, each on the right ENI. */
  async agreement(seconds = 60, exceptions: Comparison = {}): Promise<void> {
    let left: string[] = [];
    await eventually('EC2 has what the namespaces hold', seconds, async () => {
      left = await disagreements(this.scripts, this.cloud, exceptions);
      if (left.length > 0) throw new Error(left.join('; '));
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.scripts.run('stop');
    await this.cloud[Symbol.asyncDispose]();
  }
}
