import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { EniObjectWriter } from '../../lib/kube/eni-objects.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { ENI_TAG, type EniObject, type EniObjectStatus, eniKey } from '../../lib/model/eni-objects/eni-object.ts';
import type { EniDecision, EniSnapshot, EniStep } from '../../lib/model/eni-objects/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { NetworkInterface } from '../../lib/model/network-interface.ts';
import type { Ending } from '../../lib/model/retention.ts';
import { OPEN_POLICY, type TenantPolicy } from '../../lib/model/tenant-policy.ts';
import { planEnis } from '../../lib/plan/eni-objects/plan.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { type Plan, Reconciler } from '../../lib/runtime/reconciler.ts';
import { noTracer, RECONCILE } from '../../lib/runtime/tracing.ts';
import { ec2Limiter, isThrottling } from '../aws/rate-limiter.ts';
import type { TermProcess } from '../process.ts';
import { eniBackoff, kubeBackoff } from './backoff.ts';
import { NetworkInterfaceCache } from './cache.ts';
import { callsEc2, performEniStep, writesObject } from './executor.ts';
import { EniObjectMemory, PENDING_WRITE_MS } from './memory.ts';
import { StatusWrites } from './status-writes.ts';

/** What the loop sees of the cluster, from watches that others keep. */
export interface EniSurroundings {
  readonly objects: readonly EniObject[];
  readonly objectsKnown: boolean;
  /** Pods that live, by `namespace/name`: at least those that objects name. */
  readonly pods: EniSnapshot['pods'];
  /** Pods and nodes have been listed. */
  readonly podsKnown: boolean;
  readonly instanceOfNode: EniSnapshot['instanceOfNode'];
  /** Addresses that a pod uses or that an EIP object names. */
  readonly inUse: ReadonlySet<IpAddress>;
}

export interface EniObjectEc2 {
  readonly interfaces: InterfaceApi;
  readonly rateLimit: RateLimit;
  /** How often EC2 is asked when nothing changes, ms. @default 10 min */
  readonly resyncMs?: number;
}

/** The objects, and what is written to them and about them. */
export interface EniObjectAccess {
  readonly writer: EniObjectWriter;
  readonly observe: () => EniSurroundings;
  /** Whether an object that is being deleted goes by itself. */
  readonly endingOf: (object: EniObject) => Promise<Ending>;
  readonly recordEvent: (
    object: EniObject,
    event: { type: 'Normal' | 'Warning'; reason: string; message: string },
  ) => void;
}

export interface EniObjectReconcilerParts {
  readonly process: TermProcess;
  readonly ec2: EniObjectEc2;
  readonly objects: EniObjectAccess;
  readonly clusterName: string;
  /** What namespaces may ask for. @default everything */
  readonly tenants?: () => TenantPolicy;
}

export interface EniObjectReconciler {
  /** Something that the loop observes has changed. */
  trigger(): void;
  /** Resolves when nothing is in flight any more; for a clean stop. */
  idle(): Promise<void>;
}

const RESYNC_MS = 600_000;
const NOTHING_TO_DO: Plan<EniStep> = { steps: [], retryAt: undefined };

/** The loop for ENI objects: observe, plan from the whole snapshot, one call per object at a time, report. */
export function createEniObjectReconciler(parts: EniObjectReconcilerParts, signal: AbortSignal): EniObjectReconciler {
  const loop = new Loop(parts, signal);
  loop.trigger();
  return loop;
}

class Loop implements EniObjectReconciler {
  readonly #parts: EniObjectReconcilerParts;
  readonly #reconciler: Reconciler<EniStep>;
  readonly #cache: NetworkInterfaceCache;
  readonly #memory: EniObjectMemory;
  readonly #statuses: StatusWrites;

