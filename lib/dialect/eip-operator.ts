import type {
  CustomObject,
  EipAssignment,
  EipObjectDialect,
  EipObjectOutcome,
  ObjectClaim,
  ObjectContext,
} from '../model/eip-objects/eip-object.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import { isObject, type JsonObject, shown, textOf } from '../model/json.ts';
import type { Refusal } from '../model/refusal.ts';
import { deletionPolicyOf, RETAINED_TAG, retainedFor } from '../model/retention.ts';

const PREFIX = 'eip.materialize.cloud';

export const TAG = {
  uid: `${PREFIX}/eip_uid`,
  name: `${PREFIX}/eip_name`,
  cluster: `${PREFIX}/cluster_name`,
  namespace: `${PREFIX}/namespace`,
  pod: `${PREFIX}/pod_name`,
  nodes: `${PREFIX}/node_selector`,
} as const;

/** Of the tool's first version. */
export const LEGACY_TAG = {
  podUid: 'eip.aws.materialize.com/pod_uid',
  cluster: 'eip.aws.materialize.com/cluster_name',
} as const;

const FINALIZER = `${PREFIX}/destroy`;

/** `Eip` of k8s-eip-operator, versions v1 (spec.podName) and v2 (spec.selector), read as v2. */
export const eipOperator: EipObjectDialect = {
  name: 'eip-operator',
  resource: { group: 'materialize.cloud', version: 'v2', plural: 'eips', kind: 'Eip' },
  finalizer: FINALIZER,
  claimOf,
  statusOf,
  ownerOf: (tags, clusterName) => {
    const uid = tags[TAG.cluster] === clusterName ? tags[TAG.uid] : undefined;
    return uid === undefined ? undefined : { uid, namespace: tags[TAG.namespace] };
  },
};

function claimOf(object: CustomObject, context: ObjectContext): ObjectClaim | Refusal {
  const selected = selectorOf(object.spec);
  // What is to be deleted is given back, however broken its spec is.
  if ('reason' in selected && !object.deleting) return selected;
  const policy = deletionPolicyOf(object.deletionPolicy);
  if (typeof policy === 'object' && !object.deleting) return invalid(policy.fault);
  const assignment: EipAssignment = 'reason' in selected ? { kind: 'none' } : selected;
  return {
    dialect: 'eip-operator',
    object,
    held: object.finalizers.includes(FINALIZER),
    allocation: { pools: [AMAZON_POOL], address: undefined },
    allocationId: textOf(object.status['allocationId']),
    tags: tagsOf(object, assignment, context),
    identity: { [TAG.uid]: object.uid },
    cluster: { [TAG.cluster]: context.clusterName },
    adoption: { [TAG.cluster]: context.clusterName, [RETAINED_TAG]: retainedFor('Eip', object) },
    // Of a word that nobody understands the harmless meaning is taken.
    deletionPolicy: typeof policy === 'object' ? 'Retain' : policy,
    prunesTagsBut: undefined,
    assignment,
    mayBeAtPod: true,
    upgrade: upgradeOf(object.spec),
  };
}

function selectorOf(spec: JsonObject): EipAssignment | Refusal {
  const v1 = textOf(spec['podName']);
  if (v1 !== undefined) return { kind: 'pod', name: v1 };
  const selector = isObject(spec['selector']) ? spec['selector'] : {};
  const { pod, node } = selector;
  if (pod !== undefined && node !== undefined) return invalid('spec.selector has both pod and node; keep one');
  if (isObject(pod)) {
    const name = textOf(pod['podName']);
    return name === undefined ? invalid('spec.selector.pod.podName is missing') : { kind: 'pod', name };
  }
  const labels = isObject(node) && isObject(node['selector']) ? Object.entries(node['selector']) : [];
  if (labels.length === 0)
    return invalid('spec.selector names neither a pod (pod.podName) nor labels of nodes (node.selector)');
  return {
    kind: 'node',
    labels: Object.fromEntries(labels.map(([key, value]) => [key, typeof value === 'string' ? value : shown(value)])),
  };
}

/** Version 1 is rewritten in the form of version 2, which is the stored one; there is no conversion webhook. */
function upgradeOf(spec: JsonObject): JsonObject | undefined {
  const podName = textOf(spec['podName']);
  return podName === undefined ? undefined : { podName: null, selector: { pod: { podName }, node: null } };
}

function tagsOf(
  { uid, name, namespace }: CustomObject,
  assignment: EipAssignment,
  { clusterName, defaultTags }: ObjectContext,
) {
  const target: Record<string, string> =
    assignment.kind === 'pod'
      ? { [TAG.pod]: assignment.name }
      : assignment.kind === 'node'
        ? { [TAG.nodes]: JSON.stringify(assignment.labels) }
        : {};
  return {
    ...defaultTags,
    [TAG.uid]: uid,
    [TAG.name]: name,
    [TAG.namespace]: namespace,
    [TAG.cluster]: clusterName,
    ...target,
    Name: `eip-operator:${clusterName}:${namespace}:${name}`,
  };
}

function statusOf(_claim: ObjectClaim, { eip, bound }: EipObjectOutcome): JsonObject {
  return {
    allocationId: eip?.allocationId,
    publicIpAddress: eip?.publicIp,
    eni: bound?.eni,
    privateIpAddress: bound?.privateIp,
    resourceId: bound?.holder,
    associationId: bound?.associationId,
  };
}

function invalid(message: string): Refusal {
  return { reason: 'InvalidSpec', message };
}
