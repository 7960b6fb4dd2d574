import { ENI_TAG } from '../eni-objects/eni-object.ts';
import { RETAINED_TAG } from '../retention.ts';
import type { NodeEniSpec } from './node-eni.ts';

/** Tags that mark an interface as one slot's. All of them travel in the creating call, so that no crash can leave one without. */
export const NODE_ENI_TAG = {
  cluster: ENI_TAG.cluster,
  uid: 'eni-agent.io/node-eni-uid',
  name: 'eni-agent.io/node-eni',
  instance: 'eni-agent.io/node-eni-instance',
  index: 'eni-agent.io/node-eni-index',
  node: 'eni-agent.io/node',
  /** The object's `deletionPolicy`: what may become of the interface when the object is gone and cannot be asked any more. */
  policy: 'eni-agent.io/node-eni-policy',
} as const;

/** The AWS VPC CNI leaves an interface with this tag alone; else it would hand its addresses to pods. */
const NO_MANAGE = { 'node.k8s.amazonaws.com/no_manage': 'true' } as const;

/** The place of one interface: an object's, on one instance. An instance id is never given twice, a node's name may be. */
export interface Slot {
  readonly uid: string;
  readonly instanceId: string;
  readonly index: number;
}

export function slotKey({ uid, instanceId, index }: Slot): string {
  return `${uid}/${instanceId}/${index}`;
}

/** The slot that tags name; undefined for anything but an interface that this cluster's controller made or adopted for a NodeENI. */
export function slotOf(tags: Readonly<Record<string, string>>, clusterName: string): Slot | undefined {
  const [uid, instanceId, index] = [
    tags[NODE_ENI_TAG.uid],
    tags[NODE_ENI_TAG.instance],
    tags[NODE_ENI_TAG.index] ?? '',
  ];
  if (tags[NODE_ENI_TAG.cluster] !== clusterName || !uid || !instanceId || !/^\d{1,3}$/.test(index)) return undefined;
  return { uid, instanceId, index: Number(index) };
}

/** Every tag that the interface of a slot must have. The object's own cannot replace ours. */
export function nodeEniTags(
  slot: Slot,
  about: { readonly clusterName: string; readonly name: string; readonly node: string },
  { tags: own, deletionPolicy }: Pick<NodeEniSpec, 'tags' | 'deletionPolicy'>,
): Record<string, string> {
  return {
    Name: `${about.name} ${about.node}`.slice(0, 255),
    ...own,
    [NODE_ENI_TAG.cluster]: about.clusterName,
    [NODE_ENI_TAG.uid]: slot.uid,
    [NODE_ENI_TAG.name]: about.name,
    [NODE_ENI_TAG.instance]: slot.instanceId,
    [NODE_ENI_TAG.index]: String(slot.index),
    [NODE_ENI_TAG.node]: about.node,
    [NODE_ENI_TAG.policy]: deletionPolicy,
    ...NO_MANAGE,
  };
}

/**
 * The idempotency token of the creating call, at most 64 characters: one slot gets one interface however often a reply is lost and
 * whoever leads. `gone`: an interface of the slot that is known not to exist any more; EC2 remembers tokens longer than interfaces.
 */
export function nodeEniToken({ uid, instanceId, index }: Slot, gone: string | undefined): string {
  const salt = gone === undefined ? '' : `.${gone.slice(-6)}`;
  return `${`${uid}.${instanceId.replace(/^i-/, '')}.${index}`.slice(0, 64 - salt.length)}${salt}`;
}

/** Tags that aws-multi-eni-controller writes on its interfaces (its source, `createENI`). */
export const LEGACY_TAG = {
  manager: 'kubernetes.io/cluster/managed-by',
  managerValue: 'nodeeni-controller',
  object: 'NodeENI',
} as const;

/** True where the tags say that the interface may go when its object is gone. Without the word `Delete` nobody knows what that wanted. */
export function goesWithItsObject(tags: Readonly<Record<string, string>>): boolean {
  return tags[NODE_ENI_TAG.policy] === 'Delete' && !tags[RETAINED_TAG];
}

/** The value of the tag `eni-agent.io/retained-for` on an interface that outlives its object: a NodeENI of that name adopts it. */
export function retainedForNodeEni(name: string): string {
  return `NodeENI/${name}`;
}
