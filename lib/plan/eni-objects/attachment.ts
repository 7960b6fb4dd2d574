import type { EniObject, EniReason } from '../../model/eni-objects/eni-object.ts';
import type { EniSnapshot, EniStep } from '../../model/eni-objects/plan.ts';
import type { InstanceRoom, InterfacePlace, NetworkInterface } from '../../model/network-interface.ts';
import { freePlace } from './free-place.ts';

/** What stands between an interface and the instance on which it should be. */
export type AttachmentDecision =
  | { readonly state: 'there' }
  | { readonly state: 'step'; readonly step: EniStep }
  /** EC2 is at it. */
  | { readonly state: 'settling'; readonly message: string }
  | { readonly state: 'ask-room'; readonly instanceId: string }
  | { readonly state: 'refused'; readonly reason: EniReason; readonly message: string; readonly retryAt?: number };

/** How old the knowledge of an instance's room may be when an interface is attached, ms. */
const ROOM_AGE_MS = 5_000;
/** When to look again at an instance that is full or not ready, ms. */
const RETRY_MS = 30_000;

/**
 * Follows the pod: detach there, wait, attach here. A pod that is gone for now keeps its interface where it is, because it mostly
 * comes back there, and an interface in a place where nobody needs it harms nobody.
 */
export function planAttachment(
  object: EniObject,
  facts: NetworkInterface,
  snapshot: EniSnapshot,
  planned: ReadonlyMap<string, readonly InterfacePlace[]>,
): AttachmentDecision {
  const { attachment } = facts;
  const { podName } = object.spec;
  if (podName === undefined) return attachment === undefined ? { state: 'there' } : detach(object, facts);
  if (!snapshot.podsKnown) return { state: 'settling', message: 'the pods of the cluster are not known yet' };
  const pod = snapshot.pods.get(`${object.namespace}/${podName}`);
  if (pod === undefined)
    return refused('PodMissing', `there is no running pod ${podName} in namespace ${object.namespace}`);
  if (pod.nodeName === '') return refused('PodUnscheduled', `pod ${podName} has no node yet`);
  const instanceId = snapshot.instanceOfNode.get(pod.nodeName);
  if (instanceId === undefined) {
    return refused('NodeUnknown', `node ${pod.nodeName} of pod ${podName} has no providerID of an EC2 instance`);
  }
  if (attachment === undefined) return attach(object, facts, instanceId, snapshot, planned);
  if (attachment.instanceId !== instanceId) return detach(object, facts);
  if (attachment.state === 'attached') return { state: 'there' };
  return { state: 'settling', message: `the interface is ${attachment.state} on ${instanceId}` };
}

/** The way off an instance; the caller knows that there is an attachment. */
export function detach(object: EniObject, { id, attachment }: NetworkInterface): AttachmentDecision {
  if (attachment === undefined) return { state: 'there' };
  if (attachment.state === 'attached') {
    return { state: 'step', step: { kind: 'detach', object, eni: id, attachmentId: attachment.id } };
  }
  return { state: 'settling', message: `the interface is ${attachment.state} on ${attachment.instanceId}` };
}

function attach(
  object: EniObject,
  facts: NetworkInterface,
  instanceId: string,
  { rooms, trustAfter, now, interfaces }: EniSnapshot,
  planned: ReadonlyMap<string, readonly InterfacePlace[]>,
): AttachmentDecision {
  const known = rooms.get(instanceId);
  if (known === undefined || known.at < (trustAfter.get(object.uid) ?? 0)) return { state: 'ask-room', instanceId };
  const fault = faultOf(instanceId, facts, known.room);
  const ours = interfaces.flatMap(({ attachment }) => (attachment?.instanceId === instanceId ? [attachment] : []));
  const taken = distinct([...(known.room?.taken ?? []), ...ours, ...(planned.get(instanceId) ?? [])]);
  const place = known.room && freePlace(known.room.limits, taken);
  if (fault === undefined && place !== undefined && known.at >= now - ROOM_AGE_MS) {
    return { state: 'step', step: { kind: 'attach', object, eni: facts.id, instanceId, ...place } };
  }
  const age = fault === undefined && place !== undefined ? ROOM_AGE_MS : RETRY_MS;
  if (known.at < now - age) return { state: 'ask-room', instanceId };
  const { reason, message } = fault ?? full(instanceId, known.room);
  return { ...refused(reason, message), retryAt: known.at + age + 1 };
}

function faultOf(instanceId: string, { addresses, zone }: NetworkInterface, room: InstanceRoom | undefined) {
  if (room === undefined) return { reason: 'NodeUnknown', message: `EC2 does not know ${instanceId}` } as const;
  if (!room.attachable) {
    return { reason: 'InstanceNotRunning', message: `${instanceId} is neither running nor stopped` } as const;
  }
  if (room.zone !== '' && zone !== '' && room.zone !== zone) {
    const message = `the interface is in ${zone}, but ${instanceId} is in ${room.zone}; bind the pod to the zone of the subnet`;
    return { reason: 'ZoneMismatch', message } as const;
  }
  const limit = room.limits?.ipv4PerInterface;
  if (limit !== undefined && addresses.length > limit) {
    const message = `the interface has ${addresses.length} addresses, but an interface of ${room.type} takes ${limit}`;
    return { reason: 'TooManyAddresses', message } as const;
  }
  return undefined;
}

/** The room may have been described before an attachment of ours, which then counts once all the same. */
function distinct(places: readonly InterfacePlace[]): InterfacePlace[] {
  return [...new Map(places.map((place) => [`${place.networkCard}/${place.deviceIndex}`, place])).values()];
}

function full(instanceId: string, room: InstanceRoom | undefined) {
  const use = `${room?.taken.length ?? '?'} of ${room?.limits?.interfaces ?? '?'} interfaces`;
  return { reason: 'InstanceFull', message: `${instanceId} (${room?.type ?? 'unknown type'}) has ${use}` } as const;
}

function refused(reason: EniReason, message: string) {
  return { state: 'refused', reason, message } as const;
}
