import { parseElements } from '../../lib/dialect/own-grammar.ts';
import type { ElasticIpApi, ElasticIpQuery } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipSource } from '../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { FLOATING_IP_TAG, type FloatingIpOwner, floatingIpTags } from '../../lib/model/floating-ips/tags.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { PASSING, type Refusal } from '../../lib/model/refusal.ts';
import {
  type ElasticIpPlan,
  type ElasticIpRequest,
  endOf,
  isOwned,
  planElasticIp,
} from '../../lib/plan/floating-ips/elastic-ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { elasticIpFailure } from '../aws/failures.ts';
import { permitted } from '../aws/permitted.ts';
import type { ElasticIpCache } from '../elastic-ips/cache.ts';
import type { ElasticIpCalls } from '../elastic-ips/calls.ts';

export interface ElasticIpParts {
  readonly clock: Clock;
  readonly ec2: Pick<ElasticIpApi, 'describe'>;
  readonly calls: ElasticIpCalls;
  /** What this process has changed, for pods or for FloatingIPs: believed against describes that lag. */
  readonly cache: Pick<ElasticIpCache, 'corrected' | 'left'>;
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
  /** The public address in the object's status, which an earlier holder may have written. */
  readonly publicIpInStatus: IpAddress | undefined;
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
  { name, uid, source: text, privateIp, eni, publicIpInStatus }: ElasticIpTarget,
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
      await giveBackAll(parts, await eipsOf(parts, { ...owner, publicIpInStatus }, fence), fence);
      return { kind: 'settled', publicIp: undefined };
    }
    return await bind(parts, { owner, text, source, privateIp, eni, publicIpInStatus }, fence);
  } catch (error) {
    return error instanceof Ec2Error ? fromError(error) : refusal('RejectedByEc2', String(error));
  }
}

type BindRequest = ElasticIpRequest & Pick<ElasticIpTarget, 'publicIpInStatus'>;

async function bind(parts: ElasticIpParts, request: BindRequest, fence: Fence): Promise<BindOutcome> {
  const { calls } = parts;
  const { owner, text, privateIp, eni } = request;
  const { signal } = fence;
  const { choice, giveBack } = await choose(parts, request, fence);
  if (choice.kind === 'refused') return { kind: 'refused', refusal: choice.refusal, soon: false };
  for (const eip of giveBack) await giveBackOne(parts, eip, fence);
  const tags = floatingIpTags(owner, text);
  let eip =
    choice.kind === 'allocate'
      ? (await ask(parts, fence, () => calls.allocate({ pool: choice.pool, tags }, signal))).eip
      : choice.eip;
  // Ours before it is used: otherwise a crash would leave it bound, and nobody would know by whom.
  if (Object.entries(tags).some(([key, value]) => eip.tags[key] !== value))
    eip = (await ask(parts, fence, () => calls.tag(eip, tags, signal))).eip;
  if (choice.kind === 'bound') return { kind: 'settled', publicIp: eip.publicIp };
  const free = await endAssociation(parts, eip, fence);
  const target = { eni, privateIp, allowReassociation: false };
  await ask(parts, fence, () => calls.associate(free, target, signal));
  return { kind: 'settled', publicIp: eip.publicIp };
}

/** Pauses between looks for an Elastic IP that the status names and EC2's describes do not show, before it counts as gone, ms. */
const UNSEEN_PAUSES = [2_000, 4_000, 8_000];

/** Looks at whatever the object can mean, and decides. */
async function choose(parts: ElasticIpParts, request: BindRequest, fence: Fence): Promise<ElasticIpPlan> {
  const { owner, source, privateIp, eni, publicIpInStatus } = request;
  const queries = [nameQuery(owner), ...queryFor(source), { privateIps: [privateIp], eniIds: [eni] }];
  const eips = await look(
    parts,
    queries,
    { publicIpInStatus, mayWait: (eips) => planElasticIp(request, eips).choice.kind === 'allocate' },
    fence,
  );
  return planElasticIp(request, eips);
}

