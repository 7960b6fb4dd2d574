import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkPort } from '../../../agent/node-links/node-links.ts';
import { mac } from '../../../lib/model/eni.ts';
import { type HostDevice, WorldHost } from './host.ts';
import { NodeAddresses } from './node-addresses.ts';
import { startWorldAgent, type WorldAgent } from './node-agent.ts';
import type { VirtualProcess } from './process.ts';
import type { Surroundings, WorldSubnet } from './surroundings.ts';

export interface WorldPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export interface Attachment {
  readonly interface: string;
  readonly ips: readonly string[];
  /** @default eth1 */
  readonly device?: string;
}

export interface WorldPodSpec {
  readonly name: string;
  readonly namespace?: string;
  readonly podIp: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly attachments?: readonly Attachment[];
}

/**
 * CNI ADD as it really goes (FACTS §12), ms: for each attachment the kernel has the addresses, then libcni writes the cache file, then
 * comes the next attachment; after the last one network-status; then the containers start.
 */
const ADD_ORDER = { cacheFile: 15, nextAttachment: 20, status: 25, running: 200 } as const;

/** One machine: its instance in EC2, its kernel and disk, its pods, and the agent's process that comes and goes. */
export class WorldNode {
  readonly name: string;
  readonly instanceId: string;
  readonly host: WorldHost;
  readonly addresses: NodeAddresses;
  takeover: 'declared' | 'any' = 'declared';
  /** Set before the agent starts where a NodeENI gives this node its interfaces. */
  links: LinkPort | undefined;
  readonly #world: Surroundings;
  readonly #pods = new Map<string, WorldPod>();
  #stateDir: string;
  #isOff = false;
  #agent: { readonly agent: WorldAgent; readonly process: VirtualProcess } | undefined;

