import type { EipObjectOutcome, ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import {
  type ControllerSnapshot,
  type ObjectAdapter,
  type ObjectDecision,
  type SeenClaim,
} from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import { chooseNodes, type NodeChoice, nodeTarget } from './choose-nodes.ts';
import { decideDeletion } from './decide-deletion.ts';
import { addressTarget, decideForPlace, eniTarget } from './decide-place.ts';
import { decideForPod, findRivals } from './decide-pod.ts';
import { findEips, mayConclude } from './find-eips.ts';
import { reconcileTags } from './reconcile-tags.ts';
import { setFree } from './set-free.ts';
import { whileBackedOff } from './while-backed-off.ts';

/** What was decided about all objects together, before each one by itself. */
export interface Allotment {
  readonly nodes: NodeChoice;
  /** Claims that cannot have their pod because another has it, by object uid. */
  readonly rivals: ReadonlyMap<string, Refusal>;
}

export function allot(snapshot: ControllerSnapshot, adapter: ObjectAdapter): Allotment {
  const eipOf = (claim: ObjectClaim) => findEips(claim, snapshot.eips).kept;
  return { nodes: chooseNodes(snapshot, eipOf), rivals: findRivals(snapshot, eipOf, adapter) };
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
  adapter: ObjectAdapter,
): ObjectDecision {
  const { claim } = seen;
  const { object } = claim;
  const key = object.uid;
  if (object.deleting) return decideDeletion(seen, snapshot, adapter);
  if (claim.upgrade !== undefined)
    return { outcome: undefined, step: { kind: 'write-object', key, claim, patch: { spec: claim.upgrade } } };
  if (!claim.held) {
    const finalizers = [...object.finalizers, adapter.finalizerOf(claim)];
    return { outcome: undefined, step: { kind: 'write-object', key, claim, patch: { metadata: { finalizers } } } };
  }
  if (snapshot.eipsAt === undefined) return { outcome: undefined, readEips: true };
  const { kept, surplus, adoptable, foreign } = findEips(claim, snapshot.eips);
  const held = whileBackedOff(claim, kept, snapshot);
  if (held !== undefined) return held;
  if (kept === undefined && adoptable !== undefined)
    return { outcome: undefined, step: { kind: 'tag', key, claim, eip: adoptable, tags: claim.tags } };
  if (kept === undefined && foreign !== undefined) return refuseForeign(claim, foreign);
  if (kept === undefined) return obtain(seen, snapshot);
  const twin = surplus.find(({ association }) => association === undefined);
  const decision = decideAssignment(claim, kept, allotment, snapshot, adapter);
  const chore = twin === undefined ? reconcileTags(claim, kept) : ({ kind: 'release', key, claim, eip: twin } as const);
  if (chore === undefined) return decision;
  // The pod's agent believes a handover only with the tags that prove it.
  return { ...decision, step: chore, ...(chore.kind === 'tag' && { handOver: 'as-it-is' }) };
}

/** A name in a status or spec proves nothing: anybody who may write the object could take another's address with it. */
function refuseForeign(claim: ObjectClaim, { allocationId, publicIp }: ElasticIp): ObjectDecision {
  const wanted = Object.entries(claim.adoption).map(([key, value]) => `${key}=${value}`);
  const message = `${publicIp} (${allocationId}) exists, but its tags do not say that it is this object's, so it is left alone; to have it adopted, tag it in EC2 with ${wanted.join(' and ')}; for a new one, remove it from the status and spec`;
  const outcome: EipObjectOutcome = { state: 'allocating', eip: undefined, bound: undefined, refusal: undefined };
  return { outcome: { ...outcome, refusal: { reason: 'EipInUse', message } }, keepsStatus: true };
}

function obtain(seen: SeenClaim, snapshot: ControllerSnapshot): ObjectDecision {
  const { claim, eipsAfter } = seen;
  const waiting: EipObjectOutcome = { state: 'allocating', eip: undefined, bound: undefined, refusal: undefined };
  if (!mayConclude(seen, snapshot)) {
    const due = eipsAfter <= snapshot.now;
    // The status stays as it is: it may name an EIP that this list merely does not show yet.
    return { outcome: undefined, readEips: due, retryAt: due ? undefined : eipsAfter };
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
  adapter: ObjectAdapter,
): ObjectDecision {
  switch (claim.assignment.kind) {
    case 'none':
      return decideNone(claim, eip, snapshot, adapter);
    case 'pod':
      return decideForPod(claim, eip, allotment.rivals.get(claim.object.uid), snapshot, adapter);
    case 'node':
      return decideForPlace(claim, eip, nodeTarget(claim, allotment.nodes, snapshot), snapshot, adapter);
    case 'eni':
      return decideForPlace(claim, eip, eniTarget(claim, snapshot), snapshot, adapter);
    case 'private-ip':
      return decideForPlace(claim, eip, addressTarget(claim, snapshot), snapshot, adapter);
  }
  return claim.assignment satisfies never;
}

function decideNone(
  claim: ObjectClaim,
  eip: ElasticIp,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision {
  return (
    setFree(claim, eip, snapshot, adapter) ?? {
      outcome: { state: 'allocated', eip, bound: undefined, refusal: undefined },
    }
  );
}
