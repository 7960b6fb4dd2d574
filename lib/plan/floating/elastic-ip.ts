import type { EipSource } from '../../model/eip-claim.ts';
import type { ElasticIp } from '../../model/elastic-ip.ts';
import type { EniId } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

export interface EipWish {
  readonly source: EipSource;
  /** Tags of an EIP that was allocated for this object. */
  readonly tags: Readonly<Record<string, string>>;
  readonly privateIp: IpAddress;
  readonly eni: EniId;
}

export type EipChoice =
  | { readonly kind: 'bound'; readonly eip: ElasticIp }
  | { readonly kind: 'associate'; readonly eip: ElasticIp }
  | { readonly kind: 'allocate'; readonly pool: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Which Elastic IP goes on the address. One that is there already stays, because EC2 moved it along; a free one is taken by
 * compare-and-set; one in use elsewhere never is, and one of somebody else on our address is not pushed off.
 * @param inventory the EIPs that the source can mean, and whatever is on the private address
 */
export function chooseElasticIp(wish: EipWish, inventory: readonly ElasticIp[]): EipChoice {
  const { source, privateIp, eni } = wish;
  const meant = inventory
    .filter((eip) => isMeant(eip, wish))
    .toSorted((a, b) => (a.allocationId < b.allocationId ? -1 : 1));
  const here = inventory.find(({ association }) => association?.privateIp === privateIp && association.eni === eni);
  if (here !== undefined && meant.includes(here)) return { kind: 'bound', eip: here };
  if (here !== undefined)
    return refused(
      'TargetHasOtherEip',
      `${privateIp} already has the Elastic IP ${here.publicIp} (${here.allocationId}); disassociate it first`,
    );
  const free = meant.find(({ association, serviceManaged }) => association === undefined && !serviceManaged);
  if (free !== undefined) return { kind: 'associate', eip: free };
  const [used] = meant;
  if (source.kind === 'allocate' && used === undefined) return { kind: 'allocate', pool: source.pool };
  if (used === undefined)
    return refused('EipNotFound', 'no Elastic IP of this account and region is meant by spec.elasticIP');
  return refused(
    source.kind === 'tagged' ? 'EipPoolEmpty' : 'EipInUse',
    `${used.publicIp} (${used.allocationId}) is in use at ${used.association?.privateIp ?? 'another service'}`,
  );
}

function isMeant({ allocationId, tags }: ElasticIp, { source, tags: ours }: EipWish): boolean {
  switch (source.kind) {
    case 'fixed':
      return allocationId === source.allocationId;
    case 'tagged':
      return Object.hasOwn(tags, source.key) && (source.value === undefined || tags[source.key] === source.value);
    case 'allocate':
      return Object.entries(ours).every(([key, value]) => tags[key] === value);
  }
}

function refused(reason: Refusal['reason'], message: string): EipChoice {
  return { kind: 'refused', refusal: { reason, message } };
}
