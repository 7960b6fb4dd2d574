import type { HostPod } from '../host/host-world.ts';
import type { WorldEni } from './topology.ts';
import type { WorldNode } from './world-node.ts';

export interface PodNetworkPlan {
  /** Name inside the pod. */
  readonly ifName: string;
  readonly eni: WorldEni;
  /** Of a NetworkAttachmentDefinition in `default`. @default the subnet's name */
  readonly definition?: string;
  /** What IPAM gave. */
  readonly ips: readonly string[];
}

export interface PodPlan {
  readonly name: string;
  /** @default default */
  readonly namespace?: string;
  readonly node: WorldNode;
  readonly networks: readonly PodNetworkPlan[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** On the primary network. @default one that EC2 knows nothing of */
  readonly podIp?: string;
  /** No namespace and no cache file: the agent knows the pod from the API server alone. @default false */
  readonly onlyInApi?: boolean;
}

/** A running pod and the addresses that it has right now: the truth that EC2 must follow. */
export interface WorldPod {
  readonly name: string;
  readonly namespace: string;
  readonly node: WorldNode;
  readonly networks: readonly PodNetworkPlan[];
  readonly host: HostPod | undefined;
  /** By interface. */
  readonly addresses: ReadonlyMap<string, Set<string>>;
  /** Epoch ms at which the agent could first know: the kernel's event, or network-status for a pod in the API alone. */
  readonly knownAt: number;
}

/** The ENI under an interface of a pod. */
export function eniUnder(pod: WorldPod, ifName: string): WorldEni {
  const network = pod.networks.find((candidate) => candidate.ifName === ifName);
  if (network === undefined) throw new Error(`${pod.name} has no interface ${ifName}`);
  return network.eni;
}
