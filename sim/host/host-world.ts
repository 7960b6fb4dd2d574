/**
 * What tests, benchmarks and the demo need of a machine: nodes with ENIs, pods with Multus interfaces, and addresses that come and
 * go. Two implementations: `real.ts` on real network namespaces (root on Linux), `stand-in.ts` everywhere.
 * All simulated nodes share one machine, as agents in one kernel would: they tell their pods apart by folder and by name.
 */
export interface HostWorld {
  /** What an agent's environment must have in addition, e.g. the PATH to the stand-in's `ip`. */
  readonly environment: Readonly<Record<string, string>>;
  createNode(name: string, enis: readonly HostEni[]): Promise<HostNode>;
  /** EC2 has attached an interface: a link appears, and stays down until somebody sets it up, as on Amazon Linux 2023. */
  attach(eni: HostEni): Promise<void>;
  /** Does what CNI ADD does, in its order and at its pace: namespace, interfaces, addresses, 10–60 ms later the result in the cache. */
  createPod(node: HostNode, pod: HostPodSpec): Promise<HostPod>;
  addAddress(pod: HostPod, ifName: string, cidr: string): Promise<void>;
  deleteAddress(pod: HostPod, ifName: string, cidr: string): Promise<void>;
  /** `leaveCache`: CNI DEL failed, so that the cache keeps a stale result. */
  deletePod(pod: HostPod, options?: { readonly leaveCache?: boolean }): Promise<void>;
  /** Addresses without prefix length that the host itself has on this link. */
  addressesOn(link: string): Promise<readonly string[]>;
  /** What a loss of power does to a machine's own interfaces: addresses that were added to them are gone. */
  loseAddresses(node: HostNode): Promise<void>;
  close(): Promise<void>;
}

export interface HostEni {
  /** Name of the link, unique on the machine, at most 15 characters. */
  readonly name: string;
  readonly mac: string;
}

export interface HostNode {
  readonly name: string;
  /** For `--netns-dir`. */
  readonly netnsDir: string;
  /** For the CNI cache: Multus' results folder. */
  readonly cacheDir: string;
  readonly enis: readonly HostEni[];
}

export interface HostNetwork {
  readonly ifName: string;
  /** Name of the ENI under it. */
  readonly master: string;
  /** With prefix length, as in a CNI result. */
  readonly ips: readonly string[];
}

export interface HostPodSpec {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly networks: readonly HostNetwork[];
  /** Addresses of eth0, the primary network, with prefix length. */
  readonly podIps?: readonly string[];
}

export interface HostInterface {
  readonly ifName: string;
  readonly mac: string;
}

export interface HostPod extends HostPodSpec {
  readonly node: HostNode;
  /** Path of the bind mount in the node's folder. */
  readonly netns: string;
  readonly containerId: string;
  readonly interfaces: readonly HostInterface[];
  /** Epoch ms just before the kernel had the addresses: the first moment at which an agent could know them. */
  readonly seenAt: number;
  readonly cacheFiles: readonly string[];
}
