import { EXIT } from '../../lib/config/exit-codes.ts';
import type { DoctorOptions } from '../../lib/config/options.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isObject, parseJson } from '../../lib/model/json.ts';
import type { AgentPodFact } from '../../lib/model/status/cluster-facts.ts';
import { DOCTOR_SCHEMA, type DoctorView, hasFailed, isFault, renderDoctor } from '../doctor/render.ts';
import { type TextOptions, wrapped } from '../text/columns.ts';
import { agentOf, forEach, listAgents } from './agents.ts';
import { type ClusterChoice, runInAgent } from './kubectl.ts';

/** As many agents check their node at a time: each makes a dozen calls to EC2, which the account's nodes share. */
const AT_ONCE = 4;

/** What one node's agent found, or why it was not asked. */
export type NodeDoctor = DoctorView | { readonly node: string; readonly fault: string };

export interface ClusterDoctor {
  readonly schema: typeof DOCTOR_SCHEMA;
  readonly nodes: readonly NodeDoctor[];
}

/** Runs the checks in the agents' pods: on one node, or on all. @throws {Error} when no agent runs there. */
export async function doctorEverywhere(
  client: KubeClient,
  { onlyNode, kubeconfig, context }: Pick<DoctorOptions, 'onlyNode'> & ClusterChoice,
  signal: AbortSignal,
): Promise<ClusterDoctor> {
  const agents = await listAgents(client, signal);
  const chosen = onlyNode === undefined ? agents.filter(({ role }) => role === 'node') : [agentOf(agents, onlyNode)];
  if (chosen.length === 0) throw new Error('no agent runs in this cluster; see eni-agent status');
  const nodes = await forEach(chosen, AT_ONCE, (agent) => doctorOn(agent, { kubeconfig, context }, signal));
  return { schema: DOCTOR_SCHEMA, nodes };
}

/** Never rejects: a node that cannot be asked is a finding of its own. */
export async function doctorOn(agent: AgentPodFact, choice: ClusterChoice, signal: AbortSignal): Promise<NodeDoctor> {
  const { node } = agent;
  try {
    const { out, err, code } = await runInAgent(agent, ['doctor', '-o', 'json'], choice, signal);
    const view = parseJson(out);
    if (isObject(view) && view['schema'] === DOCTOR_SCHEMA && Array.isArray(view['checks']))
      return view as unknown as DoctorView;
    return { node, fault: err.trim().split('\n').at(-1) || `its doctor ended with ${code}` };
  } catch (error) {
    return { node, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** 1 when a check of some node failed, 2 when no node could be asked. */
export function codeOf({ nodes }: ClusterDoctor): number {
  if (nodes.every((one) => 'fault' in one)) return EXIT.unknown;
  return nodes.some((one) => 'fault' in one || hasFailed(one)) ? EXIT.wrong : EXIT.ok;
}

/** What is not well, node by node; a line for each node where all is. */
export function renderClusterDoctor({ nodes }: ClusterDoctor, options: TextOptions): string {
  const { paint, columns } = options;
  const parts = nodes.map((one) => {
    if ('fault' in one) {
      const fault = wrapped(one.fault, columns, 2).map((line) => `  ${line}\n`);
      return `${paint.bold(one.node)}  ${paint.bad('not asked')}\n${fault.join('')}`;
    }
    if (!one.checks.some(isFault)) return `${paint.bold(one.node)}  ${paint.good('all checks passed')}\n`;
    return `${paint.bold(one.node)}\n${renderDoctor(one, { ...options, onlyFaults: true })}`;
  });
  return parts.join('\n');
}
