import type { EipSource } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../../model/eni.ts';
import { FLOATING_IP_TAG, type FloatingIpOwner, isAllocatedForFloatingIp } from '../../model/floating-ips/tags.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

/** What a FloatingIP asks for: one Elastic IP on one private address. */
export interface ElasticIpRequest {
  readonly owner: FloatingIpOwner;
  /** `spec.elasticIP` and what it means. */
  readonly text: string;
  readonly source: EipSource;
  readonly privateIp: IpAddress;
  readonly eni: EniId;
}

export type ElasticIpChoice =
  | { readonly kind: 'bound' | 'associate'; readonly eip: ElasticIp }
  | { readonly kind: 'allocate'; readonly pool: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface ElasticIpPlan {
  readonly choice: ElasticIpChoice;
  /** Ours, and no longer asked for: they go first, because a private address has one Elastic IP. Nothing goes while the new one is refused. */
  readonly giveBack: readonly ElasticIp[];
}

/**
 * Which Elastic IP goes on the address, and which ones go. One that is there already stays, because EC2 moved it along; a free one is
 * taken by compare-and-set; one that somebody else uses or owns never is, and one of somebody else on our address is not pushed off.
 * What carries our name in this cluster is ours, whatever uid: names are unique, so another uid is that of an earlier object.
 * @param eips the EIPs that carry our name, those that the source can mean, and whatever is on the private address
 */
export function planElasticIp(request: ElasticIpRequest, eips: readonly ElasticIp[]): ElasticIpPlan {
  const choice = chooseElasticIp(request, eips);
  if (choice.kind === 'refused') return { choice, giveBack: [] };
  const used = 'eip' in choice ? choice.eip : undefined;
  return { choice, giveBack: eips.filter((eip) => eip !== used && isOwned(eip, request.owner)) };
}

/** True when the tags say that the Elastic IP belongs to the object, or to an earlier one of its name. */
export function isOwned({ tags, serviceManaged }: ElasticIp, { clusterName, name }: FloatingIpOwner): boolean {
  return !serviceManaged && tags[FLOATING_IP_TAG.cluster] === clusterName && tags[FLOATING_IP_TAG.name] === name;
}

function chooseElasticIp(request: ElasticIpRequest, eips: readonly ElasticIp[]): ElasticIpChoice {
  const { source, privateIp, eni, owner } = request;
  const meant = eips
    .filter((eip) => isMeant(eip, request))
    .toSorted(
      (a, b) => Number(isOwned(b, owner)) - Number(isOwned(a, owner)) || (a.allocationId < b.allocationId ? -1 : 1),
    );
  const here = eips.find(({ association }) => association?.privateIp === privateIp && association.eni === eni);
  if (here !== undefined && meant.includes(here)) return { kind: 'bound', eip: here };
  if (here !== undefined && !isOwned(here, owner))
    return refused(
      'TargetHasOtherEip',
      `${privateIp} already has the Elastic IP ${here.publicIp} (${here.allocationId}); disassociate it first`,
    );
  const usable = meant.find((eip) => isUsable(eip, request));
  if (usable !== undefined) return { kind: 'associate', eip: usable };
  const [used] = meant;
  if (source.kind === 'allocate' && used === undefined) return { kind: 'allocate', pool: source.pool };
  if (used === undefined)
    return refused('EipNotFound', 'no Elastic IP of this account and region is meant by spec.elasticIP');
  return refused(
    source.kind === 'tagged' ? 'EipPoolEmpty' : 'EipInUse',
    `${used.publicIp} (${used.allocationId}) ${ownerOf(used, owner) ?? `is in use at ${used.association?.privateIp ?? 'another service'}`}`,
  );
}

function isMeant(eip: ElasticIp, { source, owner, text }: ElasticIpRequest): boolean {
  switch (source.kind) {
    case 'fixed':
      return eip.allocationId === source.allocationId;
    case 'tagged':
      return (
        Object.hasOwn(eip.tags, source.key) && (source.value === undefined || eip.tags[source.key] === source.value)
      );
    case 'allocate':
      // Allocated by a version that did not write the source: it can only have been this one.
      return isOwned(eip, owner) && (eip.tags[FLOATING_IP_TAG.source] ?? text) === text;
  }
}

/** Free, or ours and on another address. Ours on the same address but another ENI is on its way here with the address. */
function isUsable(eip: ElasticIp, { owner, privateIp }: ElasticIpRequest): boolean {
  const { association, serviceManaged } = eip;
  if (serviceManaged || ownerOf(eip, owner) !== undefined) return false;
  return association === undefined || (isOwned(eip, owner) && association.privateIp !== privateIp);
}

/** Whose an Elastic IP is, when it is another FloatingIP's, also that of another cluster. */
function ownerOf({ tags }: ElasticIp, { clusterName, name }: FloatingIpOwner): string | undefined {
  const [cluster, other] = [tags[FLOATING_IP_TAG.cluster], tags[FLOATING_IP_TAG.name]];
  if (other === undefined || (other === name && cluster === clusterName)) return undefined;
  return `belongs to FloatingIP ${other}${cluster === clusterName ? '' : ` of cluster ${cluster}`}`;
}

/** What giving an Elastic IP back means for it, beside ending its association. */
export function endOf({ tags }: ElasticIp): 'release' | 'untag' {
  return isAllocatedForFloatingIp(tags) || tags[FLOATING_IP_TAG.source] === undefined ? 'release' : 'untag';
}

function refused(reason: Refusal['reason'], message: string): ElasticIpChoice {
  return { kind: 'refused', refusal: { reason, message } };
}
