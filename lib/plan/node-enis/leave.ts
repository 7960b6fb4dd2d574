import type { NetworkInterface } from '../../model/network-interface.ts';
import type { NodeEniSnapshot, SlotDecision } from '../../model/node-enis/plan.ts';
import { retainedForNodeEni } from '../../model/node-enis/tags.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import { entryOf, refuse } from './entry.ts';
import type { SlotView } from './slots.ts';
import { nameOf } from './surroundings.ts';
import { usersOfInterface } from './users.ts';

/** How long an interface is announced as leaving before it goes, ms: its node's agent must see it and keep new pods off. */
const LEAVE_MS = 10_000;
/** How old the list of a node's pods may be when an interface is detached, ms. */
const USERS_AGE_MS = 2_000;
/** Pause between two looks at pods that keep an interface, ms. */
const USERS_AGAIN_MS = 5_000;
/** The same for an interface that is only to be replaced. */
const REPLACE_AGAIN_MS = 30_000;
/** Pause between two looks at an instance without a Node object, ms. */
const INSTANCE_AGAIN_MS = 60_000;

/**
 * The way out of an interface: announced, unused for a while, detached, deleted.
 *
 * Guarantees: nothing is detached while a pod of the node names it or may come to use it, while EC2 shows a secondary address on it, or
 * while its instance runs without a Node object. `replacing`: why a wanted one is in the wrong place; it is not even announced as
 * leaving while pods use it.
 */
export function planLeaving(view: SlotView, snapshot: NodeEniSnapshot, replacing: string | undefined): SlotDecision {
  const { object, own, node, key } = view;
  if (own === undefined) return { entry: entryOf(view, 'Pending') };
  const isRetained = object.spec.deletionPolicy === 'Retain' || snapshot.endings.get(object.uid) === 'definition';
  if (isRetained) return retain(view, own);
  const { attachment } = own;
  if (attachment === undefined)
    return { entry: entryOf(view, 'Leaving'), step: { kind: 'delete', key, object, node: nameOf(node), eni: own.id } };
  if (attachment.deviceIndex === 0 && attachment.networkCard === 0)
    return refuse(view, {
      reason: 'AttachedElsewhere',
      message: `${own.id} is the primary interface of ${attachment.instanceId}`,
    });
  if (attachment.state !== 'attached')
    return { entry: entryOf(view, attachment.state === 'attaching' ? 'Attaching' : 'Detaching'), poll: true };
  if (attachment.instanceId !== view.slot.instanceId) {
    const message = `${own.id} is attached to ${attachment.instanceId}, where somebody else put it`;
    return refuse(view, { reason: 'AttachedElsewhere', message });
  }
  if (node === undefined) return withoutNode(view, own, snapshot);
  return whenUnused(view, own, snapshot, replacing);
}

function whenUnused(
  view: SlotView,
  own: NetworkInterface,
  snapshot: NodeEniSnapshot,
  replacing: string | undefined,
): SlotDecision {
  const { object, key, node } = view;
  const { now, leavingSince } = snapshot;
  const name = nameOf(node);
  const since = leavingSince.get(own.id);
  const stays = replacing === undefined ? 'leaving' : 'attached';
  const due = since === undefined ? undefined : since + LEAVE_MS;
  const users = usersOf(own, name, snapshot);
  const why = replacing === undefined ? 'it is to be detached' : replacing;
  // What is only replaced is looked at before its node is reported; what must go, after it could keep new pods off.
  const asks = replacing !== undefined && due === undefined;
  const notBefore = asks ? now - REPLACE_AGAIN_MS : Math.max(due ?? 0, now - USERS_AGE_MS);
  if (!asks && (due === undefined || now < due)) return { entry: leaving(view, why), notice: 'leaving', retryAt: due };
  if (users === undefined)
    return { entry: entryOf(view, 'Attached'), notice: asks ? 'attached' : 'leaving', readUsers: name };
  if (users.names.length > 0) {
    const message = `${own.id}: ${why}, but it is still in use: ${users.names.join(', ')}`;
    const again = users.at + (asks ? REPLACE_AGAIN_MS : USERS_AGAIN_MS);
    const more = again <= now ? { readUsers: name, readInterfaces: true } : { retryAt: again };
    return {
      ...more,
      entry: {
        ...entryOf(view, 'Leaving', { reason: 'InUse', message }),
        state: stays === 'leaving' ? 'Leaving' : 'Attached',
      },
      notice: stays,
    };
  }
  if (users.at < notBefore)
    return { entry: leaving(view, why), notice: asks ? 'attached' : 'leaving', readUsers: name };
  if (asks) return { entry: leaving(view, why), notice: 'leaving' };
  const attachmentId = own.attachment?.id ?? '';
  const step = { kind: 'detach', key, object, node: name, eni: own.id, attachmentId } as const;
  return { entry: leaving(view, why), notice: 'leaving', step };
}

function leaving(view: SlotView, why: string) {
  return entryOf(view, 'Leaving', { reason: 'Leaving', message: why });
}

/** Who uses an interface: pods by name, and addresses that EC2 still shows on it. Undefined before the pods were read. */
function usersOf(
  own: NetworkInterface,
  node: string,
  { users }: NodeEniSnapshot,
): { readonly names: readonly string[]; readonly at: number } | undefined {
  const known = users.get(node);
  if (known === undefined) return undefined;
  return { names: usersOfInterface(own, known.pods), at: known.at };
}

/** Without a Node nobody says which pods run. When the instance ends, EC2 deletes the interface. */
function withoutNode(view: SlotView, own: NetworkInterface, { rooms, now }: NodeEniSnapshot): SlotDecision {
  const { instanceId } = view.slot;
  const known = rooms.get(instanceId);
  if (known === undefined) return { entry: entryOf(view, 'Attached'), readRoom: instanceId };
  const due = known.at + INSTANCE_AGAIN_MS;
  const again = due <= now ? { readRoom: instanceId } : { retryAt: due };
  if (known.room === undefined || !known.room.attachable)
    return { ...again, entry: entryOf(view, 'Detaching'), poll: true };
  const message = `${instanceId} still runs without a Node object; ${own.id} stays until the instance ends`;
  return refuse(view, { reason: 'NodeGone', message }, again);
}

/** It stays, and says for whom: an object of the same name adopts it. */
function retain(view: SlotView, own: NetworkInterface): SlotDecision {
  const { object, node, key } = view;
  const about = { key, object, node: nameOf(node), eni: own.id };
  const entry = entryOf(view, 'Retained', { reason: 'Retained', message: `${own.id} stays` });
  if (own.attachment?.deleteOnTermination === true)
    return { entry, step: { ...about, kind: 'keep-on-termination', attachmentId: own.attachment.id } };
  const value = retainedForNodeEni(object.name);
  if (own.tags[RETAINED_TAG] === value) return { entry };
  return { entry, step: { ...about, kind: 'tag', tags: { [RETAINED_TAG]: value } } };
}
