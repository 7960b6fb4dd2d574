import { parseElements } from '../../lib/dialect/own-grammar.ts';
import type { ElasticIpApi, ElasticIpQuery } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipSource } from '../../lib/model/eip-claim.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { chooseElasticIp } from '../../lib/plan/floating/elastic-ip.ts';
import type { Budget } from '../../lib/runtime/budget.ts';

export interface ElasticIpParts {
  readonly ec2: ElasticIpApi;
  readonly budget: Budget;
  /** Part of the tags of what is allocated; without it nothing is. */
  readonly clusterName: string | undefined;
}

export interface ElasticIpTarget {
  readonly floatingIp: string;
  /** `spec.elasticIP` */
  readonly source: string;
  readonly privateIp: IpAddress;
  readonly eni: EniId;
}

export type BindOutcome =
  | { readonly kind: 'bound'; readonly publicIp: IpAddress }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly retryMs: number };

const SOON_MS = 2_000;
const SLOW_MS = 30_000;

/** Puts the Elastic IP of a floating IP on its private address. Never throws. */
export async function bindElasticIp(
  parts: ElasticIpParts,
  target: ElasticIpTarget,
  signal: AbortSignal,
): Promise<BindOutcome> {
  const source = sourceOf(target.source);
  if (typeof source === 'string') return refusal('InvalidAnnotation', `spec.elasticIP: ${source}`, SLOW_MS);
  if (source.kind === 'allocate' && !parts.clusterName)
    return refusal(
      'ClusterNameMissing',
      'the agent runs without --cluster-name and so could not tell whose an Elastic IP is',
      SLOW_MS,
    );
  if (!(await parts.budget.admit(() => 1, signal))) return refusal('Throttled', 'stopping', SOON_MS);
  try {
    const bound = await bind(parts, target, source, signal);
    parts.budget.succeeded();
    return bound;
  } catch (error) {
    const throttled = error instanceof Ec2Error && error.kind === 'throttled';
    if (throttled) parts.budget.refused();
    else parts.budget.ended();
    if (!(error instanceof Ec2Error)) return refusal('RejectedByEc2', String(error), SLOW_MS);
    return fromError(error);
  }
}

async function bind(
  parts: ElasticIpParts,
  target: ElasticIpTarget,
  source: EipSource,
  signal: AbortSignal,
): Promise<BindOutcome> {
  const { ec2 } = parts;
  const { privateIp, eni } = target;
  const tags = tagsOf(parts, target.floatingIp);
  const [meant, here] = await Promise.all([
    ec2.describe(queryFor(source, tags), { signal }),
    ec2.describe({ privateIps: [privateIp], eniIds: [eni] }, { signal }),
  ]);
  const known = new Map([...meant, ...here].map((eip) => [eip.allocationId, eip]));
  const choice = chooseElasticIp({ source, tags, privateIp, eni }, [...known.values()]);
  if (choice.kind === 'refused') return { kind: 'refused', refusal: choice.refusal, retryMs: SLOW_MS };
  if (choice.kind === 'bound') return { kind: 'bound', publicIp: choice.eip.publicIp };
  // The tags travel in the call: an EIP whose reply is lost is found again by them.
  const eip = choice.kind === 'allocate' ? await ec2.allocate({ pool: choice.pool, tags }, { signal }) : choice.eip;
  await ec2.associate({ allocationId: eip.allocationId, eni, privateIp, allowReassociation: false }, { signal });
  return { kind: 'bound', publicIp: eip.publicIp };
}

/** Gives back what was allocated for an object that is gone, after its address has left the ENI (which ended the pairing). Never throws. */
export async function releaseElasticIp(
  parts: ElasticIpParts,
  floatingIp: string,
  sourceText: string,
  signal: AbortSignal,
): Promise<void> {
  const source = sourceOf(sourceText);
  if (typeof source === 'string' || source.kind !== 'allocate' || !parts.clusterName) return;
  const eips = await parts.ec2.describe({ tags: tagsOf(parts, floatingIp) }, { signal });
  for (const { allocationId, association } of eips) {
    if (association !== undefined) await parts.ec2.disassociate(association.associationId, { signal });
    await parts.ec2.release(allocationId, { signal });
  }
}

function tagsOf({ clusterName = '' }: ElasticIpParts, floatingIp: string): Readonly<Record<string, string>> {
  return { 'eni-agent.io/cluster': clusterName, 'eni-agent.io/floating-ip': floatingIp };
}

function queryFor(source: EipSource, tags: Readonly<Record<string, string>>): ElasticIpQuery {
  switch (source.kind) {
    case 'fixed':
      return { allocationIds: [source.allocationId] };
    case 'tagged':
      return source.value === undefined ? { tagKeys: [source.key] } : { tags: { [source.key]: source.value } };
    case 'allocate':
      return { tags };
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
  const message = `${error.message} (${error.code})`;
  if (error.code === 'AddressLimitExceeded') return refusal('EipQuotaReached', message, SLOW_MS);
  if (error.code === 'InsufficientAddressCapacity') return refusal('EipPoolEmpty', message, SLOW_MS);
  if (error.code === 'Gateway.NotAttached') return refusal('NoInternetGateway', message, SLOW_MS);
  if (error.kind === 'unauthorized') return refusal('Unauthorized', message, SLOW_MS);
  if (error.kind === 'throttled') return refusal('Throttled', message, SOON_MS);
  if (error.kind === 'conflict') return refusal('EipInUse', message, SOON_MS);
  if (error.kind === 'unavailable' || error.kind === 'unknown-outcome')
    return refusal('Ec2Unavailable', message, SOON_MS);
  return refusal('RejectedByEc2', message, SLOW_MS);
}

function refusal(reason: Refusal['reason'], message: string, retryMs: number): BindOutcome {
  return { kind: 'refused', refusal: { reason, message }, retryMs };
}
