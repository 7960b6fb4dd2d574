import type { InterfaceFacts } from '../../model/eni-facts.ts';
import { ENI_TAG, type EniObject } from '../../model/eni-object.ts';

/** The interfaces of one object: its own, the twins that should not be, and the one its status names without right. */
export interface Identified {
  readonly own: InterfaceFacts | undefined;
  /** Made for the object as well; only one can be its interface. */
  readonly surplus: readonly InterfaceFacts[];
  readonly foreign: InterfaceFacts | undefined;
}

/**
 * Whose an interface is, its tags say: cluster and uid of the object, written in the creating call. One that has no tags of ours but
 * is named by the status comes from k8s-aws-operator, which wrote none; it becomes ours unless something speaks against it.
 */
export function identify(object: EniObject, interfaces: readonly InterfaceFacts[], clusterName: string): Identified {
  const recorded = interfaces.find(({ id }) => id === object.status.networkInterfaceId);
  const tagged = interfaces.filter((facts) => isTaggedFor(facts, object, clusterName)).toSorted(byId);
  if (recorded !== undefined && !tagged.includes(recorded)) {
    if (!isAdoptable(recorded, object)) return { own: undefined, surplus: [], foreign: recorded };
    return { own: recorded, surplus: tagged, foreign: undefined };
  }
  const own = recorded ?? tagged.find(({ attachment }) => attachment !== undefined) ?? tagged[0];
  return { own, surplus: tagged.filter((facts) => facts !== own), foreign: undefined };
}

function isTaggedFor({ tags, managed }: InterfaceFacts, { uid }: EniObject, clusterName: string): boolean {
  return !managed && tags[ENI_TAG.cluster] === clusterName && tags[ENI_TAG.uid] === uid;
}

/** Tags of the VPC CNI, whose interfaces carry the addresses of ordinary pods. */
const CNI_TAGS = ['node.k8s.amazonaws.com/instance_id', 'cluster.k8s.amazonaws.com/name'];

/** No service's, no node's first interface, not the CNI's, nobody else's object's, and in the subnet that the object wants. */
function isAdoptable(facts: InterfaceFacts, { spec }: EniObject): boolean {
  const isNodes = facts.attachment?.deviceIndex === 0;
  const isOthers = facts.tags[ENI_TAG.uid] !== undefined || CNI_TAGS.some((key) => key in facts.tags);
  return !facts.managed && !isNodes && !isOthers && facts.subnetId === spec.subnetId;
}

function byId(a: InterfaceFacts, b: InterfaceFacts): number {
  return a.id < b.id ? -1 : 1;
}
