import type { InstanceRoom } from '../../model/network-interface.ts';
import type { KnownNetworks, NodeEniNode, NodeEniSnapshot, SlotDecision } from '../../model/node-enis/plan.ts';
import { entryOf, refuse } from './entry.ts';
import type { SlotView } from './slots.ts';

/** How old the knowledge of an instance may be when an interface is made for it or attached, ms. */
const ROOM_AGE_MS = 60_000;
/** When to look again at an instance that is not ready or full, ms. */
const RETRY_MS = 15_000;
/** How old the numbers of free addresses may be, ms. */
const NETWORKS_AGE_MS = 60_000;

/** The instance of a slot, or the decision that must wait for it or cannot go on. */
export function roomFor(view: SlotView, snapshot: NodeEniSnapshot): InstanceRoom | SlotDecision {
  const { instanceId } = view.slot;
  const known = snapshot.rooms.get(instanceId);
  const since = Math.max(snapshot.trustAfter.get(view.key) ?? 0, snapshot.now - ROOM_AGE_MS);
  const pending = entryOf(view, view.own === undefined ? 'Pending' : 'Creating');
  // Both are asked at the same time where both are old: a node that joins waits for one round trip only.
  const stale = view.own === undefined && isOld(snapshot, view.object.uid);
  if (known === undefined || known.at < since) return { entry: pending, readRoom: instanceId, readNetworks: stale };
  const again = {
    retryAt: known.at + RETRY_MS,
    ...(known.at + RETRY_MS <= snapshot.now ? { readRoom: instanceId } : {}),
  };
  if (known.room === undefined)
    return refuse(view, { reason: 'NodeUnknown', message: `EC2 does not know ${instanceId}` }, again);
  if (!known.room.attachable)
    return refuse(
      view,
      { reason: 'InstanceNotRunning', message: `${instanceId} is neither running nor stopped` },
      again,
    );
  return known.room;
}

/** The networks if they cover a VPC. */
export function networksOf({ networks }: NodeEniSnapshot, vpcId: string | undefined): KnownNetworks | undefined {
  return networks !== undefined && networks.vpcIds.has(vpcId ?? '') ? networks : undefined;
}

/** True for networks that may lack what a new interface needs: a subnet that was added for this spec, addresses that were freed. */
export function isOld({ networks, now, changedAt }: NodeEniSnapshot, uid: string, ageMs = NETWORKS_AGE_MS): boolean {
  return networks !== undefined && networks.at < Math.max(now - ageMs, changedAt.get(uid) ?? 0);
}

/** When to look again at a refusal that rests on the room or the networks. */
export function lookAgain(
  view: SlotView,
  { rooms, now }: NodeEniSnapshot,
  kind: 'room' | 'networks',
  at: number,
): Omit<SlotDecision, 'entry'> {
  const due = at + RETRY_MS;
  if (due > now) return { retryAt: due };
  if (kind === 'networks') return { readNetworks: true };
  return rooms.has(view.slot.instanceId) ? { readRoom: view.slot.instanceId } : {};
}

/** The name of a node for texts. */
export function nameOf(node: NodeEniNode | undefined): string {
  return node?.name ?? '';
}
