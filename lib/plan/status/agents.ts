import type { AgentPodFact, ClusterFacts } from '../../model/status/cluster-facts.ts';
import type { AgentStatus } from '../../model/status/cluster-status.ts';

/** Every pod of ours, by node, controllers last. */
export function agentStatuses({ agents, snapshots }: ClusterFacts): AgentStatus[] {
  return agents
    .map((agent): AgentStatus => {
      const answer = snapshots.get(`${agent.namespace}/${agent.name}`);
      const view = answer && 'view' in answer ? answer.view : undefined;
      const trouble = lastErrorOf(agent, view?.notReady, answer && 'fault' in answer ? answer.fault : undefined);
      return {
        namespace: agent.namespace,
        name: agent.name,
        role: agent.role,
        node: agent.node,
        ready: agent.ready,
        version: view?.version ?? versionOf(agent.image),
        restarts: agent.restarts,
        ...(view?.kind === 'controller' && { leader: view.leader }),
        ...(trouble !== undefined && { trouble }),
        ...(view?.kind === 'node' &&
          view.describedAt !== null && { ec2AgeMs: Math.max(0, view.at - view.describedAt) }),
      };
    })
    .toSorted((a, b) => (a.role === b.role ? order(a.node, b.node) || order(a.name, b.name) : order(b.role, a.role)));
}

/** The version that most agents run; undefined when there is none. Of two equally frequent ones the later in the alphabet. */
export function prevailingVersion(agents: readonly AgentStatus[]): string | undefined {
  const counts = Object.entries(countBy(agents, ({ version }) => version));
  return counts.toSorted(([a, m], [b, n]) => n - m || order(b, a))[0]?.[0];
}

export function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([a, m], [b, n]) => n - m || order(a, b)));
}

export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lastErrorOf(agent: AgentPodFact, notReady: readonly string[] = [], fault: string | undefined) {
  if (!agent.ready && agent.trouble !== undefined) return agent.trouble;
  if (notReady.length > 0) return notReady.join('; ');
  if (!agent.ready) return 'its pod is not ready';
  return fault === undefined ? undefined : `no snapshot: ${fault}`;
}

/** The tag of an image, or the start of its digest. */
function versionOf(image: string): string {
  const [named = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(named)?.[1];
  return tag ?? digest?.slice(0, 19) ?? 'untagged';
}
