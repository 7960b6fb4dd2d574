import type { WriteOutcome } from '../../lib/kube/custom-resources.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipObjectDialectName } from '../../lib/model/eip-objects/eip-object.ts';
import { isEc2Step, type KubeStep, type ObjectStep } from '../../lib/model/eip-objects/plan.ts';
import { isThrottling } from '../aws/rate-limiter.ts';
import { failureReport } from '../elastic-ips/executor.ts';
import { SETTLING_MS } from './claim-memory.ts';
import { performEc2Step } from './ec2-steps.ts';
import { performKubeStep } from './kube-steps.ts';
import type { EipObjectReconcilerOptions, ObjectMemory } from './reconciler.ts';
import { about, eipCallOf, resourceOf, takesHold, versionOf } from './step-facts.ts';

/** A write that the watch does not show within this time is planned again, ms. */
const PENDING_WRITE_MS = 5_000;
const RETRY = [500, 60_000] as const;

type ClaimStep = Extract<ObjectStep, { claim: unknown }>;

/** Carries out one step for EIP objects and remembers what became of it. */
export class EipObjectExecutor {
  readonly #options: EipObjectReconcilerOptions;
  readonly #memory: ObjectMemory;
  readonly #signal: AbortSignal;

  constructor(options: EipObjectReconcilerOptions, memory: ObjectMemory, signal: AbortSignal) {
    this.#options = options;
    this.#memory = memory;
    this.#signal = signal;
  }

  /** @throws {Ec2Error | KubeError} */
  async act(step: ObjectStep): Promise<void> {
    const outcome = isEc2Step(step) ? await this.#callEc2(step) : await this.#callKube(step);
    this.#succeeded(step, outcome === 'stale');
    this.#options.process.log.info(`EIP object: ${step.kind}`, { ...about(step), ...(outcome && { outcome }) });
  }

  failed(step: ObjectStep, cause: unknown): void {
    if (isThrottling(cause) || this.#signal.aborted) return;
    if (cause instanceof Ec2Error && 'claim' in step) return this.#backOff(step, cause);
    const { process, reporter } = this.#options;
    const { log } = process;
    const { failures } = this.#memory.retries.failed(step.key, {
      reason: 'failed',
      message: String(cause),
      pause: RETRY,
    });
    if (step.kind === 'ask-ending') reporter.refuse(step.claim.object, step.claim.dialect, unknownEnding(cause));
    if (failures === 1 || failures % 10 === 0)
      log.warn(`EIP object: ${step.kind} failed; trying again`, { ...about(step), failures, error: cause });
  }

  async #callEc2(step: Parameters<typeof performEc2Step>[0]): Promise<undefined> {
    const { ec2, context, process } = this.#options;
    const { cache, places } = this.#memory;
    await performEc2Step(step, {
      ec2,
      cache,
      clusterName: context.clusterName,
      found: (query, place) => places.found(query, place, process.clock.now()),
      signal: this.#signal,
    });
  }

  async #callKube(step: KubeStep): Promise<WriteOutcome | undefined> {
    const { kube, sources } = this.#options;
    const signal = this.#signal;
    if (step.kind === 'ask-ending') {
      const { object, dialect } = step.claim;
      this.#memory.endings.set(object.uid, await readEnding(kube, object, resourceOf(dialect), signal));
      return undefined;
    }
    const statusIsSubresource = (dialect: EipObjectDialectName) => sources.served(dialect)?.statusSubresource === true;
    return performKubeStep(step, { kube, statusIsSubresource, signal });
  }

  #succeeded(step: ObjectStep, stale: boolean): void {
    const { retries, writes, backoffs, claims } = this.#memory;
    const now = this.#options.process.clock.now();
    retries.succeeded(step.key);
    const version = versionOf(step);
    if (version !== undefined) writes.made(step.key, version, now + (stale ? 1_000 : PENDING_WRITE_MS));
    if ('claim' in step && isEc2Step(step)) backoffs.succeeded(step.claim.object.uid);
    if (takesHold(step) && !stale) claims.held(step.claim.object.uid);
    if (step.kind === 'tag' && step.retained !== undefined)
      this.#options.reporter.retained(step.claim, step.eip, step.retained);
  }

  /** EC2 refused, or did not answer. Whatever it was: look again before deciding again. */
  #backOff(step: ClaimStep, error: Ec2Error): void {
    const { log, clock } = this.#options.process;
    const { backoffs, claims, places, cache } = this.#memory;
    const { uid } = step.claim.object;
    const { reason, failures } = backoffs.failed(uid, failureReport(eipCallOf(step), error));
    // A lost reply to an allocation: the EIP may exist, but EC2's lists may not show it for a moment.
    const mayExist = step.kind === 'allocate' && error.kind === 'unknown-outcome';
    claims.distrust(uid, clock.now() + (mayExist ? SETTLING_MS : 0));
    if (step.kind === 'associate' && step.query !== undefined) places.distrust(step.query);
    cache.request();
    if (failures > 1) return;
    const { code, message } = error;
    log.warn('an EC2 call for an EIP object failed', { ...about(step), reason, code, message });
  }
}

function unknownEnding(cause: unknown) {
  const message = `cannot tell whether the object's namespace or definition is being deleted, so its Elastic IP is kept for now: ${String(cause)}; allow the controller to get namespaces and customresourcedefinitions, or set the annotation eni-agent.io/deletion-policy`;
  return { reason: 'Unauthorized', message } as const;
}
