import { type NodeEniEntry, selectsNode } from '../../model/node-enis/node-eni.ts';
import type { NodeEniNode, NodeEniPlan, NodeEniSnapshot } from '../../model/node-enis/plan.ts';
import { needsGroups } from './choose-network.ts';
import { decideObject, type ObjectDecision } from './decide-object.ts';
import { decideSlot } from './decide-slot.ts';
import { type Decided, noticesFor } from './notices.ts';
import { statusOf } from './object-status.ts';
import { Planned } from './planned.ts';
import { type SlotView, viewSlots } from './slots.ts';

/**
 * The next step for every interface of every node, what statuses and nodes must say, and what must be read first.
 *
 * Guarantees: pure; at most one step a slot; two slots never get one place; an instance never gets more than its type carries less what
 * the VPC CNI keeps; never a step for an interface whose tags in EC2 do not name the object; nothing is detached while it may be used.
 */
export function planNodeEnis(snapshot: NodeEniSnapshot): NodeEniPlan {
  const { interfacesAt } = snapshot;
  const views = viewSlots(snapshot);
  const planned = new Planned(views);
  const byObject = Map.groupBy(views, ({ object }) => object.uid);
  const objects = snapshot.objects.map((object) => {
    const own = byObject.get(object.uid) ?? [];
    return { object, views: own, decision: decideObject(object, own, snapshot) };
  });
  const held = new Set(objects.filter(({ decision }) => decision.held).map(({ object }) => object.uid));
  const decided = ordered(views)
    .filter(({ object }) => !held.has(object.uid))
    .map((view): Decided => ({ view, decision: decideSlot(view, snapshot, planned) }));
  const slotsOf = Map.groupBy(decided, ({ view }) => view.object.uid);
  const decisions = [...decided.map(({ decision }) => decision), ...objects.map(({ decision }) => decision)];
  return {
    steps: decisions.flatMap(({ step }) => step ?? []),
    statuses: objects
      // Before the interfaces are read, a status that an earlier process wrote knows more.
      .filter(({ object, decision }) => (!decision.held && interfacesAt !== undefined) || object.faults.length > 0)
      .map(({ object }) => {
        const slots = slotsOf.get(object.uid) ?? [];
        const lacking = snapshot.nodes.filter((node) => isLacking(node, object)).map((node) => withoutInstance(node));
        const desired = slots.filter(({ view }) => view.wanted).length + lacking.length * object.spec.count;
        return {
          object,
          status: statusOf(object, desired, [...slots.map(({ decision }) => decision.entry), ...lacking]),
        };
      }),
    notices: noticesFor(decided, snapshot),
    read: readsOf(decided, objects, snapshot),
    poll: decided.some(({ decision }) => decision.poll === true),
    retryAt: earliest(decisions.map(({ retryAt }) => retryAt)),
  };
}

/** Interfaces that exist take their places before new ones are planned; then by object, node and index. */
function ordered(views: readonly SlotView[]): readonly SlotView[] {
  const rank = ({ own }: SlotView) => (own === undefined ? 1 : 0);
  const name = ({ object, node, slot }: SlotView) => `${object.name} ${node?.name ?? ''} ${1000 + slot.index}`;
  return views.toSorted((a, b) => rank(a) - rank(b) || (name(a) < name(b) ? -1 : 1));
}

function isLacking(node: NodeEniNode, object: SlotView['object']): boolean {
  const isServed = !object.terminating && object.faults.length === 0;
  return isServed && node.instanceId === undefined && selectsNode(object, node);
}

function withoutInstance({ name }: NodeEniNode): NodeEniEntry {
  return {
    node: name,
    instanceId: '',
    index: 0,
    networkInterfaceId: undefined,
    macAddress: undefined,
    subnetId: undefined,
    zone: undefined,
    address: undefined,
    deviceIndex: undefined,
    networkCard: undefined,
    attachmentId: undefined,
    interfaceName: undefined,
    state: 'Pending',
    reason: 'NodeUnknown',
    message: 'the Node has no providerID of an EC2 instance yet',
  };
}

function readsOf(
  decided: readonly Decided[],
  objects: readonly { readonly object: SlotView['object']; readonly decision: ObjectDecision }[],
  { rooms, interfaces, interfacesAt, objects: all }: NodeEniSnapshot,
): NodeEniPlan['read'] {
  const decisions = decided.map(({ decision }) => decision);
  const needsNetworks = decisions.some(({ readNetworks }) => readNetworks === true);
  const vpcs = [...rooms.values()]
    .flatMap(({ room }) => room?.vpcId ?? [])
    .concat(interfaces.flatMap(({ vpcId }) => vpcId ?? []));
  return {
    // Without any object a node may still say what it has.
    interfaces:
      interfacesAt === undefined ||
      [...decisions, ...objects.map(({ decision }) => decision)].some(({ readInterfaces }) => readInterfaces === true),
    rooms: [...new Set(decisions.flatMap(({ readRoom }) => readRoom ?? []))],
    networks: needsNetworks ? [...new Set(vpcs)].sort() : [],
    groups: all.some(({ spec }) => needsGroups(spec)),
    users: [...new Set(decisions.flatMap(({ readUsers }) => readUsers ?? []))],
    endings: objects.filter(({ decision }) => decision.readEnding === true).map(({ object }) => object),
  };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
