import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { Cloud } from '../ec2/cloud.ts';
import { type Ec2Server, startEc2Server } from '../ec2/server.ts';
import { Throttle } from '../ec2/throttle.ts';
import type { HostWorld } from '../host/host-world.ts';
import { startImds } from '../imds/server.ts';
import { builtIn, FakeKubelet } from '../kube/kubelet.ts';
import { type KubeApi, startKubeApi } from '../kube/server.ts';
import { AddressPool } from './addresses.ts';
import { AgentPods } from './agent-pods.ts';
import { AgentProcess } from './agent-process.ts';
import { Eips } from './eips.ts';
import { FloatingIps } from './floating-ips.ts';
import { Pods } from './pods.ts';
import { buildTopology, plainInstance, type Topology, type WorldInstance } from './topology.ts';
import { Undo } from './undo.ts';
import { worldIds } from './world-ids.ts';
import type { WorldNode } from './world-node.ts';

export interface WorldOptions {
  readonly host: HostWorld;
  readonly topology: Topology;
  /** The program's file: `agent/main.ts` or the bundle. */
  readonly entry: string;
  /** More flags for every node agent. */
  readonly agentFlags?: readonly string[];
  readonly controllerFlags?: readonly string[];
  /** More of every agent's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told every line that an agent prints. */
  readonly onLine?: (node: string, line: string) => void;
}

/** For the tags that say whose an Elastic IP is. */
const CLUSTER = 'demo';

/** A cloud, a cluster and machines, as plain parts. Closing it ends the agents and takes everything away but the logs. */
export interface World {
  readonly cloud: Cloud;
  readonly ec2: Ec2Server;
  readonly throttle: Throttle;
  readonly kube: KubeApi;
  readonly kubelet: FakeKubelet;
  readonly host: HostWorld;
  readonly nodes: readonly WorldNode[];
  readonly pods: Pods;
  readonly floatingIps: FloatingIps;
  readonly eips: Eips;
  /** One replica of `eni-agent controller`. */
  readonly controller: AgentProcess;
  readonly addresses: AddressPool;
  /** Holds `kubeconfig`, `logs/` and each agent's state. */
  readonly folder: string;
  readonly kubeconfig: string;
  /**
   * A plain node joins, without a Multus ENI; its agent does not run yet.
   * @param subnetId of its primary ENI @default that of the first node
   */
  join(name: string, subnetId?: string): Promise<WorldNode>;
  /** The instance ends, its Node object and the pod of its agent go; nothing else waits for it. */
  leave(node: WorldNode): Promise<void>;
  close(options?: { readonly keepLogs?: boolean }): Promise<void>;
}

