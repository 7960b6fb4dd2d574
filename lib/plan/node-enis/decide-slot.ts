import type { NetworkInterface } from '../../model/network-interface.ts';
import type { NodeEniSnapshot, NodeEniStep, SlotDecision } from '../../model/node-enis/plan.ts';
import { nodeEniTags } from '../../model/node-enis/tags.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import { attachSlot } from './attach.ts';
import { groupsFor } from './choose-network.ts';
import { createSlot } from './create.ts';
import { entryOf, refuse } from './entry.ts';
import { planLeaving } from './leave.ts';
import { misplacement } from './misplaced.ts';
import type { Planned } from './planned.ts';
import type { SlotView } from './slots.ts';
import { isOld, networksOf } from './surroundings.ts';

/** How old a describe may be that a call rests on, ms. An accepted call of ours counts as one. */
const FACTS_AGE_MS = 30_000;
/** The same for calls that take something away. */
const FRESH_MS = 2_000;
/** How often subnets and groups are read when nothing changes, ms. */
const NETWORKS_RESYNC_MS = 600_000;
const TAKES_AWAY: ReadonlySet<NodeEniStep['kind']> = new Set(['detach', 'delete', 'remove-finalizer']);

/** The next step for one slot, its status entry, and what the decision lacked. */
export function decideSlot(view: SlotView, snapshot: NodeEniSnapshot, planned: Planned): SlotDecision {
  const decision = decide(view, snapshot, planned);
  const { step } = decision;
  if (step === undefined) return decision;
  const failure = snapshot.failures.get(view.key);
  if (failure !== undefined && failure.until > snapshot.now) {
    const { reason, message, until } = failure;
    const state = view.own?.attachment === undefined ? 'Failed' : decision.entry.state;
    return { ...decision, step: undefined, entry: { ...decision.entry, state, reason, message }, retryAt: until };
  }
  if (isFresh(step, view, snapshot)) return decision;
  return { ...decision, step: undefined, readInterfaces: true };
}

function isFresh(step: NodeEniStep, { object, own, key }: SlotView, snapshot: NodeEniSnapshot): boolean {
  const { interfacesAt = 0, touchedAt, trustAfter, now } = snapshot;
  const trusted = interfacesAt >= (trustAfter.get(key) ?? 0);
  // The token guards a creating call against a describe that is older or lags; what the replaced controller made has none of ours.
  if (own === undefined) return trusted && (object.dialect === 'own' || interfacesAt >= now - FRESH_MS);
  if (TAKES_AWAY.has(step.kind)) return trusted && interfacesAt >= now - FRESH_MS;
  return trusted && Math.max(interfacesAt, touchedAt.get(own.id) ?? 0) >= now - FACTS_AGE_MS;
}

function decide(view: SlotView, snapshot: NodeEniSnapshot, planned: Planned): SlotDecision {
  const { object, node, own, wanted } = view;
  if (own !== undefined && object.faults.length > 0 && !object.terminating)
    return { entry: entryOf(view, own.attachment === undefined ? 'Pending' : 'Attached'), ...announced(own) };
  if (!wanted || node === undefined) return planLeaving(view, snapshot, undefined);
  if (own === undefined) return createSlot(view, snapshot, planned);
  const { attachment } = own;
  if (attachment === undefined) return missingTags(view, own, snapshot) ?? attachSlot(view, own, snapshot, planned);
  if (attachment.instanceId !== view.slot.instanceId) {
    const message = `${own.id} is attached to ${attachment.instanceId}; detach it there, or delete its tags in EC2`;
    return refuse(view, { reason: 'AttachedElsewhere', message });
  }
  if (attachment.state === 'detaching') return { entry: entryOf(view, 'Detaching'), poll: true };
  return keep(view, own, snapshot);
}