  constructor(parts: EniObjectReconcilerParts, signal: AbortSignal) {
    this.#parts = parts;
    const { clock, random, log, mayAct, health } = parts.process;
    this.#memory = new EniObjectMemory(parts.process);
    this.#statuses = new StatusWrites(parts.objects.writer, log);
    const { interfaces: ec2, rateLimit } = parts.ec2;
    const onProblem = (message: string, error: unknown) => log.warn(message, { error });
    const trigger = () => this.trigger();
    this.#cache = new NetworkInterfaceCache(
      { clock, random, ec2, rateLimit, describe: (until) => this.#describe(until), trigger, onProblem },
      signal,
    );
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter: ec2Limiter(rateLimit),
        plan: () => this.#plan(),
        steps: {
          keyOf: ({ object }) => object.uid,
          priorityOf: (step) => (callsEc2(step) ? (step.kind === 'attach' ? 1 : 2) : undefined),
          mayAct,
          act: (step) => this.#act(step),
          failed: (step, error) => this.#failed(step, error),
        },
        ...(health && { healthOf: { loop: 'ENI objects', health } }),
        onFault: (error) => onProblem('planning for ENI objects failed; the next event tries again', error),
      },
      signal,
    );
  }

  trigger(): void {
    this.#reconciler.trigger();
  }

  async idle(): Promise<void> {
    await Promise.all([this.#reconciler.idle(), this.#statuses.idle(), this.#cache.idle()]);
  }

  /** Ours by their tags, and those that statuses name: they may lack our tags. */
  async #describe(signal: AbortSignal): Promise<readonly NetworkInterface[]> {
    const { clusterName, objects } = this.#parts;
    const ec2 = this.#parts.ec2.interfaces;
    const tags = { [ENI_TAG.cluster]: clusterName };
    const tagged = await ec2.describe({ tags, tagKeys: [ENI_TAG.uid] }, { signal });
    const recorded = objects.observe().objects.flatMap(({ status }) => status.networkInterfaceId ?? []);
    const unseen = recorded.filter((id) => !tagged.some((facts) => facts.id === id));
    return unseen.length === 0 ? tagged : [...tagged, ...(await ec2.describe({ ids: unseen }, { signal }))];
  }

  #plan(): Plan<EniStep> {
    const { process, ec2, objects } = this.#parts;
    const { clock, mayAct } = process;
    const around = objects.observe();
    if (!around.objectsKnown || !mayAct()) return NOTHING_TO_DO;
    const snapshot = this.#snapshot(around);
    this.#statuses.forget(new Set(around.objects.map(({ uid }) => uid)));
    // A cluster without ENI objects asks EC2 nothing about them.
    if (around.objects.length === 0) return NOTHING_TO_DO;
    const heeded = planEnis(snapshot).map((decision) => this.#heed(decision));
    const { readAt } = this.#cache;
    const alarms = heeded.flatMap(({ times }) => times);
    if (readAt !== undefined) alarms.push(this.#readAt(readAt + (ec2.resyncMs ?? RESYNC_MS)));
    const ahead = alarms.filter((time) => time > clock.now());
    return {
      steps: heeded.flatMap(({ step }) => step ?? []),
      retryAt: ahead.length === 0 ? undefined : Math.min(...ahead),
    };
  }

  #snapshot(around: EniSurroundings): EniSnapshot {
    const { process, clusterName, tenants = () => OPEN_POLICY } = this.#parts;
    const { interfaces, readAt: interfacesAt, rooms } = this.#cache;
    this.#memory.note(around.objects, interfaces, interfacesAt, clusterName);
    const known = { ...around, ...this.#memory.known, tenants: tenants() };
    return { ...known, now: process.clock.now(), clusterName, interfaces, interfacesAt, rooms };
  }

  /** Reports and asks what the decision wants; returns the step that may go now, and the times at which to look again. */
  #heed(decision: EniDecision): { readonly step: EniStep | undefined; readonly times: readonly number[] } {
    const { object, step, status, readInterfaces, readRoom, poll, retryAt } = decision;
    if (readInterfaces) this.#cache.request();
    if (readRoom !== undefined) this.#cache.requestRoom(readRoom);
    // What is under way is not finished: only whether it is still wanted counts.
    if (this.#reconciler.isBusy(object.uid)) return { step, times: [] };
    if (status !== undefined && this.#statuses.write(object, status)) this.#reportRefusal(object, status);
    const times = retryAt === undefined ? [] : [retryAt];
    if (!poll) this.#memory.settled(object);
    else
      times.push(
        this.#readAt((this.#cache.readAt ?? this.#parts.process.clock.now()) + this.#memory.pollPause(object)),
      );
    if (step === undefined || !writesObject(step)) return { step, times };
    if (this.#memory.hasPendingWrite(object))
      return { step: undefined, times: [...times, this.#parts.process.clock.now() + PENDING_WRITE_MS] };
    this.#memory.noteWrite(object);
    return { step, times };
  }

  /** Reads the interfaces if that time has come; returns it, as an alarm. */
  #readAt(due: number): number {
    if (due <= this.#parts.process.clock.now()) this.#cache.request();
    return due;
  }

  async #act(step: EniStep): Promise<void> {
    const { process, ec2, objects, clusterName } = this.#parts;
    const { clock, log, callSignal, tracer = noTracer } = process;
    if (step.kind === 'create') this.#memory.mayAppear(step.object);
    if (step.kind === 'attach') this.#cache.rooms.delete(step.instanceId);
    const startedAt = clock.now();
    const ended = (object: EniObject, ending: Ending) => this.#memory.ended(object, ending);
    const parts = { ec2: ec2.interfaces, objects, clusterName, callSignal, cache: this.#cache, ended };
    const perform = () => performEniStep(step, parts);
    await tracer.run(`ENI object: ${step.kind}`, RECONCILE, about(step), perform);
    this.#memory.succeeded(step);
    if (!callsEc2(step)) return;
    log.info(`ENI object: ${step.kind} done`, { ...about(step), callMs: clock.now() - startedAt });
    this.#reportStep(step);
  }

  #failed(step: EniStep, cause: unknown): void {
    const { process, objects } = this.#parts;
    const { log, callSignal } = process;
    if (callSignal.aborted) return;
    if (cause instanceof Ec2Error && isThrottling(cause)) {
      log.info('EC2 is throttling requests', { ...about(step), code: cause.code });
      return;
    }
    if (step.kind === 'create') this.#memory.mayAppear(step.object);
    if (step.kind === 'assign' && isUnknown(cause)) this.#memory.mayHaveAssigned(step, this.#addressesOf(step.eni));
    const refusal = cause instanceof Ec2Error ? eniBackoff(cause, step) : kubeBackoff(cause, step);
    if (this.#memory.failed(step.object, refusal) > 1) return;
    const { reason, message } = refusal;
    log.warn('a step for an ENI object failed', { ...about(step), reason, error: cause });
    if (reason !== 'Settling') objects.recordEvent(step.object, { type: 'Warning', reason, message });
  }

  #addressesOf(eni: EniId): readonly IpAddress[] {
    const facts = this.#cache.interfaces.find(({ id }) => id === eni);
    return facts?.addresses.map(({ ip }) => ip) ?? [];
  }

  /** Once when a status first shows it. */
  #reportRefusal(object: EniObject, { ready }: EniObjectStatus): void {
    if (ready?.status !== 'False' || ready.reason === object.status.ready?.reason || !REFUSALS.has(ready.reason))
      return;
    this.#parts.objects.recordEvent(object, { type: 'Warning', reason: ready.reason, message: ready.message });
  }

  #reportStep(step: EniStep): void {
    const retained = step.kind === 'tag' ? step.retained : undefined;
    const event = retained === undefined ? EVENTS[step.kind] : 'InterfaceRetained';
    if (event === undefined) return;
    const place = step.kind === 'attach' ? ` to ${step.instanceId} at device index ${step.deviceIndex}` : '';
    const why = retained === undefined ? '' : ` stays: ${retained}`;
    const message = `${'eni' in step ? step.eni : 'network interface'}${place}${why}`;
    this.#parts.objects.recordEvent(step.object, { type: 'Normal', reason: event, message });
  }
}

function isUnknown(cause: unknown): boolean {
  return cause instanceof Ec2Error && cause.kind === 'unknown-outcome';
}

const EVENTS: Partial<Record<EniStep['kind'], string>> = {
  create: 'InterfaceCreated',
  attach: 'InterfaceAttached',
  detach: 'InterfaceDetached',
  delete: 'InterfaceDeleted',
};

/** Reasons that are worth an Event when a status first shows them; the others pass by themselves. */
const REFUSALS: ReadonlySet<string> = new Set([
  'NodeUnknown',
  'ZoneMismatch',
  'InstanceFull',
  'TooManyAddresses',
  'AddressesInUse',
  'SubnetChanged',
  'NotOurs',
  'NotAllowed',
  'InvalidSpec',
]);

function about(step: EniStep) {
  const place =
    step.kind === 'attach'
      ? { instanceId: step.instanceId, deviceIndex: step.deviceIndex, networkCard: step.networkCard }
      : {};
  const why = step.kind === 'tag' && step.retained !== undefined ? { retained: step.retained } : {};
  return {
    ...why,
    step: step.kind,
    eniObject: eniKey(step.object),
    ...('eni' in step ? { eni: step.eni } : {}),
    ...place,
  };
}