/** Puts a world together; the agents do not run yet. What was started is taken away again when something fails. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = mkdtempSync(pathOf(tmpdir(), 'eni-agent-world-'));
  mkdirSync(pathOf(folder, 'logs'));
  const undo = new Undo();
  undo.defer(() => options.host.close());
  try {
    const cloud = new Cloud({ ids: worldIds(process.pid) });
    const throttle = new Throttle({ now: Date.now });
    const ec2 = undo.use(await startEc2Server({ cloud, throttle }));
    const kube = undo.use(await startKubeApi({ garbageCollection: true }));
    const kubelet = new FakeKubelet(kube);
    const kubeconfig = pathOf(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kube.kubeconfig());
    const nodes: WorldNode[] = [];
    const place = { options, folder, kubeconfig, ec2, cloud, undo, agentPods: new AgentPods(kube) };
    const admit = async (instance: WorldInstance) => {
      const { name, privateIp: internalIP, zone, instanceId } = instance;
      kubelet.createNode({ name, internalIP, providerID: `aws:///${zone}/${instanceId}` });
      const node = await addNode(instance, place);
      nodes.push(node);
      return node;
    };
    for (const instance of buildTopology(cloud, options.topology, process.pid.toString(36))) await admit(instance);
    const controller = controllerProcess(place, nodes.at(-1)?.name ?? '');
    undo.defer(() => Promise.all([...nodes.map(({ agent }) => agent), controller].map((agent) => agent.close())));
    const addresses = new AddressPool();
    const pods = new Pods(kubelet, options.host);
    const floatingIps = new FloatingIps(kube);
    const eips = new Eips(kube);
    const join = (
      name: string,
      subnetId = cloud.state.interfacesOf(nodes[0]?.instanceId ?? '', Date.now())[0]?.subnetId,
    ) => {
      if (subnetId === undefined) throw new Error('the world has no node to be like');
      return admit(plainInstance(cloud, name, subnetId));
    };
    const leave = async (node: WorldNode) => {
      await node.agent.close();
      cloud.setInstanceState(node.instanceId, 'terminated');
      kube.api.delete(builtIn('nodes'), undefined, node.name);
      place.agentPods.forget({ app: 'eni-agent', node: node.name });
      nodes.splice(nodes.indexOf(node), 1);
    };
    const close = async ({ keepLogs = false } = {}) => {
      await undo.run().finally(() => keepLogs || rmSync(folder, { recursive: true, force: true }));
    };
    const { host } = options;
    return {
      cloud,
      ec2,
      throttle,
      kube,
      kubelet,
      host,
      nodes,
      pods,
      floatingIps,
      eips,
      controller,
      addresses,
      folder,
      kubeconfig,
      join,
      leave,
      close,
    };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

interface Place {
  readonly options: WorldOptions;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly ec2: Ec2Server;
  readonly cloud: Cloud;
  readonly undo: Undo;
  readonly agentPods: AgentPods;
}

async function addNode(instance: WorldInstance, place: Place): Promise<WorldNode> {
  const { options, folder, cloud, undo } = place;
  const { name, instanceId, enis } = instance;
  const links = enis.map(({ link, mac }) => ({ name: link, mac }));
  const host = await options.host.createNode(name, links);
  const imds = undo.use(await startImds({ cloud, instanceId }));
  const logFile = pathOf(folder, 'logs', `${name}.log`);
  const agent = new AgentProcess({
    entry: options.entry,
    logFile,
    argv: [
      'node',
      `--node-name=${name}`,
      `--kubeconfig=${place.kubeconfig}`,
      `--netns-dir=${host.netnsDir}`,
      `--cni-cache-dir=${host.cacheDir}`,
      `--state-dir=${pathOf(folder, name)}`,
      `--cluster-name=${CLUSTER}`,
      ...(options.agentFlags ?? []),
    ],
    environment: { ...agentEnvironment(place), AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url },
    onReady: (isReady, port) => place.agentPods.tell({ app: 'eni-agent', node: name }, { isReady, port, logFile }),
    ...(options.onLine && { onLine: (line: string) => options.onLine?.(name, line) }),
  });
  return { ...instance, enis: [...enis], host, imds, agent };
}

/** The controller needs no instance of its own, only a node for its pod: region and credentials are in its environment. */
function controllerProcess(place: Place, node: string): AgentProcess {
  const { options, folder } = place;
  const logFile = pathOf(folder, 'logs', 'controller.log');
  return new AgentProcess({
    entry: options.entry,
    logFile,
    argv: [
      'controller',
      `--kubeconfig=${place.kubeconfig}`,
      `--cluster-name=${CLUSTER}`,
      '--lease-namespace=kube-system',
      ...(options.controllerFlags ?? []),
    ],
    environment: { ...agentEnvironment(place), AWS_EC2_METADATA_DISABLED: 'true' },
    onReady: (isReady, port) => place.agentPods.tell({ app: 'eni-agent-controller', node }, { isReady, port, logFile }),
    ...(options.onLine && { onLine: (line: string) => options.onLine?.('controller', line) }),
  });
}

/** Everything an agent's AWS SDK would find on a node, and nothing of the caller's own AWS settings. */
function agentEnvironment({ options, ec2 }: Place): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_EC2: ec2.url,
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: ec2.url,
    AWS_ACCESS_KEY_ID: 'simulated',
    AWS_SECRET_ACCESS_KEY: 'simulated',
    ...options.host.environment,
    ...options.environment,
  };
}
