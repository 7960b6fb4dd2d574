import { compareIp, parseIp } from '../../model/ip.ts';
import type { ClusterFacts } from '../../model/status/cluster-facts.ts';
import {
  type AddressStatus,
  type ClusterStatus,
  type ClusterSummary,
  type NodeStatus,
  STATUS_SCHEMA,
} from '../../model/status/cluster-status.ts';
import { agentStatuses, countBy, order } from './agents.ts';
import { ec2Use } from './ec2-use.ts';
import { elasticIpStatuses, quotaOf } from './elastic-ips.ts';
import { floatingAddresses, floatingIpStates } from './floating-ips.ts';
import { nodeEniCounts, nodeEniStates } from './node-enis.ts';
import { nodeStatuses } from './nodes.ts';
import { countStates, podStatuses } from './pods.ts';
import { problemsOf } from './problems.ts';

/** The state of a cluster from what was read of it. Pure; the same facts in any order give the same value. */
export function clusterStatus(facts: ClusterFacts): ClusterStatus {
  const { scope, server } = facts;
  const agents = agentStatuses(facts);
  const pods = podStatuses(facts);
  const floatingIps = floatingIpStates(facts.floatingIps);
  const nodeEnis = nodeEniStates(facts.nodeEnis, scope.node);
  const addresses = [...pods.flatMap((pod) => pod.addresses), ...floatingAddresses(floatingIps)].toSorted(byAddress);
  const elasticIps = elasticIpStatuses(facts, addresses);
  const nodes = nodeStatuses(facts, agents, addresses);
  const quota = quotaOf(facts);
  const ec2 = ec2Use(facts);
  const problems = problemsOf(facts, { agents, pods, floatingIps, elasticIps, nodes, nodeEnis }, { quota, ec2 });
  const summary: ClusterSummary = {
    healthy: problems.every(({ severity }) => severity !== 'error'),
    nodes: {
      total: nodes.length,
      ready: nodes.filter(({ ready }) => ready).length,
      withAgent: nodes.filter(({ agent }) => agent !== 'missing').length,
    },
    enis: { total: nodes.reduce((sum, { enis }) => sum + enis.length, 0), slots: slotsOf(nodes) },
    addresses: {
      ...countStates(addresses),
      refusedByReason: countBy(
        addresses.filter(({ state }) => state === 'refused'),
        ({ reason }) => reason ?? 'Unknown',
      ),
    },
    elasticIps: {
      bound: elasticIps.filter(({ state }) => state === 'bound').length,
      pending: elasticIps.filter(({ state }) => state === 'pending').length,
      refused: elasticIps.filter(({ state }) => state === 'refused').length,
      quota,
    },
    floatingIps: { total: floatingIps.length, served: floatingIps.filter(({ served }) => served).length },
    nodeEnis: nodeEniCounts(nodeEnis),
    ec2,
    agents: {
      total: agents.length,
      ready: agents.filter(({ ready }) => ready).length,
      versions: countBy(agents, ({ version }) => version),
    },
  };
  return {
    schema: STATUS_SCHEMA,
    at: new Date(facts.at).toISOString(),
    server,
    scope,
    summary,
    problems,
    nodes,
    pods,
    addresses,
    elasticIps,
    floatingIps,
    nodeEnis,
    agents,
    events: facts.events.toSorted((a, b) => order(b.at, a.at) || order(a.subject, b.subject)),
    gaps: facts.gaps,
  };
}

function slotsOf(nodes: readonly NodeStatus[]): ClusterSummary['enis']['slots'] {
  const known = nodes.flatMap(({ enis }) =>
    enis.flatMap(({ ipv4: { used, limit } }) => (limit === null ? [] : [{ used, limit }])),
  );
  if (known.length === 0) return null;
  return known.reduce((sum, { used, limit }) => ({ used: sum.used + used, limit: sum.limit + limit }), {
    used: 0,
    limit: 0,
  });
}

function byAddress(a: AddressStatus, b: AddressStatus): number {
  const [left, right] = [parseIp(a.address), parseIp(b.address)];
  const byIp = left !== undefined && right !== undefined ? compareIp(left, right) : order(a.address, b.address);
  return byIp || order(a.holder, b.holder);
}
