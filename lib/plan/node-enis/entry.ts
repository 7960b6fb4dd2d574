import { hostNameOf, type NodeEniEntry, type NodeEniState } from '../../model/node-enis/node-eni.ts';
import type { SlotDecision } from '../../model/node-enis/plan.ts';
import type { NodeEniReason } from '../../model/node-enis/reasons.ts';
import type { SlotView } from './slots.ts';

/** The status entry of a slot as EC2 shows its interface. */
export function entryOf(
  view: SlotView,
  state: NodeEniState,
  wrong?: { reason: NodeEniReason; message: string },
): NodeEniEntry {
  const { object, node, slot, own } = view;
  const { attachment } = own ?? {};
  return {
    node: node?.name ?? own?.tags['eni-agent.io/node'] ?? '',
    instanceId: slot.instanceId,
    index: slot.index,
    networkInterfaceId: own?.id,
    macAddress: own?.mac,
    subnetId: own?.subnetId,
    zone: own?.zone,
    address: own?.addresses.find(({ primary }) => primary)?.ip,
    deviceIndex: attachment?.deviceIndex,
    networkCard: attachment?.networkCard,
    attachmentId: attachment?.id,
    interfaceName: hostNameOf(object.spec.interfaceName, slot.index),
    state,
    reason: wrong?.reason,
    message: wrong?.message ?? '',
  };
}

/** A decision that only says what is wrong; `more`: what would help, and when to look again. */
export function refuse(
  view: SlotView,
  wrong: { readonly reason: NodeEniReason; readonly message: string },
  more: Omit<SlotDecision, 'entry'> = {},
): SlotDecision {
  const state = view.own?.attachment === undefined ? 'Failed' : 'Attached';
  return { ...more, entry: entryOf(view, state, wrong) };
}
