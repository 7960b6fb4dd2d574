import type { NodeEni, NodeEniCondition, NodeEniEntry, NodeEniStatus } from '../../model/node-enis/node-eni.ts';
import { isPassing, type NodeEniReason } from '../../model/node-enis/reasons.ts';

const ATTACHED: ReadonlySet<NodeEniEntry['state']> = new Set(['Attached', 'Ready', 'Leaving']);

/** Counts and condition of an object. `desired`: the slots that it wants. */
export function statusOf(object: NodeEni, desired: number, nodes: readonly NodeEniEntry[]): NodeEniStatus {
  return {
    observedGeneration: object.generation,
    desired,
    attached: nodes.filter(({ state }) => ATTACHED.has(state)).length,
    ready: nodes.filter(({ state }) => state === 'Ready').length,
    failed: nodes.filter(({ reason }) => reason !== undefined && !isPassing(reason)).length,
    nodes,
    condition: conditionOf(object, desired, nodes),
  };
}

function conditionOf(object: NodeEni, desired: number, nodes: readonly NodeEniEntry[]): NodeEniCondition {
  if (object.terminating) return no('Deleting', deleting(nodes));
  if (object.faults.length > 0) return no('InvalidSpec', object.faults.join('; '));
  const failing = nodes.filter(({ reason }) => reason !== undefined && !isPassing(reason));
  const [worst] = failing;
  if (worst?.reason !== undefined) {
    const others = failing.length > 1 ? ` (and ${failing.length - 1} more)` : '';
    return no(worst.reason, `${worst.node}: ${worst.message}${others}`);
  }
  const waiting = nodes.filter(({ state }) => !['Attached', 'Ready', 'Retained'].includes(state));
  const [first] = waiting;
  if (first !== undefined) {
    const reason = first.reason ?? (first.state === 'Attaching' ? 'Attaching' : 'Creating');
    return no(
      reason,
      `${waiting.length} of ${nodes.length} interfaces in progress, on ${first.node}${waiting.length > 1 ? ' and others' : ''}`,
    );
  }
  if (object.unsupported !== undefined) return no('Unsupported', object.unsupported);
  if (desired === 0)
    return { status: 'True', reason: 'NoNodes', message: 'no node has the labels of spec.nodeSelector' };
  return { status: 'True', reason: 'Ready', message: `${desired} of ${desired} interfaces attached` };
}

function deleting(nodes: readonly NodeEniEntry[]): string {
  const used = nodes.filter(({ reason }) => reason === 'InUse' || reason === 'NodeGone');
  const [first] = used;
  if (first !== undefined) return `interfaces left: ${nodes.length}; ${first.node}: ${first.message}`;
  return `interfaces left: ${nodes.length}`;
}

function no(reason: NodeEniReason, message: string): NodeEniCondition {
  return { status: 'False', reason, message };
}
