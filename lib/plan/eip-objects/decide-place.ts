import type { EipObjectOutcome, ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import {
  type ControllerSnapshot,
  type ObjectAdapter,
  type ObjectDecision,
  type PlaceQuery,
  type PrivatePlace,
  placeKey,
  refused,
} from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { parseIp } from '../../model/ip.ts';
import { textOf } from '../../model/json.ts';
import type { Refusal } from '../../model/refusal.ts';
import { setFree } from './set-free.ts';

/** A place without a pod that the controller binds to by itself, or what keeps it from being known. */
export type Target =
  | {
      readonly state: 'found';
      readonly place: PrivatePlace;
      readonly holder: string | undefined;
      readonly query: PlaceQuery | undefined;
    }
  | { readonly state: 'look-up'; readonly query: PlaceQuery }
  /** Something is still loading. */
  | { readonly state: 'unknown' }
  /** There is none now: the EIP is set free. */
  | { readonly state: 'none'; readonly refusal: Refusal };

/** An EIP for a node, an ENI object or a private address. Moving it is one call: EC2 ends the old association with the new one. */
export function decideForPlace(
  claim: ObjectClaim,
  eip: ElasticIp,
  target: Target,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision {
  const state = eip.association === undefined ? 'assigning' : 'reassigning';
  const waiting: EipObjectOutcome = { state, eip, bound: undefined, refusal: undefined };
  const key = claim.object.uid;
  if (target.state === 'unknown') return { outcome: undefined };
  if (target.state === 'look-up')
    return { outcome: waiting, step: { kind: 'look-up', key: `place ${placeKey(target.query)}`, query: target.query } };
  if (isMarked(eip, adapter) || target.state === 'none') {
    const refusal = target.state === 'none' ? target.refusal : undefined;
    const freeing = setFree(claim, eip, snapshot, adapter);
    if (freeing !== undefined) return { ...freeing, outcome: { ...waiting, refusal } };
  }
  if (target.state === 'none') return { outcome: refused(waiting, target.refusal) };
  const { place, holder, query } = target;
  if (isAt(eip, place)) {
    const associationId = eip.association?.associationId ?? '';
    return {
      outcome: {
        state: 'assigned',
        eip,
        bound: { ...place, associationId, holder, holderUid: undefined },
        refusal: undefined,
      },
    };
  }
  const occupant = snapshot.eips.find((other) => other !== eip && isAt(other, place));
  if (occupant !== undefined) return { outcome: refused({ state, eip }, taken(place, occupant)) };
  return { outcome: waiting, step: { kind: 'associate', key, claim, eip, place, query } };
}

function isAt({ association }: ElasticIp, { eni, privateIp }: PrivatePlace): boolean {
  return association?.eni === eni && association.privateIp === privateIp;
}

function isMarked(eip: ElasticIp, { handoverTags }: ObjectAdapter): boolean {
  return handoverTags.some((tag) => tag in eip.tags);
}

/** Associating would push the other EIP off without asking (EC2 AssociateAddress). */
function taken({ privateIp }: PrivatePlace, { publicIp, allocationId }: ElasticIp): Refusal {
  const message = `${privateIp} already has ${publicIp} (${allocationId}); disassociate that or assign this one to another address`;
  return { reason: 'TargetHasOtherEip', message };
}

/** The address of an ENI object, as its status says it. */
export function eniTarget(claim: ObjectClaim, snapshot: ControllerSnapshot): Target {
  const { assignment, object } = claim;
  const { eniObjects, eniObjectsKnown } = snapshot;
  if (assignment.kind !== 'eni' || !eniObjectsKnown) return { state: 'unknown' };
  const found = eniObjects.get(`${object.namespace}/${assignment.name}`);
  if (found === undefined || found.deleting)
    return missing(`there is no ENI object ${assignment.name} in namespace ${object.namespace}`);
  const eni = textOf(found.status['networkInterfaceID']);
  const addresses = Array.isArray(found.status['privateIPAddresses']) ? found.status['privateIPAddresses'] : [];
  if (eni === undefined) return missing(`ENI ${assignment.name} has no network interface yet`);
  const privateIp = parseIp(textOf(addresses[assignment.addressIndex]) ?? '');
  if (privateIp === undefined)
    return missing(
      `ENI ${assignment.name} has ${addresses.length} addresses, none at index ${assignment.addressIndex}`,
    );
  // A status can be written by anybody who may write the object: EC2's tags say whose the interface is.
  const query: PlaceQuery = { kind: 'eni-object', uid: found.uid, eni, address: privateIp };
  const otherwise = `${eni} with ${privateIp}, which ENI ${assignment.name} names, is not that object's by its tags in EC2`;
  return lookedUp(query, snapshot, assignment.name, otherwise);
}

export function addressTarget({ assignment }: ObjectClaim, snapshot: ControllerSnapshot): Target {
  if (assignment.kind !== 'private-ip') return { state: 'unknown' };
  const query: PlaceQuery = { kind: 'address', address: assignment.address };
  return lookedUp(query, snapshot, undefined, `no network interface has the private address ${assignment.address}`);
}

export function lookedUp(
  query: PlaceQuery,
  { places }: ControllerSnapshot,
  holder: string | undefined,
  otherwise: string,
): Target {
  const key = placeKey(query);
  if (!places.has(key)) return { state: 'look-up', query };
  const place = places.get(key);
  return place === undefined ? missing(otherwise) : { state: 'found', place, holder, query };
}

function missing(message: string): Target {
  return { state: 'none', refusal: { reason: 'EipTargetMissing', message } };
}
