import { handsOut, type IpamRange } from '../../model/addresses/ipam-range.ts';
import { parseNetworkStatus } from '../../model/addresses/network-status.ts';
import type { IpAddress } from '../../model/ip.ts';
import { isAlive } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { Observations } from './claims.ts';

/**
 * The addresses that a floating declaration of `*`, or of a wide network, does not cover, because they are somebody's by another title: those of FloatingIP
 * objects, those that IPAM has given to pods of another namespace on this node, and those that any IPAM plugin known on this node may
 * hand out. The last stands for pods on other nodes: EC2 shows which ENI holds an address, but not whose pod it was given to.
 * Worked out when first asked: hardly any pod declares so much.
 */
export class Reserved {
  readonly #observed: Observations;
  readonly #nodeAddresses: ReadonlySet<IpAddress>;
  #ranges: readonly IpamRange[] | undefined;
  #given: ReadonlyMap<IpAddress, ReadonlySet<string>> | undefined;

  constructor(observed: Observations, nodeAddresses: ReadonlySet<IpAddress> = new Set()) {
    this.#observed = observed;
    this.#nodeAddresses = nodeAddresses;
  }

  /** True for an address of a FloatingIP object. */
  isNodes(address: IpAddress): boolean {
    return this.#nodeAddresses.has(address);
  }

  /** True when `*`, or a wide network, on a pod of this namespace does not cover the address. */
  has(address: IpAddress, namespace: string): boolean {
    if (this.#nodeAddresses.has(address)) return true;
    this.#ranges ??= rangesOf(this.#observed);
    if (this.#ranges.some((range) => handsOut(range, address))) return true;
    this.#given ??= givenBy(this.#observed);
    const holders = this.#given.get(address);
    return holders !== undefined && [...holders].some((holder) => holder !== namespace);
  }
}

/**
 * An address of a FloatingIP object that a pod has added to itself without naming it is the object's: assigned for the pod it would keep the
 * node from serving the object, could carry an Elastic IP of the pod's, and would be released when the pod ends.
 */
export function ofFloatingIp(address: IpAddress): Refusal {
  const message = `${address} belongs to a FloatingIP object, so nothing is assigned for the pod that has added it; name it in eni-agent.io/floating-ips if the pod is to have it, or take it off the pod`;
  return { reason: 'DuplicateAddress', message, address };
}

function rangesOf({ cache, definitions }: Observations): readonly IpamRange[] {
  const all = [...cache, ...definitions.values()].flatMap(({ ipam = [] }) => ipam);
  // Every pod of a network brings the same ranges.
  return [...new Map(all.map((range) => [JSON.stringify(range), range])).values()];
}

/** The namespaces of the pods to which IPAM gave an address, by network-status or the CNI cache. */
function givenBy({ cache, pods }: Observations): ReadonlyMap<IpAddress, ReadonlySet<string>> {
  const given = new Map<IpAddress, Set<string>>();
  const note = (namespace: string, addresses: readonly IpAddress[]) => {
    for (const address of addresses) given.set(address, (given.get(address) ?? new Set()).add(namespace));
  };
  for (const { pod, addresses } of cache) note(pod.namespace, addresses);
  for (const pod of pods.filter(isAlive))
    for (const { ips, isDefault } of parseNetworkStatus(pod.annotations).value)
      if (!isDefault) note(pod.namespace, ips);
  return given;
}
