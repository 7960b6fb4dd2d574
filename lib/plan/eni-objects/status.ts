import type {
  EniCondition,
  EniObject,
  EniObjectAttachment,
  EniObjectStatus,
} from '../../model/eni-objects/eni-object.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';

/**
 * The status that an object should have. Without facts the recorded interface stays named: forgetting it because one describe lacked
 * it would let go of the only trace of an interface without tags.
 */
export function statusOf(
  object: EniObject,
  facts: NetworkInterface | undefined,
  addresses: readonly IpAddress[] | undefined,
  ready: EniCondition | undefined,
): EniObjectStatus {
  const { status } = object;
  if (facts === undefined) return { ...status, attachment: undefined, ready };
  return {
    networkInterfaceId: facts.id,
    macAddress: facts.mac,
    privateIPAddresses: addresses ?? status.privateIPAddresses,
    attachment: attachmentOf(object, facts),
    ready,
  };
}

function attachmentOf({ spec, status }: EniObject, { attachment }: NetworkInterface): EniObjectAttachment | undefined {
  if (attachment?.state !== 'attached') return undefined;
  const { instanceId, deviceIndex, networkCard } = attachment;
  const wasHere = status.attachment?.instanceId === instanceId ? status.attachment.podName : undefined;
  return { podName: spec.podName ?? wasHere ?? '', instanceId, deviceIndex, networkCard };
}

/** True when both say the same; then nothing is written. */
export function sameStatus(a: EniObjectStatus, b: EniObjectStatus): boolean {
  return JSON.stringify(inOrder(a)) === JSON.stringify(inOrder(b));
}

function inOrder({ networkInterfaceId, macAddress, privateIPAddresses, attachment, ready }: EniObjectStatus) {
  const { podName, instanceId, deviceIndex, networkCard } = attachment ?? {};
  const place = [podName, instanceId, deviceIndex, networkCard];
  return [networkInterfaceId, macAddress, privateIPAddresses, place, [ready?.status, ready?.reason, ready?.message]];
}
