import type { EniId } from '../../model/eni.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { type AnnouncedInterface, type Announcement, renderAnnouncement } from '../../model/node-enis/announcement.ts';
import { hostNameOf } from '../../model/node-enis/node-eni.ts';
import type { NodeEniNode, NodeEniNotice, NodeEniSnapshot, SlotDecision } from '../../model/node-enis/plan.ts';
import { goesWithItsObject, slotOf } from '../../model/node-enis/tags.ts';
import type { SlotView } from './slots.ts';

export interface Decided {
  readonly view: SlotView;
  readonly decision: SlotDecision;
}

/** The annotations that differ from what the nodes have. None before it is known which interfaces there are: no annotation may lose what there is. */
export function noticesFor(decided: readonly Decided[], snapshot: NodeEniSnapshot): readonly NodeEniNotice[] {
  if (snapshot.interfacesAt === undefined) return [];
  const byNode = Map.groupBy(decided, ({ view }) => view.node?.name ?? '');
  const orphans = orphansIn(snapshot);
  return snapshot.nodes.flatMap((node) => {
    const text = textFor(node, byNode.get(node.name) ?? [], orphans, snapshot);
    return text === node.announced ? [] : [{ node, text }];
  });
}

function textFor(
  node: NodeEniNode,
  decided: readonly Decided[],
  orphans: ReadonlyMap<EniId, NetworkInterface>,
  snapshot: NodeEniSnapshot,
): string | undefined {
  const before = node.announcement;
  const wanted = decided.filter(({ view }) => view.wanted && view.object.faults.length === 0).length;
  const interfaces = [...decided.flatMap((one) => announce(one, before, snapshot) ?? []), ...orphansOn(node, orphans)];
  // A node with the taint is reported that nothing is wanted, or it would wait forever.
  if (wanted === 0 && interfaces.length === 0 && !(node.tainted && snapshot.objects.length > 0)) return undefined;
  return renderAnnouncement({ wanted, interfaces });
}

function announce(
  { view, decision }: Decided,
  before: Announcement | undefined,
  { networks }: NodeEniSnapshot,
): AnnouncedInterface | undefined {
  const { own, object, slot } = view;
  const { attachment } = own ?? {};
  if (own === undefined || attachment === undefined || decision.notice === undefined) return undefined;
  const subnet = networks?.subnets.find(({ id }) => id === own.subnetId);
  return {
    nodeEni: object.name,
    index: slot.index,
    id: own.id,
    mac: own.mac,
    subnetId: own.subnetId,
    cidrs: subnet?.cidrs ?? before?.interfaces.find(({ id }) => id === own.id)?.cidrs ?? [],
    address: own.addresses.find(({ primary }) => primary)?.ip,
    deviceIndex: attachment.deviceIndex,
    networkCard: attachment.networkCard,
    name: hostNameOf(object.spec.interfaceName, slot.index),
    mtu: object.spec.mtu,
    state: decision.notice,
  };
}

/** Interfaces whose object is gone, and that wanted them gone with it. */
function orphansIn({ interfaces, objects, clusterName }: NodeEniSnapshot): ReadonlyMap<EniId, NetworkInterface> {
  const uids = new Set(objects.map(({ uid }) => uid));
  const isOrphan = ({ tags }: NetworkInterface) => {
    const slot = goesWithItsObject(tags) ? slotOf(tags, clusterName) : undefined;
    return slot !== undefined && !uids.has(slot.uid);
  };
  return new Map(interfaces.filter(isOrphan).map((facts) => [facts.id, facts]));
}

/** What the node knows of orphans on it: the sweep will take them, and no new pod may begin to use them. */
function orphansOn(
  { instanceId, announcement }: NodeEniNode,
  orphans: ReadonlyMap<EniId, NetworkInterface>,
): readonly AnnouncedInterface[] {
  return (announcement?.interfaces ?? []).flatMap((one): AnnouncedInterface[] => {
    const { attachment } = orphans.get(one.id) ?? {};
    return attachment?.instanceId === instanceId && attachment?.state === 'attached'
      ? [{ ...one, state: 'leaving' }]
      : [];
  });
}