/** An interface in its place is brought to the spec; one in a place that the spec does not allow any more is replaced. */
function keep(view: SlotView, own: NetworkInterface, snapshot: NodeEniSnapshot): SlotDecision {
  const { node } = view;
  const attaching = own.attachment?.state === 'attaching';
  const tagging = missingTags(view, own, snapshot);
  if (tagging !== undefined) return { ...tagging, ...announced(own), poll: attaching };
  const misplaced = attaching ? undefined : misplacement(view.object, own, snapshot);
  if (misplaced !== undefined) return planLeaving(view, snapshot, misplaced);
  const step = upkeep(view, own, snapshot);
  const networks = networksOf(snapshot, own.vpcId);
  const groups = groupsFor(view.object.spec, networks, own.vpcId ?? '');
  const readNetworks = networks === undefined || isOld(snapshot, view.object.uid, NETWORKS_RESYNC_MS);
  const more = { step, ...announced(own), poll: attaching, readNetworks };
  if (groups !== undefined && 'reason' in groups) return refuse(view, groups, more);
  if (attaching) return { ...more, entry: entryOf(view, 'Attaching') };
  const { links } = node ?? {};
  if (links === undefined) return { ...more, entry: entryOf(view, 'Attached') };
  if (links.ready) return { ...more, entry: entryOf(view, 'Ready') };
  return { ...more, entry: entryOf(view, 'Attached', { reason: 'LinkNotReady', message: links.message }) };
}

function announced({ attachment }: NetworkInterface): Pick<SlotDecision, 'notice'> {
  return attachment === undefined || attachment.state === 'detaching' ? {} : { notice: 'attached' };
}

/** Tags come first: the VPC CNI must not take the interface for its own, and an adopted one must say whose it is. */
function missingTags(
  view: SlotView,
  own: NetworkInterface,
  { clusterName }: NodeEniSnapshot,
): SlotDecision | undefined {
  const { object, node, slot, key } = view;
  if (node === undefined) return undefined;
  const { Name: _name, ...wanted } = nodeEniTags(
    slot,
    { clusterName, name: object.name, node: node.name },
    object.spec,
  );
  const all = {
    ...wanted,
    ...(object.spec.tags['Name'] === undefined ? {} : { Name: object.spec.tags['Name'] }),
    ...(own.tags[RETAINED_TAG] ? { [RETAINED_TAG]: '' } : {}),
  };
  const tags = Object.fromEntries(Object.entries(all).filter(([tag, value]) => own.tags[tag] !== value));
  if (Object.keys(tags).length === 0) return undefined;
  const state = own.attachment === undefined ? 'Creating' : 'Attached';
  return { entry: entryOf(view, state), step: { kind: 'tag', key, object, node: node.name, eni: own.id, tags } };
}

/** One attribute at a time, as EC2 takes them. */
function upkeep(view: SlotView, own: NetworkInterface, snapshot: NodeEniSnapshot): NodeEniStep | undefined {
  const { object, node, key } = view;
  const { spec } = object;
  const base = { key, object, node: node?.name ?? '', eni: own.id };
  const { id: attachmentId = '', deleteOnTermination } = own.attachment ?? {};
  if (spec.deletionPolicy === 'Delete' && deleteOnTermination !== true)
    return { ...base, kind: 'delete-on-termination', attachmentId };
  if (spec.deletionPolicy === 'Retain' && deleteOnTermination === true)
    return { ...base, kind: 'keep-on-termination', attachmentId };
  const groups = groupsFor(spec, networksOf(snapshot, own.vpcId), own.vpcId ?? '');
  if (groups !== undefined && !('reason' in groups) && groups.length > 0 && !sameSet(groups, own.groups))
    return { ...base, kind: 'set-groups', groups };
  if (
    spec.sourceDestCheck !== undefined &&
    own.sourceDestCheck !== undefined &&
    own.sourceDestCheck !== spec.sourceDestCheck
  )
    return { ...base, kind: 'set-check', enabled: spec.sourceDestCheck };
  if (spec.description !== undefined && spec.description !== own.description)
    return { ...base, kind: 'set-description', description: spec.description };
  return undefined;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