/**
 * The Elastic IPs that match any of the queries, with our own calls laid over them. When EC2's describes do not show the one that the status
 * names, and `mayWait` says that it matters, they may be late: a holder before us has only just got it.
 */
async function look(
  { clock, ec2, cache, rateLimit }: ElasticIpParts,
  queries: readonly ElasticIpQuery[],
  {
    publicIpInStatus,
    mayWait,
  }: { readonly publicIpInStatus: IpAddress | undefined; readonly mayWait: (eips: readonly ElasticIp[]) => boolean },
  fence: Fence,
): Promise<readonly ElasticIp[]> {
  const { signal } = fence;
  const all = publicIpInStatus === undefined ? queries : [...queries, { publicIps: [publicIpInStatus] }];
  for (let looks = 0; ; looks += 1) {
    const askedAt = clock.now();
    const found = await Promise.all(
      all.map((query) => ask({ rateLimit }, fence, () => ec2.describe(query, { signal }))),
    );
    const eips = cache.corrected(found.flat(), askedAt);
    const isUnseen = publicIpInStatus !== undefined && !eips.some(({ publicIp }) => publicIp === publicIpInStatus);
    const pause = UNSEEN_PAUSES[looks];
    if (!isUnseen || pause === undefined || !mayWait(eips)) return eips;
    await clock.sleep(pause, signal);
  }
}

/** Whose Elastic IPs go, and the public address that the status named last. */
export type FormerOwner = FloatingIpOwner & Pick<ElasticIpTarget, 'publicIpInStatus'>;

/**
 * Whatever carries the object's name, once EC2 shows the one that its status named, or after some seconds without.
 * @throws {Ec2Error}
 */
export async function eipsOf(parts: ElasticIpParts, owner: FormerOwner, fence: Fence): Promise<readonly ElasticIp[]> {
  const { publicIpInStatus } = owner;
  const eips = await look(parts, [nameQuery(owner)], { publicIpInStatus, mayWait: () => true }, fence);
  return eips.filter((eip) => isOwned(eip, owner));
}

/**
 * Ends their pairings, releases what was allocated for the object, and takes our tags off the others. For an object that is gone: after its
 * address has left the ENI.
 * @throws {Ec2Error}
 */
export async function giveBackAll(parts: ElasticIpParts, eips: readonly ElasticIp[], fence: Fence): Promise<void> {
  for (const eip of eips) await giveBackOne(parts, eip, fence);
}

/**
 * Leaves the object's Elastic IPs allocated and without an owner: the definition of FloatingIPs was removed, which nobody means as an order to
 * give public addresses away. The next object of this name finds them by their other tags; a sweep does not know them.
 * @throws {Ec2Error}
 */
export async function retainAll(parts: ElasticIpParts, eips: readonly ElasticIp[], fence: Fence): Promise<void> {
  for (const eip of eips) await ask(parts, fence, () => parts.calls.untag(eip, [FLOATING_IP_TAG.uid], fence.signal));
}

async function giveBackOne(parts: ElasticIpParts, eip: ElasticIp, fence: Fence): Promise<void> {
  const { calls } = parts;
  const { signal } = fence;
  const free = await endAssociation(parts, eip, fence);
  await ask<unknown>(parts, fence, () =>
    endOf(eip) === 'release' ? calls.release(free, signal) : calls.untag(free, Object.values(FLOATING_IP_TAG), signal),
  );
}

/** Returns it without the pairing. */
async function endAssociation(parts: ElasticIpParts, eip: ElasticIp, fence: Fence): Promise<ElasticIp> {
  const { association } = eip;
  if (association === undefined) return eip;
  const end = () => parts.calls.disassociate(eip, association.associationId, fence.signal);
  return (await ask(parts, fence, end)).eip;
}

/** One call in its turn, if it is still right by then. */
function ask<T>({ rateLimit }: Pick<ElasticIpParts, 'rateLimit'>, fence: Fence, act: () => Promise<T>): Promise<T> {
  return permitted({ ...fence, rateLimit, priority: 1 }, act);
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
