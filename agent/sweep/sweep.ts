import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { OwnerReads } from '../../lib/kube/owner-reads.ts';
import { ENI_TAG } from '../../lib/model/eni-objects/eni-object.ts';
import { NODE_ENI_TAG } from '../../lib/model/node-enis/tags.ts';
import type { Orphan, SweepItem, SweepPlan, SweepStep } from '../../lib/model/sweep.ts';
import { type SweepAdapters, sweepItems } from '../../lib/plan/sweep/items.ts';
import { nextStep, planSweep } from '../../lib/plan/sweep/plan-sweep.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { TermProcess } from '../process.ts';
import { askOwners } from './verdicts.ts';

export interface SweepEc2 {
  readonly elasticIps: Pick<ElasticIpApi, 'describe' | 'disassociate' | 'release' | 'untag'>;
  readonly interfaces: Pick<InterfaceApi, 'describe' | 'detach' | 'delete'>;
  readonly rateLimit: RateLimit;
}

export interface SweepParts {
  readonly process: TermProcess;
  readonly ec2: SweepEc2;
  readonly reads: OwnerReads;
  readonly adapters: SweepAdapters;
  /** `dry-run` lists orphans and touches nothing. */
  readonly mode: 'on' | 'dry-run';
  /** Things without an owner now. */
  readonly orphans: (count: number) => void;
}

/** Long enough after the start for node agents to take up what is theirs. */
const FIRST_MS = 60_000;
const INTERVAL_MS = 30 * 60_000;
const COOLDOWN_MS = 10 * 60_000;
const MAX_STEPS = 10;
/** Pause between two calls of a sweep, ms: giving back is never urgent. */
const PACE_MS = 1_000;

/** Sweeps until the signal aborts: what carries this cluster's tags and has no owner any more is given back. Never rejects. */
export async function runSweep(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = parts.process;
  let goneSince: SweepPlan['goneSince'] = new Map();
  let failures = 0;
  await clock.sleep(FIRST_MS, signal);
  while (!signal.aborted) {
    let pause = INTERVAL_MS;
    try {
      const plan = await sweepOnce(parts, goneSince, signal);
      if (plan !== undefined) goneSince = plan.goneSince;
      pause = Math.min(INTERVAL_MS, Math.max(PACE_MS, (plan?.retryAt ?? Infinity) - clock.now()));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!signal.aborted) log.warn('a sweep for orphans failed; nothing was concluded from it', { error });
      pause = backoffMs(failures, { baseMs: 30_000, maxMs: INTERVAL_MS, random });
    }
    await clock.sleep(pause, signal);
  }
}

/** Undefined when this process may not act. @throws {Ec2Error} when EC2 does not say what there is. */
async function sweepOnce(
  parts: SweepParts,
  goneSince: SweepPlan['goneSince'],
  signal: AbortSignal,
): Promise<SweepPlan | undefined> {
  const { process, adapters, mode } = parts;
  const { clock, log, mayAct } = process;
  if (!mayAct()) return undefined;
  const readAt = clock.now();
  const items = await readItems(parts, signal);
  const onProblem = (message: string, error: unknown) => log.warn(message, { error });
  const verdicts = await askOwners(items, { reads: parts.reads, adapters, onProblem });
  const limits = { cooldownMs: COOLDOWN_MS, maxSteps: MAX_STEPS };
  const plan = planSweep({ now: clock.now(), items, readAt, verdicts, goneSince, ...limits });
  parts.orphans(plan.orphans.length);
  for (const orphan of plan.orphans) logOrphan(orphan, parts, goneSince);
  if (mode === 'dry-run') return { ...plan, retryAt: undefined };
  for (const step of plan.steps) {
    if (signal.aborted) break;
    await perform(step, parts, signal);
    await clock.sleep(PACE_MS, signal);
  }
  return plan;
}

