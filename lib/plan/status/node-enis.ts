import type { NodeEni, NodeEniDialectName } from '../../model/node-enis/node-eni.ts';
import { isPassing } from '../../model/node-enis/reasons.ts';
import type { NodeEniCounts, NodeEniState, Problem } from '../../model/status/cluster-status.ts';
import { order } from './agents.ts';

const NOT_SEEN = 'no controller has looked at it yet; is eni-agent-controller running?';
const API_GROUP = { own: 'eni-agent.io', 'multi-eni-controller': 'networking.k8s.aws' } as const satisfies Record<
  NodeEniDialectName,
  string
>;

/** Each NodeENI of either API group, by name; with a node only what concerns that node. */
export function nodeEniStates(objects: readonly NodeEni[], node: string | undefined): NodeEniState[] {
  return objects
    .map((object) => stateOf(object, node))
    .toSorted((a, b) => order(a.name, b.name) || order(a.apiGroup, b.apiGroup));
}

function stateOf(object: NodeEni, node: string | undefined): NodeEniState {
  const { name, dialect, spec, status } = object;
  const { desired, attached, ready, failed, condition } = status;
  // The definition of the replaced controller has no room for a reason.
  const isRecordOnly = dialect !== 'own' && condition === undefined;
  const reason = condition?.reason ?? (isRecordOnly ? 'Ready' : 'Pending');
  const isSettled = condition?.status === 'True' || isRecordOnly;
  const isWaiting = condition === undefined || (isPassing(condition.reason) && failed === 0);
  return {
    name,
    apiGroup: API_GROUP[dialect],
    ...(spec.interfaceName !== undefined && { interfaceName: spec.interfaceName }),
    desired,
    attached,
    ready,
    failed,
    state: isSettled ? 'ready' : isWaiting ? 'pending' : 'refused',
    reason,
    message: condition?.message ?? (isRecordOnly ? '' : NOT_SEEN),
    interfaces: status.nodes
      .filter((entry) => node === undefined || entry.node === node)
      .map((entry) => ({
        node: entry.node,
        index: entry.index,
        ...(entry.networkInterfaceId !== undefined && { eni: entry.networkInterfaceId }),
        state: entry.state,
        ...(entry.reason !== undefined && { reason: entry.reason, message: entry.message }),
      })),
  };
}

/** All of them together. */
export function nodeEniCounts(states: readonly NodeEniState[]): NodeEniCounts {
  const sum = (field: 'desired' | 'attached' | 'ready' | 'failed') =>
    states.reduce((total, state) => total + state[field], 0);
  return {
    objects: states.length,
    desired: sum('desired'),
    attached: sum('attached'),
    ready: sum('ready'),
    failed: sum('failed'),
  };
}

/** One for each object: its condition names the first node and counts the others. */
export function nodeEniProblems(states: readonly NodeEniState[]): Problem[] {
  return states.flatMap(({ name, state, reason, message }): Problem[] => {
    const found = { subject: `NodeENI ${name}`, reason, message };
    if (state === 'refused') return [{ severity: 'error', ...found }];
    return reason === 'Pending' ? [{ severity: 'warning', ...found }] : [];
  });
}
