import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { PendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import { podKey } from '../../lib/model/pod.ts';
import { PASSING, type Reason } from '../../lib/model/refusal.ts';
import { isIdentifiedAs } from '../../lib/plan/elastic-ips/belonging.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import { elasticIpFailure } from '../aws/failures.ts';
import type { ElasticIpCalls } from './calls.ts';
import type { ElasticIpMemory } from './memory.ts';
import type { ElasticIpProcess, ElasticIpReports } from './reconciler-options.ts';

export interface EipStepParts {
  readonly process: Pick<ElasticIpProcess, 'clock' | 'log' | 'callSignal'>;
  readonly calls: ElasticIpCalls;
  readonly memory: ElasticIpMemory;
  readonly pendingAssociations: Pick<Journal<PendingAssociation>, 'put'>;
  /** The facts about our ENIs may be wrong. */
  readonly invalidateEnis: (cause: string) => void;
  /** An EIP may exist that no read shows yet. */
  readonly lookAgain: () => void;
  readonly recordEvent: ElasticIpReports['recordEvent'];
}

/** Carries out one step and records in the cache what is true now. @throws {Ec2Error} which belongs to {@link stepFailed} */
export async function performStep(step: EipStep, parts: EipStepParts): Promise<void> {
  const { clock, log } = parts.process;
  const { memory } = parts;
  const startedAt = clock.now();
  const requestId = await act(step, parts);
  memory.backoffs.succeeded(step.key);
  log.info(`${PAST[step.kind]} Elastic IP`, { ...aboutStep(step), callMs: clock.now() - startedAt, requestId });
}

const PAST: Record<EipStep['kind'], string> = {
  allocate: 'allocated',
  associate: 'associated',
  tag: 'tagged',
  disassociate: 'disassociated',
  release: 'released',
  untag: 'untagged',
};

async function act(step: EipStep, parts: EipStepParts): Promise<string | undefined> {
  const { calls, memory, pendingAssociations, recordEvent } = parts;
  const { clock, callSignal: signal } = parts.process;
  if (step.kind === 'associate' && !isIdentifiedAs(step.claim, step.eip)) {
    const { claim, eip, eni, privateIp } = step;
    const { allocationId } = eip;
    const pending = { allocationId, eni, privateIp, owner: podKey(claim.owner), at: clock.now() };
    pendingAssociations.put([[allocationId, pending]]);
  }
  const { requestId } = await calls.perform(step, signal);
  if (step.kind === 'associate')
    recordEvent(step.claim, '', { kind: 'associated', publicIp: step.eip.publicIp, privateIp: step.privateIp });
  if (step.kind === 'disassociate') {
    // A stale id counts as ended, too: somebody else may have the EIP now. Only a fresh look may lead to its release or the removal of tags.
    memory.distrust(step.key, clock.now());
    recordEvent(undefined, step.owner, { kind: 'disassociated', publicIp: step.eip.publicIp });
  }
  return requestId;
}

/** So often an EIP may be unknown to EC2 right after we allocated it, before the cache is doubted. */
const PATIENCE = 5;
/** Failures in a row of what usually passes by itself before people are warned: with their pauses about ten seconds. */
const LASTING_FAILURES = 6;

/** Records what a failed step means: a back-off, and doubts about what was believed. */
export function stepFailed(cause: unknown, step: EipStep, parts: EipStepParts): void {
  const { callSignal, clock, log } = parts.process;
  const { memory } = parts;
  const error = cause instanceof Ec2Error ? cause : internalFault(cause);
  if (callSignal.aborted) return;
  if (error.kind === 'throttled') {
    log.info('EC2 is throttling requests', { ...aboutStep(step), code: error.code });
    return;
  }
  const unknown = error.kind === 'unknown-outcome';
  // What EC2 said to a pod that is gone is no reason to keep the next one of its name waiting.
  if ('claim' in step && !memory.isCurrent(step.claim)) return outdated(step, error, parts);
  const { reason, message, failures } = memory.backoffs.failed(step.key, failureReport(step.kind, error));
  // Whatever was refused or left unanswered: look again before deciding again.
  if (error.code !== 'InvalidAllocationID.NotFound' || failures > PATIENCE) memory.distrust(step.key, clock.now());
  if (unknown) parts.lookAgain();
  if (step.kind === 'associate' && (error.kind === 'not-found' || error.kind === 'rejected'))
    parts.invalidateEnis(`AssociateAddress: ${error.code}`);
  const warnedAt = PASSING.has(reason) ? LASTING_FAILURES : 1;
  if (step.kind === 'disassociate' && !unknown && failures === warnedAt)
    parts.recordEvent(undefined, step.owner, { kind: 'disassociation-failed', message });
  if (failures > 1) return;
  log.warn('Elastic IP call failed', {
    ...aboutStep(step),
    reason,
    code: error.code,
    message: error.message,
    requestId: error.requestId,
  });
}

/** It may have done something all the same: nothing is decided about the claim before a look. */
function outdated(step: EipStep, error: Ec2Error, { memory, process, lookAgain }: EipStepParts): void {
  memory.distrust(step.key, process.clock.now());
  if (error.kind === 'unknown-outcome') lookAgain();
}

/** What a failed call means, in words that say what was tried. */
export function failureReport(tried: EipStep['kind'], error: Ec2Error): FailureReport<Reason> {
  const { reason, advice, pause } = elasticIpFailure(error);
  return { reason, pause, message: `${tried}: ${error.message} (${error.code})${advice && `; ${advice}`}` };
}

function aboutStep(step: EipStep) {
  const claim = 'claim' in step ? { claim: step.claim.id, pod: podKey(step.claim.owner) } : {};
  const eip = 'eip' in step ? { publicIp: step.eip.publicIp, allocationId: step.eip.allocationId } : {};
  const place = step.kind === 'associate' ? { eni: step.eni, privateIp: step.privateIp } : {};
  return { ...claim, ...eip, ...place };
}

function internalFault(cause: unknown): Ec2Error {
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new Ec2Error({ kind: 'rejected', code: 'InternalFault', message, action: 'internal' });
}
