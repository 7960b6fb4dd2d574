import type { NetworkInterface } from '../../model/network-interface.ts';
import type { NodeEniSnapshot, SlotDecision } from '../../model/node-enis/plan.ts';
import { subnetsFor } from './choose-network.ts';
import { entryOf, refuse } from './entry.ts';
import { freePlaceFor } from './free-place.ts';
import type { Planned } from './planned.ts';
import type { SlotView } from './slots.ts';
import { lookAgain, nameOf, networksOf, roomFor } from './surroundings.ts';

/** The way of an unattached interface to its instance; one that cannot go there is deleted, and another is made. */
export function attachSlot(
  view: SlotView,
  own: NetworkInterface,
  snapshot: NodeEniSnapshot,
  planned: Planned,
): SlotDecision {
  const { object, node, key, slot } = view;
  const about = { key, object, node: nameOf(node), eni: own.id };
  const room = roomFor(view, snapshot);
  if ('entry' in room) {
    // An instance id is never given twice: nobody will ever need this interface.
    const isGone = snapshot.rooms.get(slot.instanceId)?.room === undefined && room.entry.reason === 'NodeUnknown';
    return isGone && object.spec.deletionPolicy === 'Delete' ? { ...room, step: { ...about, kind: 'delete' } } : room;
  }
  if (own.zone !== '' && room.zone !== '' && (own.zone !== room.zone || !isAllowed(view, own, room, snapshot)))
    return { entry: entryOf(view, 'Creating'), step: { ...about, kind: 'delete' } };
  const place = freePlaceFor(room, {
    ...object.spec,
    reserved: snapshot.reserved,
    ours: planned.placesOn(slot.instanceId),
  });
  if ('full' in place) {
    const at = snapshot.rooms.get(slot.instanceId)?.at ?? snapshot.now;
    return refuse(view, { reason: 'InstanceFull', message: place.full }, lookAgain(view, snapshot, 'room', at));
  }
  planned.takePlace(slot.instanceId, place);
  return {
    entry: entryOf(view, 'Attaching'),
    step: { ...about, kind: 'attach', instanceId: slot.instanceId, ...place },
  };
}

/** False when it is known that the object's subnets do not include this one any more. */
function isAllowed(
  { object }: SlotView,
  own: NetworkInterface,
  { zone }: { readonly zone: string },
  snapshot: NodeEniSnapshot,
): boolean {
  const networks = networksOf(snapshot, own.vpcId);
  if (networks === undefined || object.dialect !== 'own') return true;
  const candidates = subnetsFor(object.spec, networks, { vpcId: own.vpcId ?? '', zone });
  return 'reason' in candidates || candidates.some(({ id }) => id === own.subnetId);
}
