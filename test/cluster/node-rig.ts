import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import type { CallRecord } from '../../sim/ec2/endpoint.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import { unthrottled } from '../../sim/ec2/throttle.ts';
import { type ImdsServer, startImds } from '../../sim/imds/server.ts';
import { SpawnedAgent } from '../support/agent-process.ts';
import type { RealApiServer } from './kube-api-server.ts';

const SUBNETS = [
  { cidr: '10.77.0.0/24' },
  { cidr: '10.77.1.0/24', ipv6Cidr: '2001:db8:77:1::/64' },
  { cidr: '10.77.2.0/24', ipv6Cidr: '2001:db8:77:2::/64' },
] as const;
const VPC = { cidr: '10.77.0.0/16', ipv6Cidr: '2001:db8:77::/56' };

export interface RigEni {
  readonly id: string;
  readonly mac: string;
  /** The host's link with the MAC of the ENI. */
  readonly link: string;
}

export interface RigNode {
  readonly name: string;
  readonly instanceId: string;
  /** The Multus ENIs; index 1 and 2 are in 10.77.1.0/24 and 10.77.2.0/24, index 0 is the primary. */
  readonly enis: readonly RigEni[];
  readonly imds: ImdsServer;
  readonly folder: string;
  readonly netnsDir: string;
}

export interface RigPod {
  readonly name: string;
  readonly node: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What Multus writes, without the default network. */
  readonly networks?: readonly Readonly<Record<string, unknown>>[];
  readonly podIp?: string;
}

