import { pace } from '../host/cni-pace.ts';
import type { HostPod, HostWorld } from '../host/host-world.ts';
import type { FakeKubelet, NetworkStatus } from '../kube/kubelet.ts';
import { withPrefix } from './addresses.ts';
import type { WorldNode } from './world-node.ts';
import { eniUnder, type PodPlan, type WorldPod } from './world-pod.ts';

/** Scheduler, kubelet, container runtime and Multus for whole pods, and the record of which addresses they have. */
export class Pods {
  readonly #kubelet: FakeKubelet;
  readonly #host: HostWorld;
  readonly #running = new Set<WorldPod>();
  #serial = 0;

  constructor(kubelet: FakeKubelet, host: HostWorld) {
    this.#kubelet = kubelet;
    this.#host = host;
  }

  running(): WorldPod[] {
    return [...this.#running];
  }

  async start(plan: PodPlan): Promise<WorldPod> {
    const { name, namespace = 'default', node, labels, annotations } = plan;
    const created = this.#kubelet.createPod({
      name,
      namespace,
      node: node.name,
      labels: { ...labels },
      annotations: { ...annotations },
    });
    return this.adopt(plan, created.metadata.uid);
  }

  /** Brings up a pod that is bound to its node, in the order of a real one: CNI ADD does its work, Multus writes network-status, it runs. */
  async adopt(plan: PodPlan, uid: string): Promise<WorldPod> {
    const { name, namespace = 'default', node, networks, onlyInApi = false } = plan;
    this.#serial += 1;
    const podIp = plan.podIp ?? `100.64.${this.#serial >> 8}.${this.#serial & 255}`;
    const host = onlyInApi ? undefined : await this.#sandbox(plan, uid, podIp);
    const addresses = new Map(networks.map(({ ifName, ips }) => [ifName, new Set(ips)]));
    const knownAt = host?.seenAt ?? Date.now();
    const pod: WorldPod = { name, namespace, node, networks, host, addresses, knownAt };
    this.#running.add(pod);
    if (host !== undefined) await pace('cache to status');
    this.#kubelet.setNetworkStatus(name, networkStatus(pod, podIp), namespace);
    this.#kubelet.run(name, podIp, namespace);
    return pod;
  }

  /** Adds an address inside the running pod, as keepalived does. Returns the epoch ms just before. */
  async addAddress(pod: WorldPod, ifName: string, address: string): Promise<number> {
    const at = Date.now();
    pod.addresses.get(ifName)?.add(address);
    if (pod.host) await this.#host.addAddress(pod.host, ifName, withPrefix(address, eniUnder(pod, ifName)));
    return at;
  }

  async removeAddress(pod: WorldPod, ifName: string, address: string): Promise<void> {
    pod.addresses.get(ifName)?.delete(address);
    if (pod.host) await this.#host.deleteAddress(pod.host, ifName, withPrefix(address, eniUnder(pod, ifName)));
  }

  /** Ends a pod cleanly: asked for, taken down, confirmed. */
  async end(pod: WorldPod): Promise<void> {
    this.#running.delete(pod);
    this.#kubelet.delete(pod.name, pod.namespace);
    if (pod.host) await this.#host.deletePod(pod.host);
    this.#kubelet.confirmDeletion(pod.name, pod.namespace);
  }

  /** What the death of a node does to its pods: they are gone, and for now the API server does not know it. */
  async vanish(node: WorldNode): Promise<WorldPod[]> {
    const lost = this.running().filter((pod) => pod.node === node);
    for (const pod of lost) await this.lose(pod);
    return lost;
  }

  /** Takes down what is left of a pod that the API server does not know any more, or not yet as gone. */
  async lose(pod: WorldPod): Promise<void> {
    this.#running.delete(pod);
    if (pod.host) await this.#host.deletePod(pod.host);
  }

  /** The API server learns that the pods are gone. */
  forget(lost: readonly WorldPod[]): void {
    for (const { name, namespace } of lost) this.#kubelet.confirmDeletion(name, namespace);
  }

  #sandbox({ name, namespace = 'default', node, networks }: PodPlan, uid: string, podIp: string): Promise<HostPod> {
    return this.#host.createPod(node.host, {
      namespace,
      name,
      uid,
      podIps: [`${podIp}/32`],
      networks: networks.map(({ ifName, eni, ips }) => ({
        ifName,
        master: eni.link,
        ips: ips.map((address) => withPrefix(address, eni)),
      })),
    });
  }
}

function networkStatus({ host, namespace, networks }: WorldPod, podIp: string): NetworkStatus[] {
  const attached = networks.map(({ ifName, eni, ips, definition = eni.subnet.name }) => ({
    name: `${namespace}/${definition}`,
    interface: ifName,
    ips: [...ips],
    mac: host?.interfaces.find((link) => link.ifName === ifName)?.mac ?? eni.mac,
  }));
  return [{ name: 'aws-cni', interface: 'eth0', ips: [podIp], default: true }, ...attached];
}
