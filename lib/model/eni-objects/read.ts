import type { CustomObject } from '../eip-objects/eip-object.ts';
import { parseIp } from '../ip.ts';
import { integerOf, isObject, type JsonObject, textOf } from '../json.ts';
import { deletionPolicyOf } from '../retention.ts';
import {
  ENI_REASONS,
  type EniCondition,
  type EniObject,
  type EniObjectAttachment,
  type EniObjectStatus,
  type EniReason,
} from './eni-object.ts';

/** Far above what an interface can have (64): whoever may write the object can write its status. */
const MAX_ADDRESSES = 128;

/** Reads an `ENI`. What cannot be understood counts as not given: the plan then refuses what it cannot do without. */
export function toEniObject(object: CustomObject): EniObject {
  const { namespace, name, uid, resourceVersion, deleting, finalizers, spec, status } = object;
  const { attachment } = spec;
  const policy = deletionPolicyOf(object.deletionPolicy);
  return {
    namespace,
    name,
    uid,
    resourceVersion,
    terminating: deleting,
    finalizers,
    // Of a word that nobody understands the harmless meaning is taken.
    deletionPolicy: typeof policy === 'object' ? 'Retain' : policy,
    spec: {
      subnetId: textOf(spec['subnetID']) ?? '',
      securityGroups: textsOf(spec['securityGroups']),
      secondaryAddresses: Math.max(0, integerOf(spec['secondaryPrivateIPAddressCount']) ?? 0),
      description: textOf(spec['description']),
      podName: isObject(attachment) ? textOf(attachment['podName']) : undefined,
    },
    status: toStatus(status),
  };
}

function toStatus(status: JsonObject): EniObjectStatus {
  return {
    networkInterfaceId: textOf(status['networkInterfaceID']),
    macAddress: textOf(status['macAddress']),
    privateIPAddresses: textsOf(status['privateIPAddresses'])
      .slice(0, MAX_ADDRESSES)
      .flatMap((text) => parseIp(text) ?? []),
    attachment: toAttachment(status['attachment']),
    ready: toCondition(status['conditions']),
  };
}

function toAttachment(raw: unknown): EniObjectAttachment | undefined {
  if (!isObject(raw)) return undefined;
  return {
    podName: textOf(raw['podName']) ?? '',
    instanceId: textOf(raw['instanceID']),
    deviceIndex: integerOf(raw['deviceIndex']),
    networkCard: integerOf(raw['networkCardIndex']),
  };
}

function toCondition(raw: unknown): EniCondition | undefined {
  const ready = Array.isArray(raw) ? raw.filter(isObject).find((entry) => entry['type'] === 'Ready') : undefined;
  const reason = textOf(ready?.['reason']);
  if (ready === undefined || reason === undefined || !Object.hasOwn(ENI_REASONS, reason)) return undefined;
  const since = textOf(ready['lastTransitionTime']);
  return {
    status: ready['status'] === 'True' ? 'True' : 'False',
    reason: reason as EniReason,
    message: textOf(ready['message']) ?? '',
    ...(since === undefined ? {} : { since }),
  };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((one) => textOf(one) ?? []) : [];
}

/** A status as a merge patch writes it: null removes a key. `lastTransitionTime` changes with the condition's status only. */
export function eniStatusBody(
  { status: before }: EniObject,
  { ready, ...status }: EniObjectStatus,
  now: number,
): JsonObject {
  const { attachment } = status;
  const kept = before.ready?.status === ready?.status ? before.ready?.since : undefined;
  const lastTransitionTime = kept ?? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    networkInterfaceID: status.networkInterfaceId ?? null,
    macAddress: status.macAddress ?? null,
    privateIPAddresses: status.privateIPAddresses.length === 0 ? null : status.privateIPAddresses,
    attachment: attachment === undefined ? null : attachmentBody(attachment),
    conditions:
      ready === undefined
        ? null
        : [{ type: 'Ready', status: ready.status, reason: ready.reason, message: ready.message, lastTransitionTime }],
  };
}

function attachmentBody({ podName, instanceId, deviceIndex, networkCard }: EniObjectAttachment): JsonObject {
  return {
    podName,
    instanceID: instanceId ?? null,
    deviceIndex: deviceIndex ?? null,
    networkCardIndex: networkCard ?? null,
  };
}