/** A real API server, a simulated EC2 with an IMDS for each node, and hand-made network namespaces, as plain parts. */
export class NodeRig {
  readonly cloud: Cloud;
  readonly nodes: RigNode[] = [];
  readonly agents: SpawnedAgent[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'eni-agent-rig-'));
  readonly #namespaces: string[] = [];
  readonly #links: string[] = [];
  readonly #subnets: string[];
  #serial = 0;
  readonly api: RealApiServer;
  readonly ec2: Ec2Server;
  readonly kube: KubeClient;

  private constructor(api: RealApiServer, ec2: Ec2Server) {
    this.cloud = ec2.endpoint.cloud;
    this.api = api;
    this.ec2 = ec2;
    this.kube = createKubeClient({ connection: api.connection, clock: systemClock() });
    const vpc = this.cloud.addVpc(VPC);
    this.#subnets = SUBNETS.map((subnet) => this.cloud.addSubnet({ vpcId: vpc.id, ...subnet }).id);
    for (const [name, { server }] of [['direct', api.connection] as const, ['linked', api.link.connection] as const]) {
      writeFileSync(join(this.folder, name), kubeconfigFor(server));
    }
  }

  /** On an API server that rigs use one after the other: its start takes longer than most tests. */
  static async open(api: RealApiServer): Promise<NodeRig> {
    const ec2 = await startEc2Server({ cloud: new Cloud(), throttle: unthrottled });
    return new NodeRig(api, ec2);
  }

  async addNode(options: { type?: string; links?: boolean; multus?: readonly number[] } = {}): Promise<RigNode> {
    this.#serial += 1;
    const name = `node-${this.#serial}`;
    const [primarySubnet = '', ...rest] = this.#subnets;
    const { type = 'm5.4xlarge', links = false, multus = [1, 2] } = options;
    const { instance, primary } = this.cloud.addInstance({ type, subnetId: primarySubnet });
    const multusEnis = multus.map((index) =>
      this.cloud.addInterface({ subnetId: rest[index - 1] ?? '', instanceId: instance.id }),
    );
    const enis: RigEni[] = [];
    for (const { id, mac } of [primary, ...multusEnis]) {
      const link = `${process.pid.toString(36)}n${this.#serial}e${enis.length}`;
      if (links) await this.addLink(link, mac);
      enis.push({ id, mac, link });
    }
    const imds = await startImds({ cloud: this.cloud, instanceId: instance.id });
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const node = {
      name,
      instanceId: instance.id,
      enis,
      imds,
      folder,
      netnsDir: links ? '/run/netns' : join(folder, 'netns'),
    };
    this.nodes.push(node);
    const body = { metadata: { name }, spec: { providerID: `aws:///us-east-1a/${instance.id}` } };
    await this.kube.request({ method: 'POST', path: '/api/v1/nodes', body });
    return node;
  }

  async addLink(link: string, mac: string): Promise<void> {
    await execa('ip', ['link', 'add', link, 'address', mac, 'type', 'veth', 'peer', 'name', `${link}p`]);
    this.#links.push(link);
    for (const end of [link, `${link}p`]) await execa('ip', ['link', 'set', end, 'up']);
  }

  /** Starts an agent for the node; its flags may be added to and its environment replaced. */
  agent(
    node: RigNode,
    flags: readonly string[] = [],
    {
      command = 'node',
      environment = {},
      link = false,
    }: { command?: string; environment?: Record<string, string>; link?: boolean } = {},
  ): SpawnedAgent {
    const argv = [
      command,
      `--node-name=${node.name}`,
      `--kubeconfig=${join(this.folder, link ? 'linked' : 'direct')}`,
      `--netns-dir=${node.netnsDir}`,
      `--cni-cache-dir=${join(node.folder, 'results')}`,
      `--state-dir=${join(node.folder, 'state')}`,
      ...(command === 'node' ? ['--http-address=127.0.0.1:0'] : []),
      ...flags,
    ];
    const agent = new SpawnedAgent(argv, { environment: { ...this.environment(node), ...environment } });
    this.agents.push(agent);
    return agent;
  }

  environment(node: RigNode): Record<string, string> {
    return {
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: this.ec2.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: node.imds.url,
      AWS_ACCESS_KEY_ID: 'rig',
      AWS_SECRET_ACCESS_KEY: 'rig',
    };
  }

  /** A bound pod that runs; with its network-status when it has networks. */
  async createPod({ name, node, annotations = {}, networks, podIp }: RigPod): Promise<string> {
    const path = '/api/v1/namespaces/default/pods';
    const spec = { nodeName: node, containers: [{ name: 'main', image: 'pause' }] };
    const status = networks && {
      'k8s.v1.cni.cncf.io/network-status': JSON.stringify([
        { name: 'aws-cni', interface: 'eth0', ips: [podIp ?? '100.64.9.9'], default: true },
        ...networks,
      ]),
    };
    const body = { metadata: { name, annotations: { ...annotations, ...status } }, spec };
    const pod = await this.kube.request<{ metadata: { uid: string } }>({ method: 'POST', path, body });
    const phase = { status: { phase: 'Running', ...(podIp && { podIP: podIp, podIPs: [{ ip: podIp }] }) } };
    await this.patchPod(name, phase, 'status');
    return pod.metadata.uid;
  }

  async patchPod(name: string, body: object, part?: 'status'): Promise<void> {
    const path = `/api/v1/namespaces/default/pods/${name}${part ? `/${part}` : ''}`;
    await this.kube.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
  }

  async pod(name: string): Promise<KubePod> {
    return this.kube.request({ method: 'GET', path: `/api/v1/namespaces/default/pods/${name}` });
  }

  async deletePod(name: string): Promise<void> {
    const path = `/api/v1/namespaces/default/pods/${name}`;
    await this.kube.request({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
  }

  /** Condition of the pod that the agent writes. */
  async condition(name: string): Promise<{ status: string; reason: string; message: string } | undefined> {
    const { status } = await this.pod(name);
    return status.conditions?.find(({ type }) => type === 'eni-agent.io/AddressesAssigned');
  }

  /** A namespace as `ip netns add` makes it, with eth0 (veth) and one macvlan on the link of each ENI. */
  async createNamespace(
    podIp: string,
    attached: readonly { ifName: string; link: string; ips?: readonly string[] }[],
  ): Promise<string> {
    this.#serial += 1;
    const name = `cni-rig-${process.pid}-${this.#serial}`;
    await execa('ip', ['netns', 'add', name]);
    this.#namespaces.push(name);
    await execa('ip', [
      'link',
      'add',
      `${process.pid.toString(36)}v${this.#serial}`,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      name,
    ]);
    await this.inside(name, 'addr', 'add', `${podIp}/32`, 'dev', 'eth0');
    for (const { ifName, link, ips = [] } of attached) {
      await execa('ip', [
        'link',
        'add',
        'link',
        link,
        'name',
        ifName,
        'netns',
        name,
        'type',
        'macvlan',
        'mode',
        'bridge',
      ]);
      await this.inside(name, 'link', 'set', ifName, 'up');
      for (const address of ips) await this.inside(name, 'addr', 'add', address, 'dev', ifName);
    }
    return name;
  }

  /** `ip …` inside the namespace. */
  async inside(namespace: string, ...words: readonly string[]): Promise<string> {
    const { stdout } = await execa('nsenter', [`--net=/run/netns/${namespace}`, 'ip', ...words]);
    return stdout;
  }

  async deleteNamespace(name: string): Promise<void> {
    this.#namespaces.splice(this.#namespaces.indexOf(name), 1);
    await execa('ip', ['netns', 'del', name]);
  }

  /** Mutating calls, of this address or of any. */
  writes(address?: string): CallRecord[] {
    const about = ({ params }: CallRecord) => address === undefined || Object.values(params).includes(address);
    return this.ec2.calls.filter((call) => /^(Assign|Unassign)/.test(call.action) && about(call));
  }

  /** ENI that has the address now, by the state machine's own word. */
  holder(address: string): string | undefined {
    const { state } = this.cloud;
    return state
      .allInterfaces(state.now())
      .find(({ addresses, ipv6Addresses }) => [...addresses, ...ipv6Addresses].some(({ ip }) => ip === address))?.id;
  }

  /** Leaves the API server as it was found. */
  async #empty(): Promise<void> {
    this.api.link.mend();
    for (const path of ['/api/v1/namespaces/default/pods', '/api/v1/nodes']) {
      const { items } = await this.kube.request<{ items: { metadata: { name: string } }[] }>({ method: 'GET', path });
      const body = { gracePeriodSeconds: 0 };
      for (const { metadata } of items)
        await this.kube.request({ method: 'DELETE', path: `${path}/${metadata.name}`, body });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.end('SIGKILL')));
    for (const name of this.#namespaces.toReversed()) await this.deleteNamespace(name);
    for (const link of this.#links) await execa('ip', ['link', 'del', link]);
    await this.#empty();
    await this.kube.close();
    await Promise.all([this.ec2.close(), ...this.nodes.map(({ imds }) => imds.close())]);
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}

export interface KubePod {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Record<string, string>;
  };
  readonly status: {
    readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
  };
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token: 'admin-token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  });
}
