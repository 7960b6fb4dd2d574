import type { ElasticIpClaim } from '../../model/eip-claim.ts';
import type { EipPlace } from '../../model/eip-plan.ts';
import type { ElasticIp } from '../../model/elastic-ip.ts';

/** True when the EIP's tags name this claim as its owner: ours from before a restart, a crash or a move. */
export function isIdentifiedAs(claim: ElasticIpClaim, eip: ElasticIp): boolean {
  return claim.identity.length > 0 && claim.identity.every((key) => eip.tags[key] === claim.tags[key]);
}

/** True when the EIP is paired with exactly this place. */
export function isBoundTo(place: EipPlace, { association }: ElasticIp): boolean {
  return place.state === 'ready' && association?.eni === place.eni && association.privateIp === place.privateIp;
}

/** True when the claim could use this EIP at all, whoever has it now. */
export function isSuitable({ source }: ElasticIpClaim, eip: ElasticIp): boolean {
  if (eip.serviceManaged) return false;
  switch (source.kind) {
    case 'allocate':
      return false;
    case 'fixed':
      return eip.allocationId === source.allocationId;
    case 'tagged':
      return source.value === undefined ? Object.hasOwn(eip.tags, source.key) : eip.tags[source.key] === source.value;
  }
}

/**
 * The EIP that is the claim's already: paired with its target and suitable, else named as its own. Of several (a reply was lost
 * twice, say) the paired one, else the first by id, so that every run chooses the same.
 */
export function findOwn(
  claim: ElasticIpClaim,
  place: EipPlace,
  inventory: readonly ElasticIp[],
): ElasticIp | undefined {
  const named = inventory.filter((eip) => isOwn(claim, eip));
  const paired = inventory.find((eip) => isBoundTo(place, eip) && (isSuitable(claim, eip) || named.includes(eip)));
  return paired ?? named.toSorted(byId)[0];
}

/**
 * True when the EIP is the claim's from an earlier life and still what it asks for: an annotation that now names another tag or EIP
 * wants another one, although the owner's tags are the same. (A pool is not compared: endpoints differ in how they report it, and
 * a mistake would allocate for ever.)
 */
export function isOwn(claim: ElasticIpClaim, eip: ElasticIp): boolean {
  return isIdentifiedAs(claim, eip) && (claim.source.kind === 'allocate' || isSuitable(claim, eip));
}

/** The free EIPs that the claim may try to take; each claim begins elsewhere, so that rivals rarely meet. */
export function findFree(
  claim: ElasticIpClaim,
  inventory: readonly ElasticIp[],
  isOwned: (eip: ElasticIp) => boolean,
): ElasticIp[] {
  const free = inventory
    .filter((eip) => eip.association === undefined && isSuitable(claim, eip) && !isOwned(eip))
    .toSorted(byId);
  const start = free.length === 0 ? 0 : hash(claim.owner.uid || claim.id) % free.length;
  return [...free.slice(start), ...free.slice(0, start)];
}

function byId(a: ElasticIp, b: ElasticIp): number {
  return a.allocationId < b.allocationId ? -1 : a.allocationId > b.allocationId ? 1 : 0;
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
