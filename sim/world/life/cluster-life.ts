import { builtIn } from '../../kube/kubelet.ts';
import { isRecord, type KubeObject } from '../../kube/object.ts';
import type { Family } from '../addresses.ts';
import type { WorldEni } from '../topology.ts';
import type { World } from '../world.ts';
import type { WorldNode } from '../world-node.ts';
import type { WorldPod } from '../world-pod.ts';
import { attachmentsOf, placeOn } from './attachments.ts';
import { reconcileWorkloads } from './workloads.ts';

/** What stands for `kubectl exec POD -- ip addr add ADDRESS dev IF` here: `net1=10.10.1.100`, several comma-separated. */
const ADD_ADDRESSES = 'demo.eni-agent.io/ip-addr-add';
const WATCHED = /^(?:pods|deployments\.apps|statefulsets\.apps|nodes)$/;

const NETWORKS = 'network-attachment-definitions.k8s.cni.cncf.io';

/** Where a network of a pod would be on a node. */
interface Place {
  readonly eni: WorldEni;
  readonly families: readonly Family[];
  readonly definition: string;
  readonly ifName: string;
}

/**
 * Scheduler, kubelets and the controllers of workloads for whatever people make with kubectl. Level-based: after each change the whole
 * cluster is looked at, one look at a time.
 */
export class ClusterLife {
  readonly #world: World;
  readonly #onFault: (error: unknown) => void;
  readonly #unschedulable = new Set<string>();
  #dirty = false;
  #looking: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(world: World, onFault: (error: unknown) => void) {
    this.#world = world;
    this.#onFault = onFault;
  }

  start(): void {
    this.#unsubscribe = this.#world.kube.store.hub.subscribe(({ storage }) => {
      if (WATCHED.test(storage)) this.#trigger();
    });
    this.#trigger();
  }

  /** Resolves when no look is under way any more. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#looking;
  }

  #trigger(): void {
    this.#dirty = true;
    this.#looking ??= this.#lookUntilClean().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookUntilClean(): Promise<void> {
    // The change that triggered us is not finished for those who hear of it after us.
    await Promise.resolve();
    while (this.#dirty) {
      this.#dirty = false;
      await this.#look().catch(this.#onFault);
    }
  }

  async #look(): Promise<void> {
    const { kube, pods } = this.#world;
    reconcileWorkloads(kube);
    for (const pod of pods.running())
      if (kube.store.get('pods', pod.namespace, pod.name) === undefined) await pods.lose(pod);
    for (const pod of kube.store.list('pods')) {
      const running = this.#running(pod);
      if (pod.metadata.deletionTimestamp !== undefined) await this.#end(pod, running);
      else if (running !== undefined) await this.#setAddresses(pod, running);
      else if (pod.spec?.['nodeName'] === undefined) this.#schedule(pod);
      else if (pod.status?.['phase'] !== 'Running') await this.#start(pod);
    }
  }

  #running({ metadata }: KubeObject): WorldPod | undefined {
    return this.#world.pods
      .running()
      .find(({ name, namespace }) => name === metadata.name && namespace === metadata.namespace);
  }

  async #end({ metadata }: KubeObject, running: WorldPod | undefined): Promise<void> {
    if (running !== undefined) await this.#world.pods.end(running);
    else this.#world.kubelet.confirmDeletion(metadata.name, metadata.namespace);
  }

  /** The node that fits and has the fewest pods of this kind, then the fewest at all. */
  #schedule(pod: KubeObject): void {
    const { nodes, kubelet, pods } = this.#world;
    const fitting = nodes.filter((node) => this.#fits(pod, node));
    if (fitting.length === 0) return this.#tellUnschedulable(pod);
    const load = (node: WorldNode) => {
      const here = pods.running().filter((other) => other.node === node);
      const bound = this.#world.kube.store.list('pods').filter(({ spec }) => spec?.['nodeName'] === node.name);
      const alike = bound.filter(({ metadata }) => metadata.labels?.['app'] === pod.metadata.labels?.['app']);
      return (pod.metadata.labels?.['app'] === undefined ? 0 : alike.length * 1_000) + here.length;
    };
    const [best] = fitting.toSorted((a, b) => load(a) - load(b));
    if (best !== undefined) kubelet.bind(pod.metadata.name, best.name, pod.metadata.namespace);
  }

  #fits(pod: KubeObject, node: WorldNode): boolean {
    const object = this.#world.kube.store.get('nodes', undefined, node.name);
    const selector = isRecord(pod.spec?.['nodeSelector']) ? pod.spec['nodeSelector'] : {};
    const labels = object?.metadata.labels ?? {};
    return (
      node.agent.running &&
      object?.spec?.['unschedulable'] !== true &&
      Object.entries(selector).every(([key, value]) => key === 'kubernetes.io/os' || labels[key] === value) &&
      this.#places(pod, node) !== undefined
    );
  }

  /** Undefined where the node lacks an ENI for one of them, or a network does not exist (yet). */
  #places(pod: KubeObject, node: WorldNode): readonly Place[] | undefined {
    const places = attachmentsOf(pod).map(({ namespace, network, ifName }): Place | undefined => {
      const definition = this.#world.kube.store.get(NETWORKS, namespace, network);
      const place = placeOn(node, definition);
      return place && { ...place, definition: network, ifName };
    });
    const found = places.filter((place) => place !== undefined);
    return found.length === places.length ? found : undefined;
  }

  async #start(pod: KubeObject): Promise<void> {
    const { nodes, pods, addresses } = this.#world;
    const node = nodes.find(({ name }) => name === pod.spec?.['nodeName']);
    if (node === undefined) return;
    const places = this.#places(pod, node);
    if (places === undefined) return this.#tellUnschedulable(pod);
    const networks = places.map(({ families, ...place }) => ({
      ...place,
      ips: families.map((family) => addresses.take(place.eni.subnet, family)),
    }));
    const { name, namespace = 'default', uid } = pod.metadata;
    await pods.adopt({ name, namespace, node, networks }, uid);
  }

  async #setAddresses(pod: KubeObject, running: WorldPod): Promise<void> {
    const wanted = (pod.metadata.annotations?.[ADD_ADDRESSES] ?? '').split(',').filter(Boolean);
    const pairs = wanted
      .map((text) => text.trim().split('='))
      .map(([ifName = '', address = '']) => ({ ifName, address }));
    for (const { ifName, ips } of running.networks) {
      const now = running.addresses.get(ifName) ?? new Set();
      const extra = new Set(pairs.filter((pair) => pair.ifName === ifName).map(({ address }) => address));
      for (const address of extra) if (!now.has(address)) await this.#world.pods.addAddress(running, ifName, address);
      if (pod.metadata.annotations?.[ADD_ADDRESSES] === undefined) continue;
      for (const address of now)
        if (!extra.has(address) && !ips.includes(address))
          await this.#world.pods.removeAddress(running, ifName, address);
    }
  }

  /** Once for each pod, as the scheduler says it. */
  #tellUnschedulable({ metadata }: KubeObject): void {
    if (this.#unschedulable.has(metadata.uid)) return;
    this.#unschedulable.add(metadata.uid);
    const { name, namespace = 'default', uid } = metadata;
    this.#world.kube.api.create(builtIn('events'), namespace, {
      metadata: { generateName: `${name}.` },
      type: 'Warning',
      reason: 'FailedScheduling',
      message: 'no node of the demo is ready and has an ENI in the subnets of all networks of this pod',
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      lastTimestamp: new Date().toISOString(),
    });
  }
}
