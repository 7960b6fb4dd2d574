import { integerOf, type JsonObject, objectsOf, textOf } from '../model/json.ts';
import type {
  NetworkSelector,
  NodeEni,
  NodeEniEntry,
  NodeEniState,
  NodeEniStatus,
} from '../model/node-enis/node-eni.ts';
import type { NodeEniSource } from '../model/node-enis/read.ts';

/** Reads a `NodeENI` of `networking.k8s.aws/v1alpha1` (aws-multi-eni-controller). Never throws: what cannot be understood becomes `faults`. */
export function fromMultiEniController(source: NodeEniSource): NodeEni {
  const { name, uid, resourceVersion, generation, deleting: terminating, finalizers, spec: raw } = source;
  const nodeSelector = Object.fromEntries(
    Object.entries((raw['nodeSelector'] ?? {}) as JsonObject).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
  const subnets = subnetsOf(raw);
  const faults = [
    ...(Object.keys(nodeSelector).length === 0 ? ['spec.nodeSelector names no label'] : []),
    ...(subnets.length === 0 ? ['spec has neither subnetID, subnetIDs, subnetName nor subnetNames'] : []),
  ];
  return {
    dialect: 'multi-eni-controller',
    name,
    uid,
    resourceVersion,
    generation,
    terminating,
    finalizers,
    faults,
    unsupported:
      raw['enableDPDK'] === true
        ? 'binding interfaces to a DPDK driver is not done by eni-agent; see docs/node-enis.md'
        : undefined,
    spec: {
      nodeSelector,
      subnets,
      securityGroups: [
        ...textsOf(raw['securityGroupIDs']).map((id) => ({ id })),
        ...textsOf(raw['securityGroupNames']).map((group) => ({ name: group })),
      ],
      count: 1,
      deviceIndex: integerOf(raw['deviceIndex']) || 1,
      networkCard: undefined,
      interfaceName: undefined,
      mtu: integerOf(raw['mtu']) || undefined,
      sourceDestCheck: undefined,
      description: textOf(raw['description']),
      tags: {},
      deletionPolicy: raw['deleteOnTermination'] === false ? 'Retain' : 'Delete',
    },
    status: toStatus(source.status, generation),
  };
}

/** Ids go before names, as in the replaced controller. */
function subnetsOf(raw: JsonObject): NetworkSelector[] {
  const ids = [...textsOf([raw['subnetID']]), ...textsOf(raw['subnetIDs'])];
  if (ids.length > 0) return [...new Set(ids)].map((id) => ({ id }));
  const names = [...textsOf([raw['subnetName']]), ...textsOf(raw['subnetNames'])];
  return [...new Set(names)].map((name) => ({ name }));
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((one) => textOf(one) ?? []) : [];
}

/** What the status records. It is a hint for counting only: whose an interface is, its tags say. */
function toStatus(raw: JsonObject, observedGeneration: number): NodeEniStatus {
  const nodes = objectsOf(raw['attachments']).map(
    (one): NodeEniEntry => ({
      node: textOf(one['nodeID']) ?? '',
      instanceId: textOf(one['instanceID']) ?? '',
      index: 0,
      networkInterfaceId: textOf(one['eniID']),
      macAddress: undefined,
      subnetId: textOf(one['subnetID']),
      zone: undefined,
      address: undefined,
      deviceIndex: integerOf(one['deviceIndex']),
      networkCard: undefined,
      attachmentId: textOf(one['attachmentID']),
      interfaceName: undefined,
      state: one['status'] === 'attached' ? 'Attached' : ((textOf(one['status']) ?? 'Pending') as NodeEniState),
      reason: undefined,
      message: '',
    }),
  );
  return {
    observedGeneration,
    desired: nodes.length,
    attached: nodes.length,
    ready: 0,
    failed: 0,
    nodes,
    condition: undefined,
  };
}

const SHOWN: ReadonlySet<NodeEniState> = new Set(['Attached', 'Ready', 'Leaving', 'Retained']);

/** The status in the words of the replaced controller, for tools that read it. `conditions` are kept where the definition has them. */
export function multiEniControllerStatus(status: NodeEniStatus, now: number): JsonObject {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const { condition } = status;
  return {
    attachments: shown(status).map(({ node, instanceId, networkInterfaceId, attachmentId, subnetId, deviceIndex }) => ({
      nodeID: node,
      instanceID: instanceId,
      eniID: networkInterfaceId,
      attachmentID: attachmentId,
      subnetID: subnetId,
      deviceIndex,
      status: 'attached',
      lastUpdated: time,
    })),
    conditions: condition && [
      {
        type: 'Ready',
        status: condition.status,
        reason: condition.reason,
        message: condition.message,
        lastTransitionTime: time,
      },
    ],
  };
}

/** True when both would be written alike; the definition of the replaced controller keeps nothing but attachments. */
export function sameMultiEniControllerStatus(a: NodeEniStatus, b: NodeEniStatus): boolean {
  return comparable(a) === comparable(b);
}

function comparable(status: NodeEniStatus): string {
  return JSON.stringify(
    shown(status).map((one) => [
      one.node,
      one.instanceId,
      one.networkInterfaceId,
      one.attachmentId,
      one.subnetId,
      one.deviceIndex,
    ]),
  );
}

function shown({ nodes }: NodeEniStatus): readonly NodeEniEntry[] {
  return nodes
    .filter(({ state, networkInterfaceId }) => SHOWN.has(state) && networkInterfaceId !== undefined)
    .toSorted((a, b) => (`${a.node}/${a.deviceIndex ?? ''}` < `${b.node}/${b.deviceIndex ?? ''}` ? -1 : 1));
}
