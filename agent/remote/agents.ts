import type { KubeClient } from '../../lib/kube/client.ts';
import { listAll } from '../../lib/kube/list.ts';
import { OUR_PODS, toAgentPodFact } from '../../lib/kube/status-views.ts';
import type { AgentPodFact } from '../../lib/model/status/cluster-facts.ts';

/** Every pod of ours, by node and name. @throws {KubeError} */
export async function listAgents(client: KubeClient, signal: AbortSignal): Promise<readonly AgentPodFact[]> {
  const options = {
    path: '/api/v1/pods',
    query: { labelSelector: OUR_PODS },
    from: '0',
    signal,
    convert: toAgentPodFact,
  };
  const { entries } = await listAll(client, options);
  return entries.toSorted((a, b) => `${a.node} ${a.name}`.localeCompare(`${b.node} ${b.name}`));
}

/** The agent of one node. @throws {Error} when none runs there. */
export function agentOf(agents: readonly AgentPodFact[], node: string): AgentPodFact {
  const found = agents.find((agent) => agent.role === 'node' && agent.node === node);
  if (found !== undefined) return found;
  throw new Error(`no agent runs on node ${JSON.stringify(node)}; see eni-agent status nodes`);
}

/** Does the work for each item, so many at a time; answers in the order of the items. */
export async function forEach<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
