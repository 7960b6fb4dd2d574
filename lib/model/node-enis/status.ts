import type { JsonObject } from '../json.ts';
import { MAX_ENTRIES, type NodeEni, type NodeEniEntry, type NodeEniStatus } from './node-eni.ts';

/** The status of a `NodeENI` of ours as a merge patch writes it. `lastTransitionTime` changes with the condition's status only. */
export function nodeEniStatusBody(
  { status: before }: Pick<NodeEni, 'status'>,
  status: NodeEniStatus,
  now: number,
): JsonObject {
  const { observedGeneration, desired, attached, ready, failed, nodes, condition } = status;
  const kept = before.condition?.status === condition?.status ? before.condition?.since : undefined;
  const lastTransitionTime = kept ?? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    observedGeneration,
    desired,
    attached,
    ready,
    failed,
    nodes: shownEntries(nodes).map(entryBody),
    conditions:
      condition === undefined
        ? null
        : [
            {
              type: 'Ready',
              status: condition.status,
              reason: condition.reason,
              message: condition.message,
              observedGeneration,
              lastTransitionTime,
            },
          ],
  };
}

/** The entries that fit: those with a reason first, then by node and index. */
export function shownEntries(entries: readonly NodeEniEntry[]): readonly NodeEniEntry[] {
  const ordered = entries.toSorted((a, b) => (a.node === b.node ? a.index - b.index : a.node < b.node ? -1 : 1));
  if (ordered.length <= MAX_ENTRIES) return ordered;
  return ordered
    .toSorted((a, b) => Number(a.reason === undefined) - Number(b.reason === undefined))
    .slice(0, MAX_ENTRIES);
}

function entryBody(entry: NodeEniEntry): JsonObject {
  return {
    node: entry.node,
    instanceID: entry.instanceId,
    index: entry.index,
    networkInterfaceID: entry.networkInterfaceId,
    macAddress: entry.macAddress,
    subnetID: entry.subnetId,
    availabilityZone: entry.zone,
    privateIPAddress: entry.address,
    deviceIndex: entry.deviceIndex,
    networkCard: entry.networkCard,
    attachmentID: entry.attachmentId,
    interfaceName: entry.interfaceName,
    state: entry.state,
    reason: entry.reason,
    message: entry.message === '' ? undefined : entry.message,
  };
}

/** True when both say the same; then nothing is written. */
export function sameNodeEniStatus(a: NodeEniStatus, b: NodeEniStatus): boolean {
  return JSON.stringify(comparable(a)) === JSON.stringify(comparable(b));
}

function comparable({ nodes, condition, ...counts }: NodeEniStatus) {
  const { observedGeneration, desired, attached, ready, failed } = counts;
  const { status, reason, message } = condition ?? {};
  return [
    observedGeneration,
    desired,
    attached,
    ready,
    failed,
    status,
    reason,
    message,
    shownEntries(nodes).map(entryBody),
  ];
}
