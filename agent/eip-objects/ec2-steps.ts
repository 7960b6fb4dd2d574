import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { ObjectClaim } from '../../lib/model/eip-objects/eip-object.ts';
import type { Ec2Step, PlaceQuery, PrivatePlace } from '../../lib/model/eip-objects/plan.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import { ENI_TAG } from '../../lib/model/eni-objects/eni-object.ts';
import { choosePool } from '../../lib/plan/eip-objects/choose-pool.ts';
import { isOwnedBy } from '../../lib/plan/eip-objects/find-eips.ts';
import type { ElasticIpCache } from '../elastic-ips/cache.ts';
import { type EipCall, ElasticIpCalls } from '../elastic-ips/calls.ts';
import type { EipObjectEc2 } from './reconciler.ts';

export interface Ec2Parts {
  readonly ec2: Omit<EipObjectEc2, 'rateLimit' | 'resyncMs'>;
  readonly clusterName: string;
  readonly cache: Pick<ElasticIpCache, 'eips' | 'changed'>;
  readonly found: (query: PlaceQuery, place: PrivatePlace | undefined) => void;
  readonly signal: AbortSignal;
}

/** Carries out one call and notes in the cache what is true now. @throws {Ec2Error} */
export async function performEc2Step(step: Ec2Step, parts: Ec2Parts): Promise<void> {
  if (step.kind === 'look-up') return parts.found(step.query, await lookUp(step.query, parts));
  if (step.kind === 'allocate') {
    const eip = await allocate(step.claim, parts);
    return parts.cache.changed(eip.allocationId, eip);
  }
  if (step.kind === 'release') await confirmRelease(step, parts);
  const calls = new ElasticIpCalls(parts.ec2.elasticIps, parts.cache);
  await calls.perform(step.kind === 'associate' ? association(step) : step, parts.signal);
}

/** A free EIP is taken by compare-and-set; one that is bound is this object's, and moves. */
function association({ eip, place }: Ec2Step & { readonly kind: 'associate' }): EipCall {
  return { kind: 'associate', eip, ...place, allowReassociation: eip.association !== undefined };
}

/** It cannot be undone: what the EIP's tags said minutes ago is not proof enough. @throws {Ec2Error} when it is not right any more */
async function confirmRelease(
  { claim, eip: { allocationId } }: Ec2Step & { readonly kind: 'release' },
  { ec2: { elasticIps }, signal }: Ec2Parts,
): Promise<void> {
  const [now] = await elasticIps.describe({ allocationIds: [allocationId] }, { signal });
  if (now === undefined || (isOwnedBy(claim, now) && now.association === undefined)) return;
  throw new Ec2Error({
    kind: 'conflict',
    action: 'DescribeAddresses',
    code: 'Resource.AlreadyAssociated',
    message: `${allocationId} is in use or without the tags of its object by now, so it is not released`,
  });
}

/**
 * Looks up by tag once more, uncached: another leader may have been faster, or a reply of an earlier attempt was lost. The tags travel in
 * the call, so that whoever looks next finds the EIP by them.
 */
async function allocate(claim: ObjectClaim, { ec2: { elasticIps }, signal }: Ec2Parts): Promise<ElasticIp> {
  const { allocation, identity, tags } = claim;
  const existing = (await elasticIps.describe({ tags: identity }, { signal })).find((eip) => isOwnedBy(claim, eip));
  if (existing !== undefined) return existing;
  const { pools, address } = allocation;
  const known = pools.length > 1 ? await elasticIps.pools({ signal }) : [];
  const pool = choosePool(pools, known);
  const wanted = { ...(pool !== undefined && { pool }), ...(address !== undefined && { address }) };
  return elasticIps.allocate({ tags, ...wanted }, { signal });
}

async function lookUp(query: PlaceQuery, parts: Ec2Parts): Promise<PrivatePlace | undefined> {
  const { ec2, clusterName, signal } = parts;
  const { addresses, interfaces } = ec2;
  if (query.kind === 'eni-object') {
    const tags = { [ENI_TAG.cluster]: clusterName, [ENI_TAG.uid]: query.uid };
    const [found] = await interfaces.describe({ ids: [query.eni], tags }, { signal });
    const isThere = found?.addresses.some(({ ip }) => ip === query.address) === true;
    return isThere ? { eni: query.eni, privateIp: query.address } : undefined;
  }
  if (query.kind === 'address') {
    const holder = (await addresses.findHolders([query.address], { signal })).get(query.address);
    return holder && { eni: holder.eni, privateIp: query.address };
  }
  const enis = await addresses.describeEnis(query.instanceId, { signal });
  const primary = enis.find(({ deviceIndex, networkCard }) => deviceIndex === 0 && networkCard === 0);
  const privateIp = primary?.addresses.find((address) => address.primary && !address.ip.includes(':'))?.ip;
  return primary && privateIp ? { eni: primary.id, privateIp } : undefined;
}