async function readItems(parts: SweepParts, signal: AbortSignal): Promise<readonly SweepItem[]> {
  const { ec2, adapters } = parts;
  const { elasticIps, interfaces, rateLimit } = ec2;
  const tags = { [ENI_TAG.cluster]: adapters.context.clusterName };
  const items = await ec2Limiter(rateLimit).call(
    () => 3,
    signal,
    async () => {
      const [eips, enis] = await Promise.all([
        elasticIps.describe({}, { signal }),
        interfaces.describe({ tags, tagKeys: [ENI_TAG.uid, NODE_ENI_TAG.uid] }, { signal }),
      ]);
      return sweepItems(eips, enis, adapters);
    },
  );
  return items === NO_CALL ? [] : items;
}

/**
 * Decides again right before the call, after the wait for permission: a pod may have come back under its name, or somebody else may
 * have the thing by now, since the lists were read.
 */
async function perform(step: SweepStep, parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { log, mayAct, callSignal } = parts.process;
  const actIfDue = async () => {
    const again = await stepStillDue(step, parts, signal);
    return again === undefined || signal.aborted || !mayAct() ? NO_CALL : act(again, parts);
  };
  try {
    const answer = await ec2Limiter(parts.ec2.rateLimit).call(() => 3, signal, actIfDue);
    if (answer !== NO_CALL) log.info(`sweep: ${step.kind} of an orphan done`, aboutItem(step.item));
  } catch (error) {
    const about = { ...aboutItem(step.item), step: step.kind, error };
    if (!callSignal.aborted) log.warn('an orphan could not be given back; the next sweep tries again', about);
  }
}

/** The same step on the thing as EC2 and the API server have it now; undefined when it is not due any more. */
async function stepStillDue(step: SweepStep, parts: SweepParts, signal: AbortSignal): Promise<SweepStep | undefined> {
  const { process, ec2, reads, adapters } = parts;
  const { elasticIps, interfaces } = ec2;
  const { id, kind, owner } = step.item;
  const eips = kind === 'elastic-ip' ? await elasticIps.describe({ allocationIds: [id] }, { signal }) : [];
  const enis = kind === 'interface' ? await interfaces.describe({ ids: [id] }, { signal }) : [];
  const item = sweepItems(eips, enis, adapters).find((one) => one.id === id);
  if (item === undefined || JSON.stringify(item.owner) !== JSON.stringify(owner)) return undefined;
  const onProblem = (message: string, error: unknown) => process.log.warn(message, { error });
  const verdicts = await askOwners([item], { reads, adapters, onProblem });
  if (verdicts.get(id) !== 'gone') return undefined;
  const next = nextStep(item).step;
  return next?.kind === step.kind ? next : undefined;
}

async function act(step: SweepStep, { process, ec2 }: SweepParts): Promise<void> {
  const { elasticIps, interfaces } = ec2;
  const { callSignal: signal } = process;
  switch (step.kind) {
    case 'disassociate':
      await elasticIps.disassociate(step.associationId, { signal });
      return;
    case 'release':
      await elasticIps.release(step.allocationId, { signal });
      return;
    case 'untag':
      await elasticIps.untag([step.allocationId], step.keys, { signal });
      return;
    case 'detach':
      await interfaces.detach(step.attachmentId, { signal });
      return;
    case 'delete':
      await interfaces.delete(step.eni, { signal });
  }
}

/** In a dry run every time, else once for each orphan. */
function logOrphan(
  { item, since, waitsFor }: Orphan,
  { process, mode }: SweepParts,
  goneSince: SweepPlan['goneSince'],
): void {
  if (mode === 'on' && goneSince.has(item.id)) return;
  const text =
    mode === 'on'
      ? 'found an orphan; it is given back if its owner stays away'
      : 'dry run: this orphan would be given back';
  process.log.info(text, { ...aboutItem(item), goneSince: new Date(since).toISOString(), waitsFor });
}

function aboutItem({ kind, id, owner, ...item }: SweepItem) {
  const publicIp = 'eip' in item ? { publicIp: item.eip.publicIp, allocatedByUs: item.allocatedByUs } : {};
  return {
    orphan: id,
    kind,
    owner: owner.kind === 'pod' ? `pod ${owner.pod}` : `${owner.of} ${owner.uid}`,
    ...publicIp,
  };
}