  constructor(
    world: Surroundings,
    name: string,
    { multus, type, subnet }: { readonly multus: number; readonly type: string; readonly subnet: WorldSubnet },
  ) {
    this.#world = world;
    this.name = name;
    this.instanceId = `i-${name}`;
    this.#stateDir = join(world.folder, name);
    mkdirSync(this.#stateDir, { recursive: true });
    const { cloud } = world;
    const { primary } = cloud.addInstance({ id: this.instanceId, type, subnetId: subnet.id });
    cloud.createTags({
      resources: [primary.id],
      tags: [{ key: 'node.k8s.amazonaws.com/instance_id', value: this.instanceId }],
    });
    const devices: HostDevice[] = [];
    for (let index = 1; index <= multus; index += 1) {
      const eni = cloud.addInterface({
        id: this.eni(index),
        subnetId: subnet.id,
        instanceId: this.instanceId,
        deviceIndex: index,
        tags: { 'node.k8s.amazonaws.com/no_manage': 'true' },
      });
      devices.push({ name: `eth${index}`, mac: mac(eni.mac) });
    }
    this.host = new WorldHost(world.clock, devices);
    this.addresses = new NodeAddresses([{ name: 'eth0', mac: mac(primary.mac) }, ...devices]);
    world.kubelet.createNode({
      name,
      providerID: `aws:///${subnet.zone}/${this.instanceId}`,
      labels: { 'topology.kubernetes.io/zone': subnet.zone },
      internalIP: primary.addresses[0]?.ip ?? '',
    });
  }

  eni(index = 1): string {
    return `eni-${this.name}-${index}`;
  }

  get primaryEni(): string {
    const [primary] = this.#world.cloud.state.interfacesOf(this.instanceId, this.#world.clock.now());
    return primary?.id ?? '';
  }

  get pods(): readonly WorldPod[] {
    return [...this.#pods.values()];
  }

  get agent(): WorldAgent | undefined {
    return this.#agent?.agent;
  }

  get process(): VirtualProcess | undefined {
    return this.#agent?.process;
  }

  /** Starts the agent; on a machine that is switched off nothing starts. */
  start(): void {
    if (this.#isOff) return;
    const { process, parts, kube, ec2 } = this.#world.spawn(`agent-${this.name}`);
    const { host, name: nodeName, instanceId, takeover, links } = this;
    const machine = { host, kernel: this.addresses.kernelFor(process), stateDir: this.#stateDir, links };
    const agent = startWorldAgent({ process: parts, kube, ec2, machine, nodeName, instanceId, takeover });
    this.#agent = { agent, process };
  }

  /** A power cut: the agent is gone and with it all that the kernel had. The instance stays in EC2, as when a kernel hangs. */
  powerOff(): void {
    this.#isOff = true;
    if (this.#agent !== undefined) this.kill();
    this.addresses.clear();
  }

  powerOn(): void {
    this.#isOff = false;
    this.start();
  }

  /** SIGKILL; the disk is as it is at this instant. */
  kill(): void {
    this.#agent?.process.kill();
    this.noteKilled();
  }

  /** The process was killed by a fault of a call. */
  noteKilled(): void {
    this.#stateDir = this.#world.copyOf(this.#stateDir);
    this.abandon();
  }

  abandon(): void {
    this.#agent?.agent.abandon();
    this.#agent = undefined;
  }

  /** The host folder of the agent's state is lost. */
  loseState(): void {
    this.#stateDir = join(this.#world.folder, `${this.name}-lost-${this.#world.clock.now()}`);
    mkdirSync(this.#stateDir, { recursive: true });
  }

  async stop(): Promise<void> {
    await this.#agent?.agent.stop();
    this.#agent = undefined;
  }

  /** A pod is scheduled here and gets its addresses, each source hearing of them in the real order. */
  runPod({
    name,
    namespace = 'default',
    podIp,
    annotations = {},
    labels = {},
    attachments = [],
  }: WorldPodSpec): WorldPod {
    const { kubelet, clock, cloud } = this.#world;
    const networks = attachments.map(({ device = 'eth1' }) => `${namespace}/ipvlan-${device}`).join(', ');
    const created = kubelet.createPod({
      name,
      namespace,
      node: this.name,
      labels: { ...labels },
      annotations: { ...(networks && { 'k8s.v1.cni.cncf.io/networks': networks }), ...annotations },
    });
    const pod: WorldPod = { name, namespace, uid: String(created.metadata.uid) };
    this.#pods.set(`${namespace}/${name}`, pod);
    this.host.addSandbox(pod);
    // The primary network's address, as the VPC CNI has it on its ENI.
    if (this.#world.holderOf(podIp) !== this.primaryEni) {
      cloud.assignPrivateIpAddresses({
        networkInterfaceId: this.primaryEni,
        privateIpAddresses: [podIp],
        allowReassignment: true,
      });
    }
    const exists = () => this.#pods.get(`${namespace}/${name}`) === pod;
    const step = (ms: number, act: () => void) => clock.after(ms, () => void (exists() && act()));
    let at = 0;
    for (const { interface: ifName, ips, device } of attachments) {
      const below = this.#device(device);
      step(at, () => {
        for (const address of ips) this.host.addAddress(pod.uid, ifName, address);
      });
      step(at + ADD_ORDER.cacheFile, () => this.host.writeCacheFile(pod.uid, ifName, ips, below));
      at += ADD_ORDER.nextAttachment;
    }
    const status = attachments.map(({ interface: ifName, ips, device }) => ({
      name: `${namespace}/ipvlan-${this.#device(device).name}`,
      interface: ifName,
      ips: [...ips],
      mac: this.#device(device).mac,
    }));
    if (status.length > 0) step(at + ADD_ORDER.status, () => void kubelet.setNetworkStatus(name, status, namespace));
    step(at + ADD_ORDER.status + ADD_ORDER.running, () => void kubelet.run(name, podIp, namespace));
    return pod;
  }

  #device(name = 'eth1'): HostDevice {
    const device = this.host.devices.find((candidate) => candidate.name === name);
    if (device === undefined) throw new Error(`no device ${name} on ${this.name}`);
    return device;
  }

  /** A running pod adds an address to its own interface. */
  addAddress(pod: WorldPod, address: string, ifName = 'net1'): void {
    this.host.addAddress(pod.uid, ifName, address);
  }

  removeAddress(pod: WorldPod, address: string): void {
    this.host.removeAddress(pod.uid, address);
  }

  /** The pod ends: its namespace goes at CNI DEL, its object a moment later. */
  deletePod(name: string, namespace = 'default'): void {
    const key = `${namespace}/${name}`;
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    const { kubelet, clock } = this.#world;
    kubelet.delete(name, namespace);
    this.#pods.delete(key);
    clock.after(50, () => {
      this.host.removeSandbox(pod.uid);
      clock.after(50, () => kubelet.confirmDeletion(name, namespace));
    });
  }
}
