import type {
  CustomObject,
  EipAllocation,
  EipAssignment,
  EipObjectDialect,
  EipObjectOutcome,
  ObjectClaim,
  ObjectContext,
} from '../model/eip-objects/eip-object.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import { familyOf, parseIp } from '../model/ip.ts';
import { integerOf, isObject, type JsonObject, shown, textOf } from '../model/json.ts';
import type { Refusal } from '../model/refusal.ts';
import { deletionPolicyOf, RETAINED_TAG, retainedFor } from '../model/retention.ts';
import { isReservedTag } from './tag-limits.ts';

const FINALIZER = 'aws.k8s.logmein.com';

/** The operator marked its EIPs by nothing but the status, and lost some; ours carry the object's uid. */
export const TAG = {
  uid: 'eni-agent.io/object-uid',
  object: 'eni-agent.io/object',
  cluster: 'eni-agent.io/cluster',
  /** Name of the pod that it is assigned to, in the object's namespace: proof for the node agent that binds it. */
  pod: 'eni-agent.io/object-pod',
} as const;

/** What EC2 takes on one resource, ours included (EC2 user guide, tag restrictions). */
const MAX_TAGS = 50;

/** Tags of other parts of the program and of AWS itself. */
const KEPT_TAGS = ['eni-agent.io/', 'aws:'];

/** `EIP` of k8s-aws-operator. */
export const awsOperator: EipObjectDialect = {
  name: 'aws-operator',
  resource: { group: 'aws.k8s.logmein.com', version: 'v1alpha1', plural: 'eips', kind: 'EIP' },
  finalizer: FINALIZER,
  claimOf,
  statusOf,
  ownerOf: (tags, clusterName) => {
    const uid = tags[TAG.cluster] === clusterName ? tags[TAG.uid] : undefined;
    return uid === undefined ? undefined : { uid, namespace: tags[TAG.object]?.split('/')[0] };
  },
};

function claimOf(object: CustomObject, context: ObjectContext): ObjectClaim | Refusal {
  const { spec, status } = object;
  const assignment = assignmentOf(spec['assignment']);
  const allocation = allocationOf(spec);
  // What is to be deleted is given back, however broken its spec is.
  if ('reason' in assignment && !object.deleting) return assignment;
  if ('reason' in allocation && !object.deleting) return allocation;
  const tags = tagsOf(spec);
  const count = isObject(spec['tags']) ? Object.keys(spec['tags']).length : 0;
  if (count > MAX_TAGS && !object.deleting)
    return invalid(`spec.tags: ${count} tags are more than the ${MAX_TAGS} that EC2 takes; remove some`);
  const reserved = Object.keys(tags).find(isReservedTag);
  if (reserved !== undefined && !object.deleting)
    return invalid(`spec.tags: ${shown(reserved)} is a reserved key, by which owners are known; choose another one`);
  const policy = deletionPolicyOf(object.deletionPolicy);
  if (typeof policy === 'object' && !object.deleting) return invalid(policy.fault);
  return {
    dialect: 'aws-operator',
    object,
    held: object.finalizers.includes(FINALIZER),
    allocation: 'reason' in allocation ? { pools: [], address: undefined } : allocation,
    allocationId: textOf(status['allocationId']),
    tags: {
      ...context.defaultTags,
      ...tags,
      ...identityOf(object, context),
      [TAG.object]: `${object.namespace}/${object.name}`,
      ...('kind' in assignment && assignment.kind === 'pod' ? { [TAG.pod]: assignment.name } : {}),
    },
    identity: { [TAG.uid]: object.uid },
    cluster: { [TAG.cluster]: context.clusterName },
    adoption: { [TAG.cluster]: context.clusterName, [RETAINED_TAG]: retainedFor('EIP', object) },
    // Of a word that nobody understands the harmless meaning is taken.
    deletionPolicy: typeof policy === 'object' ? 'Retain' : policy,
    prunesTagsBut: isObject(spec['tags']) ? KEPT_TAGS : undefined,
    assignment: 'reason' in assignment ? { kind: 'none' } : assignment,
    mayBeAtPod: mayBeAtPod(status),
    upgrade: undefined,
  };
}

