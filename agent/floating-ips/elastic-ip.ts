import { ownersOf } from '../../lib/dialect/eip-owners.ts';
import { parseElements } from '../../lib/dialect/own-grammar.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipSource } from '../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { FLOATING_IP_TAG, type FloatingIpOwner } from '../../lib/model/floating-ips/tags.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { PASSING, type Refusal } from '../../lib/model/refusal.ts';
import {
  decideElasticIp,
  type ElasticIpDecision,
  type ElasticIpGoal,
  isOwned,
} from '../../lib/plan/floating-ips/elastic-ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { elasticIpFailure } from '../aws/failures.ts';
import { permitted } from '../aws/permitted.ts';
import type { ElasticIpCache } from '../elastic-ips/cache.ts';
import type { Changed, ElasticIpCalls } from '../elastic-ips/calls.ts';

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
  const wanted = text === undefined || source === undefined ? undefined : { text, source, privateIp, eni };
  const goal = { owner: { clusterName, name, uid }, wanted };
  try {
    return await settle(parts, goal, await look(parts, { goal, publicIpInStatus }, fence), fence);
  } catch (error) {
    return error instanceof Ec2Error ? fromError(error) : refusal('RejectedByEc2', String(error));
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
  const eips = await look(parts, { goal: { owner, wanted: undefined }, publicIpInStatus }, fence);
  return eips.filter((eip) => isOwned(eip, owner));
}

/**
 * Ends the pairings of these Elastic IPs, releases what was allocated for the object, and takes our tags off the others. For an object that is
 * gone: after its address has left the ENI. What came under its name after these were looked up is not touched.
 * @throws {Ec2Error}
 */
export async function giveBack(
  parts: ElasticIpParts,
  owner: FloatingIpOwner,
  eips: readonly ElasticIp[],
  fence: Fence,
): Promise<void> {
  await settle(parts, { owner, wanted: undefined }, eips, fence);
}

/**
 * Leaves the object's Elastic IPs allocated and without an owner: the definition of FloatingIPs was removed, which nobody means as an order to
 * give public addresses away. The next object of this name finds them by their other tags; a sweep does not know them.
 * @throws {Ec2Error}
 */
export async function retain(parts: ElasticIpParts, eips: readonly ElasticIp[], fence: Fence): Promise<void> {
  for (const eip of eips)
    await perform(parts, { kind: 'untag', key: eip.allocationId, eip, tags: [FLOATING_IP_TAG.uid] }, fence);
}

/**
 * One call after the other until nothing is left to do, each decided on what the look showed and our own calls have made of it since: never on
 * a later look, which may show what belongs to a later object of the name.
 */
async function settle(
  parts: ElasticIpParts,
  goal: ElasticIpGoal,
  seen: readonly ElasticIp[],
  fence: Fence,
): Promise<BindOutcome> {
  let eips = seen;
  const made = new Set<string>();
  for (;;) {
    const decision = decide(goal, eips);
    if (decision.kind === 'settled') return decision;
    if (decision.kind === 'refused') return { ...decision, soon: false };
    const { step } = decision;
    const id = 'eip' in step ? step.eip.allocationId : '';
    // EC2 took the call and it changed nothing: asking again and again would help nobody.
    if (made.has(`${step.kind} ${id}`)) throw new Error(`EC2 accepted to ${step.kind} ${id}, without effect`);
    made.add(`${step.kind} ${id}`);
    const { eip } = await perform(parts, step, fence);
    eips = [...eips.filter(({ allocationId }) => allocationId !== id), ...(eip === undefined ? [] : [eip])];
  }
}

function decide(goal: ElasticIpGoal, eips: readonly ElasticIp[]): ElasticIpDecision {
  const context = { clusterName: goal.owner.clusterName, nodeName: '' };
  return decideElasticIp(goal, { eips, ownersOf: (tags) => ownersOf(tags, context) });
}

/** Pauses between looks for an Elastic IP that the status names and EC2's describes do not show, before it counts as gone, ms. */
const UNSEEN_PAUSES = [2_000, 4_000, 8_000];

/**
 * The Elastic IPs of the account and region, with our own calls laid over them. When EC2's describes do not show the one that the status names,
 * and something is to be allocated or given back, they may be late: a holder before us has only just got it.
 */
async function look(
  { clock, ec2, cache, rateLimit }: ElasticIpParts,
  { goal, publicIpInStatus }: { readonly goal: ElasticIpGoal } & Pick<ElasticIpTarget, 'publicIpInStatus'>,
  fence: Fence,
): Promise<readonly ElasticIp[]> {
  const { signal } = fence;
  for (let looks = 0; ; looks += 1) {
    const askedAt = clock.now();
    const eips = cache.corrected(await ask({ rateLimit }, fence, () => ec2.describe({}, { signal })), askedAt);
    const pause = UNSEEN_PAUSES[looks];
    if (publicIpInStatus === undefined || pause === undefined) return eips;
    if (eips.some(({ publicIp }) => publicIp === publicIpInStatus) || !mayBeLate(goal, eips)) return eips;
    await clock.sleep(pause, signal);
  }
}

/** True unless what EC2 shows is all that is needed: something is to be allocated, or has to make room for that. */
function mayBeLate(goal: ElasticIpGoal, eips: readonly ElasticIp[]): boolean {
  if (goal.wanted === undefined) return true;
  const decision = decide(goal, eips);
  return decision.kind === 'step' && !['tag', 'associate'].includes(decision.step.kind);
}

/** The call of one step in its turn, if it is still right by then. */
function perform(parts: ElasticIpParts, step: EipStep, fence: Fence): Promise<Changed> {
  return ask(parts, fence, () => parts.calls.perform(step, fence.signal));
}

function ask<T>({ rateLimit }: Pick<ElasticIpParts, 'rateLimit'>, fence: Fence, act: () => Promise<T>): Promise<T> {
  return permitted({ ...fence, rateLimit, priority: 1 }, act);
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
  const { reason, advice } = elasticIpFailure(error);
  const soon = reason === 'EipInUse' || PASSING.has(reason);
  return refusal(reason, `${error.message} (${error.code})${advice && `; ${advice}`}`, soon);
}

function refusal(reason: Refusal['reason'], message: string, soon = false): BindOutcome {
  return { kind: 'refused', refusal: { reason, message }, soon };
}
