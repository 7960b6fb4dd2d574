import type { Family } from '../../sim/world/addresses.ts';
import { addressAt } from '../../sim/world/addresses.ts';
import { patchNode } from '../../sim/world/patch-node.ts';
import type { WorldEni } from '../../sim/world/topology.ts';
import type { World } from '../../sim/world/world.ts';
import type { WorldNode } from '../../sim/world/world-node.ts';
import type { WorldPod } from '../../sim/world/world-pod.ts';

/** Pods of each node besides its router: always as many, so that what the agents hold can be compared over time. */
const PODS_PER_NODE = 6;
/** Of pods whose Multus address has an Elastic IP. */
const EIP_SHARE = 0.25;
/** The last part of the addresses that IPAM hands out, and of those that float between the routers. */
const POOL = { first: 20, last: 180 } as const;
const VIP_NUMBERS = [200, 201] as const;
/** The FloatingIP, and the last part of its address, in the subnet in which each node has an ENI for node-level addresses. */
const EDGE = 'edge';
const EDGE_SUBNET = 'green';
const EDGE_NUMBER = 210;

export interface Deeds {
  readonly podsReplaced: number;
  readonly vipMoves: number;
  readonly cordons: number;
}

function edgeAddress(nodes: readonly WorldNode[]): string {
  const green = nodes.flatMap(({ enis }) => enis).find(({ subnet }) => subnet.name === EDGE_SUBNET);
  if (green === undefined) throw new Error(`no node has an ENI in ${EDGE_SUBNET}, where the FloatingIP belongs`);
  return addressAt(green.subnet, 4, EDGE_NUMBER);
}

/**
 * People and schedulers of a busy cluster: pods are replaced on all nodes and get each other's addresses (whereabouts hands the lowest
 * free one to whoever asks next), some with Elastic IPs; virtual addresses move between routers; nodes are cordoned under a FloatingIP.
 */
export class Tenants {
  readonly #world: World;
  readonly #random: () => number;
  readonly #pods = new Map<WorldNode, WorldPod[]>();
  readonly #routers: WorldPod[] = [];
  readonly #publicAddresses = new Map<WorldPod, string>();
  readonly #vipHolder = new Map<string, WorldPod>();
  readonly #used = new Set<string>();
  readonly deeds = { podsReplaced: 0, vipMoves: 0, cordons: 0 };
  #serial = 0;

  constructor(world: World, random: () => number) {
    this.#world = world;
    this.#random = random;
  }

  /** Addresses that must have an Elastic IP now. */
  publicAddresses(): ReadonlySet<string> {
    return new Set(this.#publicAddresses.values());
  }

  async populate(): Promise<void> {
    const { nodes, floatingIps } = this.#world;
    floatingIps.create({ name: EDGE, addresses: [edgeAddress(nodes)] });
    for (const node of nodes) {
      this.#routers.push(await this.#startRouter(node));
      const pods: WorldPod[] = [];
      this.#pods.set(node, pods);
      for (let count = 0; count < PODS_PER_NODE; count += 1) pods.push(await this.#startPod(node));
    }
  }

  /** One thing that happens. */
  async act(): Promise<void> {
    const roll = this.#random();
    if (roll < 0.6) await this.#swapPods();
    else if (roll < 0.95) await this.#moveVip();
    else this.#cordon();
  }

  /** Everything ends; the FloatingIP stays. */
  async leave(): Promise<void> {
    for (const pods of this.#pods.values()) for (const pod of pods) await this.#end(pod);
    for (const router of this.#routers) await this.#world.pods.end(router);
  }

  /** Two pods end and two others start, each on the node of the other, so that the addresses change nodes. */
  async #swapPods(): Promise<void> {
    const [one, other] = [this.#pick([...this.#pods.keys()]), this.#pick([...this.#pods.keys()])];
    const ended = new Set<WorldPod>();
    for (const node of [one, other]) {
      const pods = this.#podsOf(node);
      const [pod] = pods.splice(Math.floor(this.#random() * pods.length), 1);
      if (pod !== undefined) ended.add(pod);
    }
    for (const pod of ended) await this.#end(pod);
    for (const node of [other, one]) this.#podsOf(node).push(await this.#startPod(node));
    this.deeds.podsReplaced += 2;
  }

  /** The new holder adds it before or after the old one removes it, as VRRP does. */
  async #moveVip(): Promise<void> {
    const { pods } = this.#world;
    const vip = this.#pick(this.#vips());
    const before = this.#vipHolder.get(vip);
    const next = this.#pick(this.#routers.filter((router) => router !== before));
    const overlaps = this.#random() < 0.5;
    if (before !== undefined && !overlaps) await pods.removeAddress(before, 'net1', vip);
    await pods.addAddress(next, 'net1', vip);
    if (before !== undefined && overlaps) await pods.removeAddress(before, 'net1', vip);
    this.#vipHolder.set(vip, next);
    this.deeds.vipMoves += 1;
  }

  #cordon(): void {
    const { kube, floatingIps, nodes } = this.#world;
    const holder = floatingIps.list().find(({ name }) => name === EDGE)?.node;
    for (const { name } of nodes) patchNode(kube, name, { spec: { unschedulable: name === holder } });
    this.deeds.cordons += 1;
  }

  #startRouter(node: WorldNode): Promise<WorldPod> {
    const eni = eniAt(node, 0);
    const annotations = { 'eni-agent.io/floating-ips': this.#vips().join(',') };
    const networks = [{ ifName: 'net1', eni, ips: [this.#free(eni, 4)] }];
    return this.#world.pods.start({ name: `router-${node.name}`, node, annotations, networks });
  }

  async #startPod(node: WorldNode): Promise<WorldPod> {
    this.#serial += 1;
    const eni = eniAt(node, this.#random() < 0.5 ? 0 : 1);
    const address = this.#free(eni, 4);
    const families = eni.subnet.ipv6Cidr !== undefined && this.#random() < 0.3 ? [this.#free(eni, 6)] : [];
    const isPublic = this.#random() < EIP_SHARE;
    const pod = await this.#world.pods.start({
      name: `pod-${this.#serial}`,
      node,
      networks: [{ ifName: 'net1', eni, ips: [address, ...families] }],
      ...(isPublic && { annotations: { 'eni-agent.io/eip': 'net1=auto' } }),
    });
    if (isPublic) this.#publicAddresses.set(pod, address);
    return pod;
  }

  async #end(pod: WorldPod): Promise<void> {
    await this.#world.pods.end(pod);
    this.#publicAddresses.delete(pod);
    for (const { ips } of pod.networks) for (const address of ips) this.#used.delete(address);
  }

  #free({ subnet }: WorldEni, family: Family): string {
    for (let number = POOL.first; number <= POOL.last; number += 1) {
      const address = addressAt(subnet, family, number);
      if (this.#used.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new Error(`subnet ${subnet.name} has no free address`);
  }

  /** IPv4 and IPv6, in the subnet of the routers. */
  #vips(): string[] {
    const [node] = this.#world.nodes;
    if (node === undefined) throw new Error('a world without nodes');
    const { subnet } = eniAt(node, 0);
    return VIP_NUMBERS.flatMap((number) => [addressAt(subnet, 4, number), addressAt(subnet, 6, number)]);
  }

  #podsOf(node: WorldNode): WorldPod[] {
    return this.#pods.get(node) ?? [];
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.#random() * choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }
}

function eniAt(node: WorldNode, index: number): WorldEni {
  const eni = node.enis[index];
  if (eni === undefined) throw new Error(`${node.name} has no Multus ENI ${index}`);
  return eni;
}
