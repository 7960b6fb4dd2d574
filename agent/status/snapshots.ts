import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { readSnapshot } from '../../lib/model/status/agent-snapshot.ts';
import type { AgentPodFact, SnapshotAnswer } from '../../lib/model/status/cluster-facts.ts';

/** As many agents are asked at a time, through the API server's proxy. */
const AT_ONCE = 16;

/** An agent answers from memory; one that does not within this time is left out, ms. */
const PATIENCE_MS = 5_000;

/**
 * Asks each agent for its `/v1/snapshot`; one whose container does not run is not asked, because its pod says why. Never rejects for an
 * agent that does not answer: its fault stands in its place.
 */
export async function readSnapshots(
  client: KubeClient,
  agents: readonly AgentPodFact[],
  signal: AbortSignal,
): Promise<Map<string, SnapshotAnswer>> {
  const answers = new Map<string, SnapshotAnswer>();
  const waiting = agents.filter(({ trouble }) => trouble === undefined).values();
  const ask = async () => {
    for (const agent of waiting) answers.set(`${agent.namespace}/${agent.name}`, await askAgent(client, agent, signal));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return answers;
}

/** Path of an agent's own HTTP server behind the API server's proxy; RBAC asks for `get` on `pods/proxy`. */
export function proxyPath({ namespace, name, port }: AgentPodFact, path: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`;
}

async function askAgent(client: KubeClient, agent: AgentPodFact, signal: AbortSignal): Promise<SnapshotAnswer> {
  try {
    const path = proxyPath(agent, '/v1/snapshot');
    const answer = await client.request<unknown>({ method: 'GET', path, signal, timeoutMs: PATIENCE_MS });
    const view = readSnapshot(answer);
    return view === undefined ? { fault: 'its snapshot has a shape that this version does not know' } : { view };
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.status === 404) return { fault: 'its version has no /v1/snapshot, or its pod is gone' };
    return { fault: error.message };
  }
}
