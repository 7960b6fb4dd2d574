import type { NodeEniSnapshot, SlotDecision } from '../../model/node-enis/plan.ts';
import { nodeEniTags, nodeEniToken } from '../../model/node-enis/tags.ts';
import { fullestFree, groupsFor, subnetsFor } from './choose-network.ts';
import { entryOf, refuse } from './entry.ts';
import { freePlaceFor } from './free-place.ts';
import type { Planned } from './planned.ts';
import type { SlotView } from './slots.ts';
import { isOld, lookAgain, nameOf, networksOf, roomFor } from './surroundings.ts';

/** How long a recorded interface must be missing from describes before another is made, ms: describes lag by seconds. */
const GONE_AFTER_MS = 60_000;

/**
 * The way to an interface for a slot that has none. Everything that would keep it from being attached is looked at before it is made:
 * zone, groups, and a free place on the instance.
 */
export function createSlot(view: SlotView, snapshot: NodeEniSnapshot, planned: Planned): SlotDecision {
  const { object, key, slot } = view;
  const { interfacesAt, trustAfter, now } = snapshot;
  const pending = entryOf(view, 'Pending');
  if (interfacesAt === undefined || interfacesAt < (trustAfter.get(key) ?? 0))
    return { entry: pending, readInterfaces: true };
  const { recorded: lost } = view;
  if (lost !== undefined) {
    const due = (snapshot.absentSince.get(lost) ?? interfacesAt) + GONE_AFTER_MS;
    const message = `${lost} is no longer found in EC2; another interface is created if it stays away`;
    if (interfacesAt < due) return { ...refuse(view, { reason: 'Settling', message }), poll: true };
  }
  const room = roomFor(view, snapshot);
  if ('entry' in room) return room;
  const { vpcId = '' } = room;
  const networks = networksOf(snapshot, vpcId);
  if (networks === undefined || isOld(snapshot, object.uid)) return { entry: pending, readNetworks: true };
  const candidates = subnetsFor(object.spec, networks, { vpcId, zone: room.zone });
  const again = lookAgain(view, snapshot, 'networks', networks.at);
  if ('reason' in candidates) return refuse(view, candidates, again);
  const groups = groupsFor(object.spec, networks, vpcId);
  if (groups === undefined) return { entry: pending, readNetworks: true };
  if ('reason' in groups) return refuse(view, groups, again);
  const place = freePlaceFor(room, {
    ...object.spec,
    reserved: snapshot.reserved,
    ours: planned.placesOn(slot.instanceId),
  });
  if ('full' in place) {
    const at = snapshot.rooms.get(slot.instanceId)?.at ?? now;
    return refuse(view, { reason: 'InstanceFull', message: place.full }, lookAgain(view, snapshot, 'room', at));
  }
  const attempted = candidates.find(({ id }) => id === snapshot.attempted.get(key));
  const subnet = attempted ?? fullestFree(candidates, planned.addresses);
  if ('reason' in subnet) return refuse(view, subnet, again);
  planned.takePlace(slot.instanceId, place);
  planned.takeAddress(subnet.id);
  return {
    entry: { ...entryOf(view, 'Creating'), subnetId: subnet.id, zone: subnet.zone },
    step: creation(view, snapshot, { subnetId: subnet.id, groups, lost }),
  };
}

function creation(
  { object, node, slot, key }: SlotView,
  { clusterName, salts }: NodeEniSnapshot,
  { subnetId, groups, lost }: { subnetId: string; groups: readonly string[]; lost: string | undefined },
): NonNullable<SlotDecision['step']> {
  const { name, spec } = object;
  const description = spec.description ?? `eni-agent: NodeENI ${name}`.slice(0, 255);
  return {
    kind: 'create',
    key,
    object,
    node: nameOf(node),
    slot,
    subnetId,
    groups,
    description,
    tags: nodeEniTags(slot, { clusterName, name, node: nameOf(node) }, spec),
    clientToken: nodeEniToken(slot, salts.get(key) ?? lost),
  };
}
