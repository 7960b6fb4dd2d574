import { parseElements } from '../../lib/dialect/own-grammar.ts';
import type { ElasticIpApi, ElasticIpQuery } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipSource } from '../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { FLOATING_IP_TAG, type FloatingIpOwner, floatingIpTags } from '../../lib/model/floating-ips/tags.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { PASSING, type Refusal } from '../../lib/model/refusal.ts';
import { type ElasticIpRequest, endOf, isOwned, planElasticIp } from '../../lib/plan/floating-ips/elastic-ip.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { elasticIpFailure } from '../aws/failures.ts';
import { permitted } from '../aws/permitted.ts';

export interface ElasticIpParts {
  readonly ec2: ElasticIpApi;
  readonly rateLimit: RateLimit;
  /** Part of the tags of what is allocated or taken; without it nothing is. */
  readonly clusterName: string | undefined;
}

export interface ElasticIpTarget {
  readonly name: string;
  readonly uid: string;
  /** `spec.elasticIP`; undefined: none, and what the object had goes back. */
  readonly source: string | undefined;
  readonly privateIp: IpAddress;
  readonly eni: EniId;
}

/** When calls may be made: asked before each one, after it has waited for its turn. */
export interface Fence {
  readonly allowed: () => boolean;
  readonly signal: AbortSignal;
}

export type BindOutcome =
  /** `publicIp` undefined: none was asked for, and none is left. */
  | { readonly kind: 'settled'; readonly publicIp: IpAddress | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly soon: boolean };

/** Makes the Elastic IP of a floating IP what the object says: puts it on the private address, and gives back what it no longer asks for. Never throws. */
export async function bindElasticIp(
  parts: ElasticIpParts,
  { name, uid, source: text, privateIp, eni }: ElasticIpTarget,
  fence: Fence,
): Promise<BindOutcome> {
  const { clusterName } = parts;
  if (!clusterName)
    return text === undefined
      ? { kind: 'settled', publicIp: undefined }
      : refusal(
          'ClusterNameMissing',
          'the agent runs without --cluster-name and so could not tell whose an Elastic IP is',
        );
  const source = text === undefined ? undefined : sourceOf(text);
  if (typeof source === 'string') return refusal('InvalidSpec', `spec.elasticIP: ${source}`);
  const owner = { clusterName, name, uid };
  try {
    if (text === undefined || source === undefined) {
      await giveBackAll(parts, owner, fence);
      return { kind: 'settled', publicIp: undefined };
    }
    return await bind(parts, { owner, text, source, privateIp, eni }, fence);
  } catch (error) {
    return error instanceof Ec2Error ? fromError(error) : refusal('RejectedByEc2', String(error));
  }
}

async function bind(parts: ElasticIpParts, request: ElasticIpRequest, fence: Fence): Promise<BindOutcome> {
  const { ec2 } = parts;
  const { owner, text, source, privateIp, eni } = request;
  const { signal } = fence;
  const ask = <T>(act: () => Promise<T>) => permitted({ ...fence, rateLimit: parts.rateLimit, priority: 1 }, act);
  const queries = [nameQuery(owner), ...queryFor(source), { privateIps: [privateIp], eniIds: [eni] }];
  const found = await Promise.all(queries.map((query) => ask(() => ec2.describe(query, { signal }))));
  const cache = new Map(found.flat().map((eip) => [eip.allocationId, eip]));
  const { choice, giveBack } = planElasticIp(request, [...cache.values()]);
  if (choice.kind === 'refused') return { kind: 'refused', refusal: choice.refusal, soon: false };
  for (const eip of giveBack) await giveBackOne(parts, eip, fence);
  const tags = floatingIpTags(owner, text);
  // The tags travel in the call: an EIP whose reply is lost is found again by them.
  const eip =
    choice.kind === 'allocate' ? await ask(() => ec2.allocate({ pool: choice.pool, tags }, { signal })) : choice.eip;
  // Ours before it is used: otherwise a crash would leave it bound, and nobody would know by whom.
  if (Object.entries(tags).some(([key, value]) => eip.tags[key] !== value))
    await ask(() => ec2.tag([eip.allocationId], tags, { signal }));
  if (choice.kind === 'bound') return { kind: 'settled', publicIp: eip.publicIp };
  await endAssociation(parts, eip, fence);
  const { allocationId } = eip;
  await ask(() => ec2.associate({ allocationId, eni, privateIp, allowReassociation: false }, { signal }));
  return { kind: 'settled', publicIp: eip.publicIp };
}

