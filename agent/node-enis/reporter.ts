import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniPlan, NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import { NODE_ENI_REASONS, type NodeEniReason } from '../../lib/model/node-enis/reasons.ts';

/** An Event about an object, and about a node where one is concerned. */
export interface NodeEniEvent {
  readonly object: NodeEni;
  readonly node: string | undefined;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface NodeEniReporterParts {
  readonly record: (event: NodeEniEvent) => void;
  readonly gauge: (byState: Readonly<Record<string, number>>) => void;
}

const EVENTS: Partial<Record<NodeEniStep['kind'], string>> = {
  attach: 'NodeENIAttached',
  detach: 'NodeENIDetached',
  delete: 'NodeENIDeleted',
};

/** Reasons that pass by themselves; all others are worth a Warning when an interface first shows them. */
const QUIET: ReadonlySet<NodeEniReason> = new Set([
  'Creating',
  'Attaching',
  'Settling',
  'Leaving',
  'Retained',
  'NodeUnknown',
  'InstanceNotRunning',
  'LinkNotReady',
]);

/** Says once what happens to interfaces. */
export class NodeEniReporter {
  readonly #parts: NodeEniReporterParts;
  readonly #said = new Map<string, NodeEniReason>();

  constructor(parts: NodeEniReporterParts) {
    this.#parts = parts;
  }

  done(step: NodeEniStep): void {
    const reason = EVENTS[step.kind];
    if (reason === undefined || !('eni' in step)) return;
    const place =
      step.kind === 'attach'
        ? ` to ${step.instanceId} at device index ${step.deviceIndex} of network card ${step.networkCard}`
        : '';
    this.#parts.record({
      object: step.object,
      node: step.node,
      type: 'Normal',
      reason,
      message: `${step.eni}${place}`,
    });
  }

  refused(object: NodeEni, node: string | undefined, reason: NodeEniReason, message: string): void {
    this.#parts.record({ object, node, type: 'Warning', reason, message });
  }

  /** Counts the states, and warns when an entry of a status shows a reason that it did not show before. */
  statuses(statuses: NodeEniPlan['statuses']): void {
    const states: Record<string, number> = {};
    const shown = new Set<string>();
    for (const { object, status } of statuses) {
      for (const entry of status.nodes) {
        states[entry.state] = (states[entry.state] ?? 0) + 1;
        const key = `${object.uid}/${entry.node}/${entry.index}`;
        shown.add(key);
        if (entry.reason === undefined) this.#said.delete(key);
        else this.#sayOnce(key, object, { ...entry, reason: entry.reason });
      }
      const { condition } = status;
      if (condition?.reason !== 'InvalidSpec' && condition?.reason !== 'Unsupported') continue;
      shown.add(object.uid);
      this.#sayOnce(object.uid, object, { node: undefined, reason: condition.reason, message: condition.message });
    }
    for (const key of this.#said.keys()) if (!shown.has(key)) this.#said.delete(key);
    this.#parts.gauge(states);
  }

  #sayOnce(
    key: string,
    object: NodeEni,
    { node, reason, message }: { node: string | undefined; reason: NodeEniReason; message: string },
  ): void {
    if (this.#said.get(key) === reason) return;
    this.#said.set(key, reason);
    if (!QUIET.has(reason)) this.refused(object, node, reason, message || NODE_ENI_REASONS[reason]);
  }
}
