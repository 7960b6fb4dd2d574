import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipHappening, ElasticIpClaim } from '../../lib/model/eip-claim.ts';
import type { EipStep } from '../../lib/model/eip-plan.ts';
import type { ElasticIp } from '../../lib/model/elastic-ip.ts';
import type { Setback } from '../../lib/model/snapshot.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { EipInventory } from './inventory.ts';
import { setbackOf } from './reasons.ts';

export interface StepParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: ElasticIpApi;
  readonly budget: Budget;
  readonly inventory: EipInventory;
  readonly log: Logger;
  readonly callSignal: AbortSignal;
  readonly setbacks: Map<string, Setback>;
  /** Nothing may be decided about this key on an inventory from before now. */
  readonly distrust: (key: string) => void;
  /** The facts about our ENIs may be wrong. */
  readonly doubtEnis: (cause: string) => void;
  readonly happened: (claim: ElasticIpClaim | undefined, owner: string, happening: EipHappening) => void;
}

/** Carries out one step and records what became of it in the inventory or as a setback. Never throws. */
export async function performStep(step: EipStep, parts: StepParts): Promise<void> {
  const { clock, budget, log, setbacks } = parts;
  const startedAt = clock.now();
  try {
    const requestId = await act(step, parts);
    budget.succeeded();
    setbacks.delete(step.key);
    log.info(`${PAST[step.kind]} Elastic IP`, { ...aboutStep(step), callMs: clock.now() - startedAt, requestId });
  } catch (error) {
    failed(error, step, parts);
  }
}

const PAST: Record<EipStep['kind'], string> = {
  allocate: 'allocated',
  associate: 'associated',
  tag: 'tagged',
  disassociate: 'disassociated',
  release: 'released',
  untag: 'untagged',
};

async function act(
  step: EipStep,
  { ec2, inventory, callSignal: signal, happened }: StepParts,
): Promise<string | undefined> {
  switch (step.kind) {
    case 'allocate': {
      // The tags travel in the call: an EIP whose reply is lost is found again by them.
      const eip = await ec2.allocate({ pool: step.pool, tags: step.tags }, { signal });
      inventory.changed(eip.allocationId, eip);
      return undefined;
    }
    case 'associate': {
      const { eip, eni, privateIp, allowReassociation } = step;
      const request = { allocationId: eip.allocationId, eni, privateIp, allowReassociation };
      const { associationId, requestId } = await ec2.associate(request, { signal });
      inventory.changed(eip.allocationId, { ...eip, association: { associationId, eni, privateIp } });
      happened(step.claim, '', { kind: 'associated', publicIp: eip.publicIp, privateIp });
      return requestId;
    }
    case 'tag':
      await ec2.tag([step.eip.allocationId], step.tags, { signal });
      inventory.changed(step.eip.allocationId, { ...step.eip, tags: { ...step.eip.tags, ...step.tags } });
      return undefined;
    case 'disassociate': {
      const { requestId } = await ec2.disassociate(step.associationId, { signal });
      inventory.changed(step.eip.allocationId, { ...step.eip, association: undefined });
      happened(undefined, step.owner, { kind: 'disassociated', publicIp: step.eip.publicIp });
      return requestId;
    }
    case 'release': {
      const { requestId } = await ec2.release(step.eip.allocationId, { signal });
      inventory.changed(step.eip.allocationId, undefined);
      return requestId;
    }
    case 'untag':
      await ec2.untag([step.eip.allocationId], step.tags, { signal });
      inventory.changed(step.eip.allocationId, without(step.eip, step.tags));
      return undefined;
  }
}

function failed(cause: unknown, step: EipStep, parts: StepParts): void {
  const { budget, callSignal, log, setbacks, distrust, doubtEnis } = parts;
  const error = cause instanceof Ec2Error ? cause : internalFault(cause);
  if (callSignal.aborted) return;
  if (error.kind === 'throttled') {
    budget.refused();
    log.info('EC2 asks to slow down', { ...aboutStep(step), code: error.code });
    return;
  }
  budget.ended();
  // Whatever was refused or left unanswered: look again before deciding again.
  distrust(step.key);
  const { reason, message, pause } = setbackOf(error, step);
  const before = setbacks.get(step.key);
  const failures = before?.reason === reason ? before.failures + 1 : 1;
  const [baseMs, maxMs] = pause;
  const wait = error.kind === 'unknown-outcome' ? 0 : backoffMs(failures, { baseMs, maxMs, random: parts.random });
  setbacks.set(step.key, { reason, message, failures, until: parts.clock.now() + wait });
  if (step.kind === 'associate' && (error.kind === 'not-found' || error.kind === 'rejected'))
    doubtEnis(`AssociateAddress: ${error.code}`);
  if (before?.reason === reason) return;
  log.warn('Elastic IP call failed', {
    ...aboutStep(step),
    reason,
    code: error.code,
    message: error.message,
    requestId: error.requestId,
  });
  if (error.kind === 'unknown-outcome') return;
  if (step.kind === 'allocate' || step.kind === 'associate')
    parts.happened(step.claim, '', { kind: 'association-failed', message });
  if (step.kind === 'disassociate') parts.happened(undefined, step.owner, { kind: 'disassociation-failed', message });
}

function aboutStep(step: EipStep) {
  const claim =
    'claim' in step ? { claim: step.claim.id, pod: `${step.claim.owner.namespace}/${step.claim.owner.name}` } : {};
  const eip = 'eip' in step ? { publicIp: step.eip.publicIp, allocationId: step.eip.allocationId } : {};
  const place = step.kind === 'associate' ? { eni: step.eni, privateIp: step.privateIp } : {};
  return { ...claim, ...eip, ...place };
}

function without(eip: ElasticIp, keys: readonly string[]): ElasticIp {
  return { ...eip, tags: Object.fromEntries(Object.entries(eip.tags).filter(([key]) => !keys.includes(key))) };
}

function internalFault(cause: unknown): Ec2Error {
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new Ec2Error({ kind: 'rejected', code: 'InternalFault', message, action: 'internal' });
}
