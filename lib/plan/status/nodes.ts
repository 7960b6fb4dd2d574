import type { NodeSnapshotView, SnapshotElasticIp, SnapshotEni } from '../../model/status/agent-snapshot.ts';
import type { ClusterFacts, NodeFact } from '../../model/status/cluster-facts.ts';
import type { AddressStatus, AgentStatus, EniStatus, NodeStatus } from '../../model/status/cluster-status.ts';
import { order } from './agents.ts';
import { nodeViews } from './elastic-ips.ts';
import { countStates } from './pods.ts';

/** Each node with its ENIs: from its agent's snapshot where there is one, else as far as addresses name them. */
export function nodeStatuses(
  facts: ClusterFacts,
  agents: readonly AgentStatus[],
  addresses: readonly AddressStatus[],
): NodeStatus[] {
  const views = new Map(nodeViews(facts).map((view) => [view.node, view]));
  const byNode = Map.groupBy(addresses, ({ node }) => node);
  const serving = new Map(agents.filter(({ role }) => role === 'node').map((agent) => [agent.node, agent]));
  return facts.nodes
    .map((node) =>
      nodeStatus(node, {
        agent: serving.get(node.name),
        view: views.get(node.name),
        addresses: byNode.get(node.name) ?? [],
      }),
    )
    .toSorted((a, b) => order(a.name, b.name));
}

interface NodeParts {
  readonly agent: AgentStatus | undefined;
  readonly view: NodeSnapshotView | undefined;
  readonly addresses: readonly AddressStatus[];
}

function nodeStatus(node: NodeFact, { agent, view, addresses }: NodeParts): NodeStatus {
  const instanceId = view?.instanceId ?? node.instanceId;
  const instanceType = node.instanceType ?? view?.instanceType ?? undefined;
  return {
    name: node.name,
    ready: node.ready,
    ...(instanceId !== undefined && { instanceId }),
    ...(instanceType !== undefined && { instanceType }),
    ...(node.zone !== undefined && { zone: node.zone }),
    agent: agent === undefined ? 'missing' : agent.ready ? 'ready' : 'not ready',
    ...(agent !== undefined && { version: agent.version }),
    source: view === undefined ? 'pods' : 'agent',
    enis:
      view === undefined
        ? namedEnis(addresses)
        : view.enis.map((eni) => eniStatus(eni, addresses, view.elasticIps)).toSorted(byDevice),
    addresses: countStates(addresses),
  };
}

function eniStatus(
  eni: SnapshotEni,
  addresses: readonly AddressStatus[],
  elasticIps: readonly SnapshotElasticIp[],
): EniStatus {
  // What an agent has bound itself is newer than its last look at the ENI.
  const bound = new Map(
    elasticIps.filter((one) => one.state === 'bound' && one.eni === eni.id).map((one) => [one.privateIp, one.publicIp]),
  );
  const holders = new Map(
    addresses
      .filter((entry) => entry.eni === eni.id && entry.state === 'assigned')
      .map((entry) => [entry.address, entry.holder]),
  );
  return {
    id: eni.id,
    ...(eni.deviceIndex !== null && { deviceIndex: eni.deviceIndex }),
    subnetId: eni.subnetId,
    ...(eni.protection !== undefined && { protection: eni.protection }),
    ipv4: eni.ipv4,
    ipv6: eni.ipv6,
    addresses: eni.addresses.map(({ address, primary, publicIp: described }) => {
      const holder = holders.get(address);
      const publicIp = bound.get(address) ?? described;
      return { address, primary, ...(publicIp !== undefined && { publicIp }), ...(holder !== undefined && { holder }) };
    }),
  };
}

/** Without a snapshot only what pods and FloatingIPs name is known: a lower bound of what is used, and no limit. */
function namedEnis(addresses: readonly AddressStatus[]): EniStatus[] {
  const assigned = addresses.filter(({ eni, state }) => eni !== undefined && state === 'assigned');
  return Array.from(
    Map.groupBy(assigned, ({ eni }) => eni ?? ''),
    ([id, entries]) => {
      const isV6 = ({ address }: AddressStatus) => address.includes(':');
      return {
        id,
        ipv4: { used: entries.filter((entry) => !isV6(entry)).length, limit: null },
        ipv6: { used: entries.filter(isV6).length, limit: null },
        addresses: entries.map(({ address, holder, publicIp }) => ({
          address,
          primary: false,
          holder,
          ...(publicIp !== undefined && { publicIp }),
        })),
      };
    },
  ).toSorted((a, b) => order(a.id, b.id));
}

function byDevice(a: EniStatus, b: EniStatus): number {
  return (a.deviceIndex ?? 0) - (b.deviceIndex ?? 0) || order(a.id, b.id);
}
