import type { EniId } from '../../model/eni.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { type NodeEni, selectsNode } from '../../model/node-enis/node-eni.ts';
import type { NodeEniNode, NodeEniSnapshot } from '../../model/node-enis/plan.ts';
import {
  LEGACY_TAG,
  NODE_ENI_TAG,
  retainedForNodeEni,
  type Slot,
  slotKey,
  slotOf,
} from '../../model/node-enis/tags.ts';
import { RETAINED_TAG } from '../../model/retention.ts';

/** One slot with what there is in EC2 for it. */
export interface SlotView {
  readonly object: NodeEni;
  /** Undefined when no Node object names the instance (any more). */
  readonly node: NodeEniNode | undefined;
  readonly slot: Slot;
  readonly key: string;
  readonly own: NetworkInterface | undefined;
  /** The interface that the object's status names for the slot. */
  readonly recorded: EniId | undefined;
  /** False: the interface is there, but nobody wants it any more. */
  readonly wanted: boolean;
}

/**
 * The slots that objects want, and the interfaces that exist for them.
 *
 * Whose an interface is, its tags say: ours, written in the creating call; or those of aws-multi-eni-controller or of a retained
 * interface, which name the object: such a one is adopted where it is attached. An object that cannot be understood keeps what it has.
 */
export function viewSlots(snapshot: NodeEniSnapshot): readonly SlotView[] {
  const nodeOf = new Map(
    snapshot.nodes.flatMap((node) => (node.instanceId === undefined ? [] : [[node.instanceId, node] as const])),
  );
  return snapshot.objects.flatMap((object) => viewObject(object, nodeOf, snapshot));
}

function viewObject(
  object: NodeEni,
  nodeOf: ReadonlyMap<string, NodeEniNode>,
  { interfaces, clusterName }: NodeEniSnapshot,
): readonly SlotView[] {
  const tagged = new Map<string, NetworkInterface[]>();
  const slots = new Map<string, Slot>();
  const add = (slot: Slot, facts: NetworkInterface) => {
    const key = slotKey(slot);
    slots.set(key, slot);
    tagged.set(key, [...(tagged.get(key) ?? []), facts]);
  };
  for (const facts of interfaces) {
    const slot = facts.managed ? undefined : slotOf(facts.tags, clusterName);
    if (slot?.uid === object.uid) add(slot, facts);
  }
  for (const facts of interfaces) {
    const instanceId = adoptableBy(object, facts, clusterName);
    if (instanceId === undefined || !nodeOf.has(instanceId)) continue;
    let index = 0;
    while (tagged.has(slotKey({ uid: object.uid, instanceId, index }))) index += 1;
    add({ uid: object.uid, instanceId, index }, facts);
  }
  const isServed = !object.terminating && object.faults.length === 0;
  const recorded = new Map(
    object.status.nodes.map((entry) => [slotKey({ uid: object.uid, ...entry }), entry.networkInterfaceId]),
  );
  const views: SlotView[] = [];
  for (const [instanceId, node] of nodeOf) {
    if (!isServed || !selectsNode(object, node)) continue;
    for (let index = 0; index < object.spec.count; index += 1) {
      const slot = { uid: object.uid, instanceId, index };
      const key = slotKey(slot);
      const [own, ...surplus] = ranked(tagged.get(key) ?? [], instanceId);
      tagged.delete(key);
      if (own === undefined && node.deleting) continue;
      const view = { object, node, slot, key, recorded: recorded.get(key) };
      views.push({ ...view, own, wanted: true });
      views.push(...surplus.map((facts) => surplusView({ ...view, own: facts, wanted: false })));
    }
  }
  for (const [key, found] of tagged) {
    const slot = slots.get(key);
    if (slot === undefined) continue;
    const node = nodeOf.get(slot.instanceId);
    // Adopted interfaces beyond the count stay: a switch must not detach anything. So does what a broken object has.
    const isKept =
      !object.terminating &&
      (!isServed || (object.dialect !== 'own' && node !== undefined && selectsNode(object, node)));
    const [first, ...rest] = ranked(found, slot.instanceId);
    const view = { object, node, slot, key, recorded: recorded.get(key) };
    if (first !== undefined) views.push({ ...view, own: first, wanted: isKept });
    views.push(...rest.map((facts) => surplusView({ ...view, own: facts, wanted: false })));
  }
  return views;
}

/** A twin has a key of its own, or its steps would take the place of the first one's. */
function surplusView(view: SlotView): SlotView {
  return { ...view, key: `${view.key}/${view.own?.id ?? ''}` };
}

/** The one on the instance first, then any that is attached, then by id. */
function ranked(found: readonly NetworkInterface[], instanceId: string): readonly NetworkInterface[] {
  const rank = ({ attachment }: NetworkInterface) =>
    attachment === undefined ? 2 : attachment.instanceId === instanceId ? 0 : 1;
  return found.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}

/** Tags of the VPC CNI, whose interfaces carry the addresses of ordinary pods. */
const CNI_TAGS = ['node.k8s.amazonaws.com/instance_id', 'cluster.k8s.amazonaws.com/name'];

/** The instance on which the object may adopt an interface, or undefined. Its tags in EC2 must name the object. */
function adoptableBy(object: NodeEni, facts: NetworkInterface, clusterName: string): string | undefined {
  const { tags, attachment, managed } = facts;
  if (managed || attachment?.state !== 'attached' || attachment.deviceIndex === 0) return undefined;
  if (CNI_TAGS.some((key) => key in tags) || slotOf(tags, clusterName)?.uid === object.uid) return undefined;
  const isOfOldController =
    object.dialect === 'multi-eni-controller' &&
    tags[LEGACY_TAG.manager] === LEGACY_TAG.managerValue &&
    tags[LEGACY_TAG.object] === object.name &&
    !(NODE_ENI_TAG.uid in tags);
  const isRetained =
    tags[NODE_ENI_TAG.cluster] === clusterName && tags[RETAINED_TAG] === retainedForNodeEni(object.name);
  return isOfOldController || isRetained ? attachment.instanceId : undefined;
}
