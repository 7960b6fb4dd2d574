import { parseCniCache } from '../../../lib/model/addresses/cni.ts';
import type { CachedAttachment, LiveNamespace } from '../../../lib/model/addresses/observation.ts';
import type { Mac } from '../../../lib/model/eni.ts';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import type { HostLinks } from '../../../lib/plan/addresses/claims.ts';
import type { VirtualClock } from '../virtual-clock.ts';

export interface HostPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface LiveAddress {
  readonly interface: string;
  readonly ip: IpAddress;
  readonly since: number;
}

interface Sandbox {
  readonly pod: HostPod;
  readonly netns: string;
  readonly addresses: LiveAddress[];
  readonly files: Map<string, string>;
}

/** A device of the node that Multus pods sit on, e.g. `eth1`. */
export interface HostDevice {
  readonly name: string;
  readonly mac: Mac;
}

/**
 * What a node's kernel and disk hold: pod namespaces and libcni's result files, as ipvlan on the given devices leaves them
 * (FACTS §4.6: children have their master's MAC; §5: the file's form). It outlives the agent's process; a reboot empties it.
 */
export class WorldHost {
  readonly devices: HostDevice[];
  /** Called when something changed that an agent would notice. */
  onChange: () => void = () => undefined;
  readonly #clock: VirtualClock;
  readonly #sandboxes = new Map<string, Sandbox>();
  #serial = 0;

  constructor(clock: VirtualClock, devices: readonly HostDevice[]) {
    this.#clock = clock;
    this.devices = [...devices];
  }

  /** A pod's network namespace, empty. */
  addSandbox(pod: HostPod): void {
    this.#serial += 1;
    this.#sandboxes.set(pod.uid, { pod, netns: `/run/netns/cni-${this.#serial}`, addresses: [], files: new Map() });
    this.onChange();
  }

  removeSandbox(uid: string): void {
    this.#sandboxes.delete(uid);
    this.onChange();
  }

  /** `ip addr add` inside the pod, or the plugin's at CNI ADD: the kernel has it now. */
  addAddress(uid: string, ifName: string, address: string): void {
    this.#sandbox(uid).addresses.push({ interface: ifName, ip: ip(address), since: this.#clock.now() });
    this.onChange();
  }

  removeAddress(uid: string, address: string): void {
    const { addresses } = this.#sandbox(uid);
    addresses.splice(0, addresses.length, ...addresses.filter((entry) => entry.ip !== ip(address)));
    this.onChange();
  }

  /** libcni writes the result of an attachment's ADD. */
  writeCacheFile(uid: string, ifName: string, ips: readonly string[], device: HostDevice): void {
    const { pod, netns, files } = this.#sandbox(uid);
    files.set(
      `/var/lib/cni/multus/results/${device.name}-${uid}-${ifName}`,
      cacheFile(pod, netns, ifName, ips, device),
    );
    this.onChange();
  }

  has(uid: string): boolean {
    return this.#sandboxes.has(uid);
  }

  /** Every address that a pod of this node has on an interface, whoever declared it. `before`: and had before that time. */
  liveAddresses(before = Number.POSITIVE_INFINITY): IpAddress[] {
    return Array.from(this.#sandboxes.values()).flatMap(({ addresses }) =>
      addresses.filter(({ since }) => since < before).map((entry) => entry.ip),
    );
  }

  attachments(): CachedAttachment[] {
    return Array.from(this.#sandboxes.values()).flatMap(({ files }) =>
      Array.from(files).flatMap(([file, text]) => parseCniCache(file, text).value),
    );
  }

  namespaces(): LiveNamespace[] {
    const [device] = this.devices;
    return Array.from(this.#sandboxes.values(), ({ netns, addresses }) => ({
      path: netns,
      interfaces: Array.from(
        Map.groupBy(addresses, (entry) => entry.interface),
        ([name, entries]) => ({
          name,
          mac: device?.mac,
          parentIndex: undefined,
          addresses: entries.map(({ ip: address, since }) => ({ ip: address, since })),
        }),
      ),
    }));
  }

  readonly links: HostLinks = {
    macOfName: (name) => this.devices.find((device) => device.name === name)?.mac,
    macOfIndex: () => undefined,
    nameOfMac: (mac) => this.devices.find((device) => device.mac === mac)?.name,
  };

  #sandbox(uid: string): Sandbox {
    const sandbox = this.#sandboxes.get(uid);
    if (sandbox === undefined) throw new Error(`no sandbox of ${uid}`);
    return sandbox;
  }
}

function cacheFile(pod: HostPod, netns: string, ifName: string, ips: readonly string[], device: HostDevice): string {
  const network = `ipvlan-${device.name}`;
  const conf = { cniVersion: '1.0.0', name: network, type: 'ipvlan', master: device.name, mode: 'l2' };
  return JSON.stringify({
    kind: 'cniCacheV1',
    containerId: `sandbox-${pod.uid}`,
    config: Buffer.from(JSON.stringify(conf)).toString('base64'),
    ifName,
    networkName: network,
    netns,
    cniArgs: [
      ['K8S_POD_NAMESPACE', pod.namespace],
      ['K8S_POD_NAME', pod.name],
      ['K8S_POD_UID', pod.uid],
    ],
    result: {
      cniVersion: '1.0.0',
      interfaces: [{ name: ifName, mac: device.mac, sandbox: netns }],
      ips: ips.map((address) => ({ interface: 0, address: address.includes(':') ? `${address}/64` : `${address}/20` })),
      dns: {},
    },
  });
}
