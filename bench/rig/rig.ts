import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostNode, HostWorld } from '../../sim/host/host-world.ts';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { AgentProcess, type AgentProcessOptions } from '../../sim/world/agent-process.ts';
import type { WorldEni } from '../../sim/world/topology.ts';
import { RemoteCloud } from './cloud.ts';
import { type Cluster, createNode, openCluster } from './cluster.ts';

/** The program under test: built by `npm run build`. */
export const BUNDLE = join(import.meta.dirname, '../../dist/eni-agent.mjs');

export interface RigOptions {
  /** Multus ENIs of the node; each has room for 49 addresses. @default 3 */
  readonly enis?: number;
  readonly flags?: readonly string[];
  /** Where the agent finds the API server, when not directly. */
  readonly kubeconfig?: (cluster: Cluster) => Promise<string>;
}

/** One node: EC2, API server and agent in processes of their own, as on a real one. */
export interface Rig extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly cloud: RemoteCloud;
  readonly host: HostWorld;
  /** Why pod namespaces are files here; undefined when they are real. */
  readonly noNamespaces: string | undefined;
  readonly node: HostNode;
  readonly enis: readonly WorldEni[];
  readonly agent: AgentProcess;
  /** For another agent with the same node and files, after this one has ended. */
  readonly agentOptions: AgentProcessOptions;
  /** Holds the agent's state and log. */
  readonly folder: string;
  /** A Multus address that nobody has yet, and its ENI: ENIs take turns. */
  nextAddress(): { readonly address: string; readonly eni: WorldEni };
}

export const NODE = 'bench-node';

/** Opens a rig for as long as the work takes. */
export async function withRig<T>(options: RigOptions, work: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await openRig(options);
  try {
    return await work(rig);
  } finally {
    await rig[Symbol.asyncDispose]();
  }
}

async function openRig(options: RigOptions = {}): Promise<Rig> {
  const { enis = 3, flags = [] } = options;
  const possible = await canUseRealNamespaces();
  const host: HostWorld = possible === true ? new RealHost() : new StandInHost();
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-bench-'));
  const cluster = await openCluster();
  const cloud = await RemoteCloud.open(topologyOf(enis));
  const [instance] = cloud.instances;
  if (instance === undefined) throw new Error('the topology has one node');
  await createNode(cluster, NODE, `aws:///us-east-1a/${instance.instanceId}`);
  const node = await host.createNode(
    NODE,
    instance.enis.map(({ link, mac }) => ({ name: link, mac })),
  );
  const agentOptions = {
    entry: BUNDLE,
    argv: [
      'node',
      `--node-name=${NODE}`,
      `--kubeconfig=${(await options.kubeconfig?.(cluster)) ?? cluster.kubeconfigPath}`,
      `--netns-dir=${node.netnsDir}`,
      `--cni-cache-dir=${node.cacheDir}`,
      `--state-dir=${join(folder, 'state')}`,
      ...flags,
    ],
    environment: { ...agentEnvironment(cloud.ec2Url, instance.imdsUrl), ...host.environment },
    logFile: join(folder, 'agent.log'),
  };
  const agent = new AgentProcess(agentOptions);
  let taken = 0;
  const nextAddress = () => {
    const eni = instance.enis[taken % enis];
    if (eni === undefined) throw new Error('unreachable: the remainder is an index');
    const number = 10 + Math.floor(taken / enis);
    taken += 1;
    return { eni, address: eni.subnet.cidr.replace(/\.0\/.*$/, `.${number}`) };
  };
  const close = async () => {
    await agent.close();
    await host.close();
    await cloud[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const noNamespaces = possible === true ? undefined : possible;
  const parts = { cluster, cloud, host, node, agent, agentOptions, folder, noNamespaces, nextAddress };
  return { ...parts, enis: instance.enis, [Symbol.asyncDispose]: close };
}

/** What the image sets (daemonset/image, Dockerfile), with the addresses of this rig. Nothing of the caller's own AWS settings. */
function agentEnvironment(ec2Url: string, imdsUrl: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    NODE_ENV: 'production',
    NODE_OPTIONS: '--max-semi-space-size=1 --v8-pool-size=1',
    MALLOC_TRIM_THRESHOLD_: '131072',
    NODE_COMPILE_CACHE: join(tmpdir(), 'eni-agent-bench-compile-cache'),
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_EC2: ec2Url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: imdsUrl,
    AWS_ACCESS_KEY_ID: 'simulated',
    AWS_SECRET_ACCESS_KEY: 'simulated',
  };
}

/** One node whose Multus ENIs are in a subnet each. */
function topologyOf(enis: number) {
  const names = Array.from({ length: enis }, (_, index) => `multus-${index + 1}`);
  const multus = names.map((name, index) => [name, { cidr: `10.30.${index + 1}.0/24` }] as const);
  return {
    vpc: { cidr: '10.30.0.0/16', ipv6Cidr: '2001:db8:30::/56' },
    subnets: { primary: { cidr: '10.30.0.0/24' }, ...Object.fromEntries(multus) },
    nodes: [{ name: NODE, type: 'm5.24xlarge', primary: 'primary', multus: names }],
  };
}
