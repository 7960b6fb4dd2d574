import { isAlive } from '../../model/pod.ts';
import type { ClusterFacts } from '../../model/status/cluster-facts.ts';
import type { ClusterStatus, ClusterSummary, Problem } from '../../model/status/cluster-status.ts';
import { order, prevailingVersion } from './agents.ts';
import { nodeEniProblems } from './node-enis.ts';

/** Share of a limit from which on people should know. */
const NEAR = 0.9;

type Found = Pick<ClusterStatus, 'nodes' | 'pods' | 'elasticIps' | 'floatingIps' | 'nodeEnis' | 'agents' | 'summary'>;

/** What is wrong (errors) and what soon may be (warnings), errors first. */
export function problemsOf(
  facts: ClusterFacts,
  found: Omit<Found, 'summary'>,
  { quota, ec2 }: Pick<ClusterSummary['elasticIps'], 'quota'> & Pick<ClusterSummary, 'ec2'>,
): Problem[] {
  const all = [
    ...agentProblems(found.agents),
    ...forbiddenAgents(facts),
    ...ownWords(facts),
    ...noAgents(facts),
    ...missingAgents(facts, found),
    ...found.nodes
      .filter(({ ready }) => !ready)
      .map(({ name }) => warning(`Node ${name}`, 'NodeNotReady', 'the node is not ready')),
    ...podProblems(found),
    ...unansweredPods(found),
    ...elasticIpProblems(found),
    ...found.floatingIps
      .filter(({ served }) => !served)
      // A young object is elected within seconds.
      .map(({ name, reason, message }) =>
        (reason === 'Pending' ? warning : error)(`FloatingIP ${name}`, reason, message),
      ),
    ...nodeEniProblems(found.nodeEnis),
    ...fullEnis(found.nodes),
    ...quotaProblems(quota),
    ...throttling(ec2),
  ];
  return all.toSorted((a, b) => order(a.severity, b.severity) || order(a.subject, b.subject));
}

function agentProblems(agents: Found['agents']): Problem[] {
  const version = prevailingVersion(agents);
  return agents.flatMap((agent) => {
    const subject = agent.role === 'node' ? `Node ${agent.node}` : `Pod ${agent.namespace}/${agent.name}`;
    if (!agent.ready)
      return [error(subject, 'AgentNotReady', `${agent.name}: ${agent.trouble ?? 'its pod is not ready'}`)];
    if (agent.version === version) return [];
    return [warning(subject, 'OtherVersion', `${agent.name} runs version ${agent.version}; most run ${version}`)];
  });
}

/** They go on with what they have watched until that watch ends, so nothing else need look wrong for minutes. */
function forbiddenAgents({ forbidden }: ClusterFacts): Problem[] {
  return forbidden.map(({ account, rights }) =>
    error(
      `ServiceAccount ${account}`,
      'AgentForbidden',
      `may not ${rights.join(', ')}: restore its roles and bindings (daemonset/base/rbac.yaml, daemonset/controller/rbac.yaml)`,
    ),
  );
}

/** What agents say of themselves while the kubelet still takes them for ready, or while they work with less than they need. */
function ownWords({ agents, snapshots }: ClusterFacts): Problem[] {
  return agents.flatMap(({ ready, namespace, name, node, role }) => {
    const answer = snapshots.get(`${namespace}/${name}`);
    if (answer === undefined || !('view' in answer)) return [];
    const { view } = answer;
    const subject = role === 'node' ? `Node ${node}` : `Pod ${namespace}/${name}`;
    const faults = ready ? view.notReady : [];
    const notes = view.kind === 'node' ? view.notes : [];
    return [
      ...faults.map((fault) => error(subject, 'AgentNotReady', `${name}: ${fault}`)),
      ...notes.map((note) => warning(subject, 'AgentImpaired', `${name}: ${note}`)),
    ];
  });
}

/** Before anything is installed, or with a DaemonSet whose pods are all refused: nothing keeps addresses in step. */
function noAgents({ agents, nodes, scope }: ClusterFacts): Problem[] {
  if (nodes.length === 0 || scope.node !== undefined || agents.some(({ role }) => role === 'node')) return [];
  const message = 'no agent runs in this cluster: install it (docs/install.md), or look at the Events of its DaemonSet';
  return [error('Cluster', 'AgentMissing', message)];
}

