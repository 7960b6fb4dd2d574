import { ENI_TAG, type EniObject } from '../../model/eni-objects/eni-object.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { RETAINED_TAG, retainedFor } from '../../model/retention.ts';

/** The interfaces of one object: its own, the twins that should not be, and the one its status names without right. */
export interface Identified {
  readonly own: NetworkInterface | undefined;
  /** Made for the object as well; only one can be its interface. */
  readonly surplus: readonly NetworkInterface[];
  readonly foreign: NetworkInterface | undefined;
}

/**
 * Whose an interface is, its tags say, and nothing that an object says about itself: cluster and uid of the object, written in the
 * creating call; or cluster and the object's kind and name, written by whoever may tag in EC2 or when an earlier object went with its
 * namespace. The latter becomes ours unless something speaks against it.
 */
export function identify(object: EniObject, interfaces: readonly NetworkInterface[], clusterName: string): Identified {
  const recordedId = object.status.networkInterfaceId;
  const tagged = interfaces.filter((facts) => isTaggedFor(facts, object, clusterName)).toSorted(byId);
  const own =
    tagged.find(({ id }) => id === recordedId) ??
    tagged.find(({ attachment }) => attachment !== undefined) ??
    tagged[0];
  const surplus = tagged.filter((facts) => facts !== own && !facts.tags[RETAINED_TAG]);
  if (own !== undefined) return { own, surplus, foreign: undefined };
  const left = interfaces.filter((facts) => isLeftFor(facts, object, clusterName)).toSorted(byId);
  const adopted = left.find(({ id }) => id === recordedId) ?? left[0];
  const foreign = adopted === undefined ? interfaces.find(({ id }) => id === recordedId) : undefined;
  return { own: adopted, surplus, foreign };
}

function isTaggedFor({ tags, managed }: NetworkInterface, { uid }: EniObject, clusterName: string): boolean {
  return !managed && tags[ENI_TAG.cluster] === clusterName && tags[ENI_TAG.uid] === uid;
}

function isLeftFor(facts: NetworkInterface, object: EniObject, clusterName: string): boolean {
  const isMeant = facts.tags[RETAINED_TAG] === retainedFor('ENI', object);
  return facts.tags[ENI_TAG.cluster] === clusterName && isMeant && isAdoptable(facts, object);
}

/** Tags of the VPC CNI, whose interfaces carry the addresses of ordinary pods. */
const CNI_TAGS = ['node.k8s.amazonaws.com/instance_id', 'cluster.k8s.amazonaws.com/name'];

/** No service's, no node's first interface, not the CNI's, and in the subnet that the object wants. */
function isAdoptable(facts: NetworkInterface, { spec }: EniObject): boolean {
  const isNodes = facts.attachment?.deviceIndex === 0;
  const isCnis = CNI_TAGS.some((key) => key in facts.tags);
  return !facts.managed && !isNodes && !isCnis && facts.subnetId === spec.subnetId;
}

function byId(a: NetworkInterface, b: NetworkInterface): number {
  return a.id < b.id ? -1 : 1;
}
