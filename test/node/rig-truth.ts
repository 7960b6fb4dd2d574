import type { NodeCloud, NodeEni } from './rig-cloud.ts';
import type { NodeId, NodeScripts } from './rig-scripts.ts';

/** An address that an interface really has, and the node's device under that interface. */
export interface HeldAddress {
  readonly address: string;
  readonly node: NodeId;
  readonly device: string;
}

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link_index?: number;
  readonly addr_info?: readonly { readonly local?: string; readonly scope?: string }[];
}

/** The node's own links on the first line, then those of each namespace of a pod. A namespace that goes meanwhile is left out. */
const LOOK = 'ip -j addr; for n in /run/netns/*; do nsenter --net="$n" ip -j addr 2>/dev/null; done; true';

/**
 * Every address that a pod's Multus interface has in its namespace, or the node on a Multus device (a FloatingIP), read with
 * `ip -j addr`: nothing that the agent, kubelet or EC2 says plays a part.
 */
export async function heldAddresses(scripts: NodeScripts, nodes: readonly NodeId[]): Promise<HeldAddress[]> {
  const found = await Promise.all(nodes.map((node) => heldOn(scripts, node)));
  return found.flat();
}

async function heldOn(scripts: NodeScripts, node: NodeId): Promise<HeldAddress[]> {
  const lines = (await scripts.on(node, 'bash', '-c', LOOK)).split('\n').filter((line) => line !== '');
  const [host = [], ...pods] = lines.map((line) => JSON.parse(line) as Link[]);
  const devices = new Map(host.map(({ ifindex, ifname }) => [ifindex, ifname]));
  const ofPods = pods.flat().filter(({ ifname }) => /^net\d+$/.test(ifname));
  const ofNode = host.filter(({ ifname }) => /^eth[1-9]/.test(ifname));
  return [
    ...ofPods.flatMap((link) => place(link, node, devices.get(link.link_index ?? 0) ?? '?')),
    ...ofNode.flatMap((link) => place(link, node, link.ifname)),
  ];
}

function place({ addr_info = [] }: Link, node: NodeId, device: string): HeldAddress[] {
  return addr_info.flatMap(({ local, scope }) =>
    local === undefined || scope !== 'global' ? [] : [{ address: local, node, device }],
  );
}

export interface Comparison {
  /** Held, and not to be in EC2: addresses that are refused rightly. */
  readonly denied?: ReadonlySet<string>;
  /** May stay in EC2 though nobody holds them. */
  readonly kept?: ReadonlySet<string>;
}

/** What EC2 and the namespaces disagree on, in words; nothing when every address is where it is held, and no other is in EC2. */
export async function disagreements(
  scripts: NodeScripts,
  cloud: NodeCloud,
  { denied = new Set(), kept = new Set() }: Comparison = {},
): Promise<string[]> {
  const held = (await heldAddresses(scripts, ['a', 'b'])).filter(({ address }) => !denied.has(address));
  const inEc2 = cloud.secondaries();
  const places = Map.groupBy(held, ({ address }) => address);
  const wrong = [...places].flatMap(([address, holders]) => {
    const eni = inEc2.get(address);
    if (holders.some(({ node, device }) => eni?.node === node && eni.device === device)) return [];
    return [`${address} is held on ${holders.map(spot).join(' and ')}, EC2 has it on ${spot(eni)}`];
  });
  const surplus = [...inEc2].filter(([address]) => !places.has(address) && !kept.has(address));
  return [...wrong, ...surplus.map(([address, eni]) => `${address} is on ${spot(eni)} in EC2, and nobody holds it`)];
}

function spot(place: HeldAddress | NodeEni | undefined): string {
  return place === undefined ? 'no interface' : `${place.node}/${place.device}`;
}
