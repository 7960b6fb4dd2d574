import { instanceTypes } from '../sim/ec2/instance-types.ts';
import type { World } from '../sim/world/world.ts';
import type { WorldNode } from '../sim/world/world-node.ts';
import type { EniView, Holder, MapView, NodeView } from './map.ts';

/** What the map shows of the world: addresses by EC2's word, their users by that of the pods and of FloatingIP objects. */
export function mapViewOf(world: World, controller: string): MapView {
  return { nodes: world.nodes.map((node) => nodeView(world, node)), controller };
}

function nodeView(world: World, node: WorldNode): NodeView {
  const object = world.kube.store.get('nodes', undefined, node.name);
  const cordoned = object?.spec?.['unschedulable'] === true;
  const { state } = world.cloud;
  const limit = instanceTypes.get(state.instances.get(node.instanceId)?.type ?? '')?.ipv4PerInterface ?? 0;
  const all = state.allInterfaces(state.now());
  const enis = node.enis.map(({ id, subnet }): EniView => {
    const eni = all.find((one) => one.id === id);
    const addresses = (eni?.addresses ?? []).flatMap(({ ip, primary }) => (primary ? [] : [ip]));
    return { subnet: subnet.name, used: eni?.addresses.length ?? 0, limit, holders: holdersOf(world, id, addresses) };
  });
  return { name: node.name, state: node.agent.running ? (cordoned ? 'cordoned' : 'ready') : 'down', enis };
}

function holdersOf(world: World, eni: string, addresses: readonly string[]): readonly Holder[] {
  const free = new Set(addresses);
  const take = (name: string, kind: Holder['kind'], wanted: Iterable<string>): readonly Holder[] => {
    const own = [...wanted].filter((address) => free.delete(address));
    return own.length === 0 ? [] : [{ name, kind, addresses: own, publicIps: publicIpsOf(world, eni, own) }];
  };
  const pods = world.pods.running().flatMap(({ name, networks, addresses: byInterface }) =>
    take(
      name,
      'pod',
      networks
        .filter((network) => network.eni.id === eni)
        .flatMap(({ ifName }) => [...(byInterface.get(ifName) ?? [])]),
    ),
  );
  const floating = world.floatingIps.list().flatMap(({ name, addresses: own }) => take(name, 'floating', own));
  return [...floating, ...pods, ...take('of others', 'other', addresses)];
}

function publicIpsOf({ cloud: { state } }: World, eni: string, addresses: readonly string[]): readonly string[] {
  return state.elasticIps
    .all(state.now())
    .flatMap(({ publicIp, association }) =>
      association?.networkInterfaceId === eni && addresses.includes(association.privateIp) ? [publicIp] : [],
    );
}