/** A node without an agent matters only where pods wait for one. */
function missingAgents({ pods }: ClusterFacts, { nodes }: Pick<Found, 'nodes'>): Problem[] {
  const waiting = new Map(Map.groupBy(pods.filter(isAlive), ({ nodeName }) => nodeName));
  return nodes
    .filter(({ agent, name }) => agent === 'missing' && waiting.has(name))
    .map(({ name }) =>
      error(`Node ${name}`, 'AgentMissing', `no agent runs here; ${waiting.get(name)?.length ?? 0} pod(s) need one`),
    );
}

function podProblems({ pods }: Pick<Found, 'pods'>): Problem[] {
  return pods.flatMap(({ namespace, name, state, reason, message, addresses }) => {
    if (state !== 'refused') return [];
    const subject = `Pod ${namespace}/${name}`;
    const refused = addresses.filter((entry) => entry.state === 'refused');
    if (refused.length === 0) return [error(subject, reason ?? 'Unknown', message ?? 'refused')];
    return refused.map((entry) =>
      error(
        subject,
        entry.reason ?? 'Unknown',
        entry.message ?? `${entry.address} on ${entry.interface ?? 'its interface'}`,
      ),
    );
  });
}

/** Their calls are repeated, so no pod is refused; but while EC2 is silent nothing changes for any of them. */
function unansweredPods({ pods }: Pick<Found, 'pods'>): Problem[] {
  const waiting = pods.filter(({ state, reason }) => state === 'pending' && reason === 'Ec2Unavailable');
  const [first] = waiting;
  if (first === undefined) return [];
  const others = waiting.length === 1 ? '' : ` and ${waiting.length - 1} more`;
  const who = `${first.namespace}/${first.name}${others}`;
  return [warning('Cluster', 'Ec2Unavailable', `EC2 does not answer; ${who} must wait, and the calls are repeated`)];
}

/** Those that the pod's condition does not already show: it has room for one reason. */
function elasticIpProblems({ elasticIps, pods }: Pick<Found, 'elasticIps' | 'pods'>): Problem[] {
  const reported = new Set(pods.map(({ namespace, name, reason }) => `Pod ${namespace}/${name} ${reason ?? ''}`));
  return elasticIps
    .filter(
      ({ state, holder, reason }) =>
        state === 'refused' && !reported.has(`${holder.split(' ', 2).join(' ')} ${reason ?? ''}`),
    )
    .map(({ holder, reason, message }) => error(holder, reason ?? 'Unknown', message ?? 'its Elastic IP is refused'));
}

/** The primary ENI is the VPC CNI's, which fills it on purpose. */
function fullEnis(nodes: Found['nodes']): Problem[] {
  return nodes.flatMap(({ name, enis }) =>
    enis
      .filter(
        ({ protection, ipv4 }) => protection === undefined && ipv4.limit !== null && ipv4.used >= ipv4.limit * NEAR,
      )
      .map(({ id, ipv4 }) =>
        warning(`Node ${name}`, 'AddressLimitNear', `${id}: ${ipv4.used} of ${ipv4.limit} IPv4 addresses are in use`),
      ),
  );
}

function quotaProblems(quota: { readonly used: number; readonly limit: number | null } | null): Problem[] {
  if (quota === null || quota.limit === null || quota.used < quota.limit * NEAR) return [];
  const message = `${quota.used} of ${quota.limit} Elastic IPs of the account and region are in use; release unused ones or ask for a higher quota (L-0263D0A3)`;
  return [warning('Cluster', quota.used >= quota.limit ? 'EipQuotaReached' : 'EipQuotaNear', message)];
}

function throttling(ec2: ClusterSummary['ec2']): Problem[] {
  if (ec2 === null || ec2.throttled.length === 0) return [];
  const [first, ...others] = ec2.throttled;
  const who = others.length === 0 ? first : `${first} and ${others.length} more`;
  const message = `EC2 throttles the requests of ${who}; ${ec2.waiting} calls wait. They are merged and repeated: addresses are late, not lost`;
  return [warning('Cluster', 'Throttled', message)];
}

function error(subject: string, reason: string, message: string): Problem {
  return { severity: 'error', subject, reason, message };
}

function warning(subject: string, reason: string, message: string): Problem {
  return { severity: 'warning', subject, reason, message };
}
