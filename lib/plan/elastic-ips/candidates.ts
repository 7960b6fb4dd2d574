import type { ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { EipPlace, EipSnapshot, PlacedEipClaim } from '../../model/elastic-ips/plan.ts';
import { isIdentifiedAs, isPodsOnly, otherOwner } from './belonging.ts';

/** True when the EIP is paired with exactly this place. */
export function isBoundTo(place: EipPlace, { association }: ElasticIp): boolean {
  return place.state === 'ready' && association?.eni === place.eni && association.privateIp === place.privateIp;
}

/** True when the EIP is of the kind that the claim asks for, whoever has it now. */
export function isSuitable({ source }: ElasticIpClaim, eip: ElasticIp): boolean {
  if (eip.serviceManaged) return false;
  switch (source.kind) {
    case 'allocate':
      return eip.pool === source.pool;
    case 'fixed':
      return eip.allocationId === source.allocationId;
    case 'tagged':
      // Own keys only: `tag:constructor` names no tag, and would otherwise fit every Elastic IP.
      return (
        Object.hasOwn(eip.tags, source.key) && (source.value === undefined || eip.tags[source.key] === source.value)
      );
  }
}

/**
 * The EIP that is each claim's already, by claim id: one that the tags name as its own, else a suitable one that is paired with its
 * address and is nobody else's. Of several (a reply was lost twice, say) the paired one, else one in use, else the first by id, so
 * that every run chooses the same. The others are surplus.
 */
export function findOwn(
  placed: readonly PlacedEipClaim[],
  snapshot: Pick<EipSnapshot, 'eips' | 'owned' | 'owners'>,
): ReadonlyMap<string, ElasticIp> {
  const { eips } = snapshot;
  const own = new Map<string, ElasticIp>();
  for (const { claim, place } of placed) {
    const isNamed = (eip: ElasticIp) => isIdentifiedAs(claim, eip) && isSuitable(claim, eip);
    const named = eips.filter((eip) => isNamed(eip) && isPodsOnly(claim, eip, snapshot)).toSorted(byId);
    const best = named.find((eip) => isBoundTo(place, eip)) ?? named.find(({ association }) => association) ?? named[0];
    if (best) own.set(claim.id, best);
  }
  for (const { claim, place } of placed) {
    if (own.has(claim.id) || claim.source.kind === 'allocate') continue;
    const paired = eips.find(
      (eip) => isBoundTo(place, eip) && isSuitable(claim, eip) && otherOwner(claim, eip, snapshot) === undefined,
    );
    if (paired) own.set(claim.id, paired);
  }
  return own;
}

/** The free EIPs that the claim may try to take; each claim begins elsewhere, so that rivals rarely meet. */
export function findFree(
  claim: ElasticIpClaim,
  eips: readonly ElasticIp[],
  isOwned: (eip: ElasticIp) => boolean,
): ElasticIp[] {
  const free = eips
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
