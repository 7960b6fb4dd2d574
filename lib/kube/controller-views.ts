import type { V1Node } from '@kubernetes/client-node';
import type { ControllerNode, ControllerPod } from '../model/eip-objects/plan.ts';
import { parseIp } from '../model/ip.ts';
import { instanceIdOf } from './node.ts';
import type { RawObject } from './object-store.ts';
import { type MetadataFilter, podConverter } from './pods.ts';
import type { Wire } from './wire.ts';

/** What the controller reads of a pod. Thousands may be watched, so every key counts. */
const CONTROLLER_METADATA = {
  annotations: ['eni-agent.io/eip-handover', 'eni-agent.io/addresses', 'eip.materialize.cloud/*'],
  labels: ['eip.materialize.cloud/*', 'eip.aws.materialize.com/*'],
} as const satisfies MetadataFilter;

const toLeanPod = podConverter(CONTROLLER_METADATA);

export function toControllerPod(raw: RawObject): ControllerPod {
  return { ...toLeanPod(raw), conditions: [], resourceVersion: raw.metadata.resourceVersion ?? '' };
}

export function toControllerNode(raw: Wire<V1Node>): ControllerNode {
  const { metadata, spec, status } = raw;
  const internal = (status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => parseIp(address ?? '') ?? []);
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion ?? '',
    labels: metadata.labels ?? {},
    finalizers: metadata.finalizers ?? [],
    ready: (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    deleting: metadata.deletionTimestamp !== undefined,
    instanceId: instanceIdOf(spec?.providerID ?? ''),
    internalIp: internal.find((address) => !address.includes(':')),
  };
}