function identityOf({ uid }: CustomObject, { clusterName }: ObjectContext): Record<string, string> {
  return { [TAG.cluster]: clusterName, [TAG.uid]: uid };
}

function tagsOf(spec: JsonObject): Record<string, string> {
  const entries = isObject(spec['tags']) ? Object.entries(spec['tags']).slice(0, MAX_TAGS) : [];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** The manual writes `publicIPv4Address` where the program read `publicIPAddress`: both count. */
function allocationOf(spec: JsonObject): EipAllocation | Refusal {
  const text = textOf(spec['publicIPAddress']) ?? textOf(spec['publicIPv4Address']);
  const address = text === undefined ? undefined : parseIp(text);
  if (text !== undefined && (address === undefined || familyOf(address) === 6))
    return invalid(`spec.publicIPAddress: ${shown(text)} is not an IPv4 address`);
  const several = Array.isArray(spec['publicIPv4Pools'])
    ? spec['publicIPv4Pools'].map(textOf).filter((pool) => pool !== undefined)
    : [];
  const one = textOf(spec['publicIPv4Pool']);
  const pools = [...new Set([...(one === undefined ? [] : [one]), ...several])];
  // A chosen address names its pool by itself.
  if (address !== undefined) return { pools: pools.slice(0, 1), address };
  return { pools: pools.length === 0 ? [AMAZON_POOL] : pools, address };
}

function assignmentOf(written: unknown): EipAssignment | Refusal {
  if (!isObject(written)) return { kind: 'none' };
  const podName = textOf(written['podName']);
  const eni = textOf(written['eni']);
  const privateIp = textOf(written['privateIPAddress']);
  const given = [podName, eni, privateIp].filter((way) => way !== undefined).length;
  if (given === 0) return { kind: 'none' };
  if (given > 1) return invalid('spec.assignment: exactly one of podName, eni and privateIPAddress may be given');
  if (podName !== undefined) return { kind: 'pod', name: podName };
  if (eni !== undefined)
    return { kind: 'eni', name: eni, addressIndex: integerOf(written['eniPrivateIPAddressIndex']) ?? 0 };
  const address = parseIp(privateIp ?? '');
  if (address !== undefined && familyOf(address) === 4) return { kind: 'private-ip', address };
  return invalid(`spec.assignment.privateIPAddress: ${shown(privateIp)} is not an IPv4 address`);
}

function mayBeAtPod({ assignment, state }: JsonObject): boolean {
  const podName = isObject(assignment) ? textOf(assignment['podName']) : undefined;
  return podName !== undefined || state === 'assigning' || state === 'reassigning' || state === 'unassigning';
}

function statusOf({ object, assignment }: ObjectClaim, { state, eip, bound }: EipObjectOutcome): JsonObject {
  const unchanged = state === 'reassigning' ? object.status['assignment'] : undefined;
  return {
    state,
    allocationId: eip?.allocationId,
    publicIPAddress: eip?.publicIp,
    associationId: bound?.associationId,
    assignment:
      bound === undefined ? unchanged : { ...writtenAssignment(assignment), privateIPAddress: bound.privateIp },
    podUUID: bound?.holderUid,
  };
}

function writtenAssignment(assignment: EipAssignment): JsonObject {
  switch (assignment.kind) {
    case 'pod':
      return { podName: assignment.name };
    case 'eni':
      return {
        eni: assignment.name,
        ...(assignment.addressIndex === 0 ? {} : { eniPrivateIPAddressIndex: assignment.addressIndex }),
      };
    case 'node':
    case 'private-ip':
    case 'none':
      return {};
  }
  return assignment satisfies never;
}

function invalid(message: string): Refusal {
  return { reason: 'InvalidSpec', message };
}