/**
 * Gives back whatever carries the object's name. For an object that is gone: after its address has left the ENI, which ended the pairing.
 * @throws {Ec2Error}
 */
export async function giveBackAll(
  parts: ElasticIpParts,
  owner: FloatingIpOwner,
  fence: Fence,
): Promise<readonly ElasticIp[]> {
  const eips = await ownedEips(parts, owner, fence);
  for (const eip of eips) await giveBackOne(parts, eip, fence);
  return eips;
}

/**
 * Leaves the object's Elastic IPs allocated and without an owner: the definition of FloatingIPs was removed, which nobody means as an order to
 * give public addresses away. The next object of this name finds them by their other tags; a sweep does not know them.
 * @throws {Ec2Error}
 */
export async function retainAll(
  parts: ElasticIpParts,
  owner: FloatingIpOwner,
  fence: Fence,
): Promise<readonly ElasticIp[]> {
  const { signal } = fence;
  const eips = await ownedEips(parts, owner, fence);
  const ids = eips.map(({ allocationId }) => allocationId);
  await permitted({ ...fence, rateLimit: parts.rateLimit, priority: 1 }, () =>
    parts.ec2.untag(ids, [FLOATING_IP_TAG.uid], { signal }),
  );
  return eips;
}

async function ownedEips(
  { ec2, rateLimit }: ElasticIpParts,
  owner: FloatingIpOwner,
  fence: Fence,
): Promise<readonly ElasticIp[]> {
  const { signal } = fence;
  const eips = await permitted({ ...fence, rateLimit, priority: 1 }, () => ec2.describe(nameQuery(owner), { signal }));
  return eips.filter((eip) => isOwned(eip, owner));
}

async function giveBackOne(parts: ElasticIpParts, eip: ElasticIp, fence: Fence): Promise<void> {
  const { signal } = fence;
  const { allocationId } = eip;
  await endAssociation(parts, eip, fence);
  await permitted({ ...fence, rateLimit: parts.rateLimit, priority: 1 }, async () => {
    if (endOf(eip) === 'release') await parts.ec2.release(allocationId, { signal });
    else await parts.ec2.untag([allocationId], Object.values(FLOATING_IP_TAG), { signal });
  });
}

/** By the id of this very pairing: if somebody has paired the EIP again meanwhile, the call hurts nobody. */
async function endAssociation(
  { ec2, rateLimit }: ElasticIpParts,
  { association }: ElasticIp,
  fence: Fence,
): Promise<void> {
  if (association === undefined) return;
  const { signal } = fence;
  await permitted({ ...fence, rateLimit, priority: 1 }, () => ec2.disassociate(association.associationId, { signal }));
}

function nameQuery({ clusterName, name }: FloatingIpOwner): ElasticIpQuery {
  return { tags: { [FLOATING_IP_TAG.cluster]: clusterName, [FLOATING_IP_TAG.name]: name } };
}

function queryFor(source: EipSource): readonly ElasticIpQuery[] {
  switch (source.kind) {
    case 'fixed':
      return [{ allocationIds: [source.allocationId] }];
    case 'tagged':
      return [source.value === undefined ? { tagKeys: [source.key] } : { tags: { [source.key]: source.value } }];
    case 'allocate':
      return [];
  }
}

/** The annotation's grammar without a target, or what is wrong with the text. */
function sourceOf(text: string): EipSource | string {
  const { elements, faults } = parseElements(text);
  const [element, another] = elements;
  if (faults[0] !== undefined) return faults[0].fault;
  if (element === undefined || another !== undefined || element.target.kind !== 'primary')
    return 'it must name exactly one source and no target';
  return element.source;
}

function fromError(error: Ec2Error): BindOutcome {
  const { reason } = elasticIpFailure(error);
  const soon = reason === 'EipInUse' || PASSING.has(reason);
  return refusal(reason, `${error.message} (${error.code})`, soon);
}

function refusal(reason: Refusal['reason'], message: string, soon = false): BindOutcome {
  return { kind: 'refused', refusal: { reason, message }, soon };
}
