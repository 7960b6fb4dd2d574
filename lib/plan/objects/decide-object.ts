import {
  type ControllerSnapshot,
  type ObjectDecision,
  type ObjectLanguage,
  refused,
  type SeenClaim,
} from '../../model/controller-plan.ts';
import type { EipObjectOutcome, EipObjectState, ObjectClaim } from '../../model/eip-object.ts';
import type { ElasticIp } from '../../model/elastic-ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import { chooseNodes, type NodeChoice, nodeTarget } from './choose-nodes.ts';
import { addressTarget, decideForPlace, eniTarget } from './decide-place.ts';
import { decideForPod, findRivals } from './decide-pod.ts';
import { findEips, mayConclude } from './find-eips.ts';
import { reconcileTags } from './reconcile-tags.ts';
import { setFree } from './set-free.ts';

/** What was decided about all objects together, before each one by itself. */
export interface Allotment {
  readonly nodes: NodeChoice;
  /** Claims that cannot have their pod because another has it, by object uid. */
  readonly rivals: ReadonlyMap<string, Refusal>;
}

export function allot(snapshot: ControllerSnapshot, language: ObjectLanguage): Allotment {
  const eipOf = (claim: ObjectClaim) => findEips(claim, snapshot.inventory).kept;
  return { nodes: chooseNodes(snapshot, eipOf), rivals: findRivals(snapshot, eipOf, language) };
}

/**
 * Decides the next call for one object.
 *
 * Order, and why: the finalizer first, so that the object cannot vanish while an EIP is on its way; a look by status and by tag before
 * allocating, because EC2 has no idempotency token for that; tags before binding, so that whoever finds the EIP knows its owner.
 */
export function decideObject(
  seen: SeenClaim,
  allotment: Allotment,
  snapshot: ControllerSnapshot,
  language: ObjectLanguage,
): ObjectDecision {
  const { claim } = seen;
  const { object } = claim;
  const key = object.uid;
  if (object.deleting) return decideDeletion(seen, snapshot, language);
  if (claim.upgrade !== undefined)
    return { outcome: undefined, step: { kind: 'write-object', key, claim, patch: { spec: claim.upgrade } } };
  if (!claim.held) {
    const finalizers = [...object.finalizers, language.finalizerOf(claim)];
    return { outcome: undefined, step: { kind: 'write-object', key, claim, patch: { metadata: { finalizers } } } };
  }
  if (snapshot.inventoryAt === undefined) return { outcome: undefined, readInventory: true };
  const { kept, surplus } = findEips(claim, snapshot.inventory);
  const held = whileHeldBack(claim, kept, snapshot);
  if (held !== undefined) return held;
  if (kept === undefined) return obtain(seen, snapshot);
  const twin = surplus.find(({ association }) => association === undefined);
  const decision = decideAssignment(claim, kept, allotment, snapshot, language);
  const chore = twin === undefined ? reconcileTags(claim, kept) : ({ kind: 'release', key, claim, eip: twin } as const);
  return chore === undefined ? decision : { ...decision, step: chore };
}

/** After a refusal of EC2 nothing is tried before its time. */
function whileHeldBack(
  { object }: ObjectClaim,
  eip: ElasticIp | undefined,
  { setbacks, now }: ControllerSnapshot,
): ObjectDecision | undefined {
  const setback = setbacks.get(object.uid);
  if (setback === undefined || setback.until <= now) return undefined;
  const state: EipObjectState =
    eip === undefined ? 'allocating' : eip.association === undefined ? 'assigning' : 'reassigning';
  const { reason, message } = setback;
  return {
    outcome: refused({ state: object.deleting ? 'releasing' : state, eip }, { reason, message }),
    wakeAt: setback.until,
    handOver: 'as-it-is',
  };
}

function obtain(seen: SeenClaim, snapshot: ControllerSnapshot): ObjectDecision {
  const { claim, inventoryAfter } = seen;
  const waiting: EipObjectOutcome = { state: 'allocating', eip: undefined, bound: undefined, refusal: undefined };
  if (!mayConclude(seen, snapshot)) {
    const due = inventoryAfter <= snapshot.now;
    // The status stays as it is: it may name an EIP that this inventory merely does not show yet.
    return { outcome: undefined, readInventory: due, wakeAt: due ? undefined : inventoryAfter };
  }
  if (claim.allocationId === undefined)
    return { outcome: waiting, step: { kind: 'allocate', key: claim.object.uid, claim } };
  // A wrong region or account must not make every object buy a new address: a human decides.
  const message = `${claim.allocationId}, which the status names, does not exist in this account and region; delete and create the object for a new one`;
  return { outcome: { ...waiting, refusal: { reason: 'EipNotFound', message } }, keepsStatus: true };
}

function decideAssignment(
  claim: ObjectClaim,
  eip: ElasticIp,
  allotment: Allotment,
  snapshot: ControllerSnapshot,
  language: ObjectLanguage,
): ObjectDecision {
  switch (claim.assignment.kind) {
    case 'none':
      return decideNone(claim, eip, snapshot, language);
    case 'pod':
      return decideForPod(claim, eip, allotment.rivals.get(claim.object.uid), snapshot, language);
    case 'node':
      return decideForPlace(claim, eip, nodeTarget(claim, allotment.nodes, snapshot), snapshot, language);
    case 'eni':
      return decideForPlace(claim, eip, eniTarget(claim, snapshot), snapshot, language);
    case 'private-ip':
      return decideForPlace(claim, eip, addressTarget(claim, snapshot), snapshot, language);
  }
  return claim.assignment satisfies never;
}

function decideNone(
  claim: ObjectClaim,
  eip: ElasticIp,
  snapshot: ControllerSnapshot,
  language: ObjectLanguage,
): ObjectDecision {
  return (
    setFree(claim, eip, snapshot, language) ?? {
      outcome: { state: 'allocated', eip, bound: undefined, refusal: undefined },
    }
  );
}

/** Off its pod or place, released, and only then the finalizer goes: a crash in between finds the object still there. */
function decideDeletion(seen: SeenClaim, snapshot: ControllerSnapshot, language: ObjectLanguage): ObjectDecision {
  const { claim } = seen;
  if (!claim.held) return { outcome: undefined };
  if (snapshot.inventoryAt === undefined) return { outcome: undefined, readInventory: true };
  const { kept, surplus } = findEips(claim, snapshot.inventory);
  const eip = kept ?? surplus[0];
  const heldBack = whileHeldBack(claim, eip, snapshot);
  if (heldBack !== undefined) return heldBack;
  const key = claim.object.uid;
  if (eip === undefined) {
    if (!mayConclude(seen, snapshot)) return { ...obtain(seen, snapshot), outcome: undefined };
    const finalizers = claim.object.finalizers.filter((entry) => entry !== language.finalizerOf(claim));
    return { outcome: undefined, step: { kind: 'write-object', key, claim, patch: { metadata: { finalizers } } } };
  }
  const freeing = setFree(claim, eip, snapshot, language);
  // Marks of an agent need not be removed from what is released.
  if (freeing !== undefined && freeing.step?.kind !== 'untag') return freeing;
  return {
    outcome: { state: 'releasing', eip, bound: undefined, refusal: undefined },
    step: { kind: 'release', key, claim, eip },
  };
}
