import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { NetworkApi } from '../../lib/ec2/network-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type {
  InterfaceUser,
  NodeEniNode,
  NodeEniPlan,
  NodeEniSnapshot,
  NodeEniStep,
} from '../../lib/model/node-enis/plan.ts';
import type { Ending } from '../../lib/model/retention.ts';
import { planNodeEnis } from '../../lib/plan/node-enis/plan.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { type Plan, Reconciler } from '../../lib/runtime/reconciler.ts';
import { noTracer, RECONCILE } from '../../lib/runtime/tracing.ts';
import { ec2Limiter, isThrottling } from '../aws/rate-limiter.ts';
import type { TermProcess } from '../process.ts';
import { performNodeEniStep } from './executor.ts';
import { NodeEniFacts } from './facts.ts';
import { NodeEniMemory, PENDING_WRITE_MS } from './memory.ts';
import { actionOf, Pace } from './pace.ts';
import { type NodeEniEvent, NodeEniReporter } from './reporter.ts';

export interface NodeEniEc2 {
  readonly interfaces: InterfaceApi;
  readonly networks: NetworkApi;
  readonly rateLimit: RateLimit;
  /** How often EC2 is asked when nothing changes, ms. @default 10 min */
  readonly resyncMs?: number;
}

/** The objects and their nodes, and what is written to them. */
export interface NodeEniAccess {
  /** Undefined while watches are still being read. */
  readonly observe: () => { readonly objects: readonly NodeEni[]; readonly nodes: readonly NodeEniNode[] } | undefined;
  readonly usersOf: (nodeName: string) => Promise<readonly InterfaceUser[]>;
  readonly endingOf: (object: NodeEni) => Promise<Ending>;
  readonly setFinalizer: (object: NodeEni, isOn: boolean) => Promise<void>;
  /** Says what the plan wants objects and nodes to say; returns when to ask again. */
  readonly publish: (plan: Pick<NodeEniPlan, 'statuses' | 'notices'>) => number | undefined;
}

export interface NodeEniReconcilerParts {
  readonly process: TermProcess;
  readonly ec2: NodeEniEc2;
  readonly objects: NodeEniAccess;
  readonly clusterName: string;
  /** Interfaces of network card 0 that the VPC CNI keeps on each node. */
  readonly reserved: number;
  readonly record: (event: NodeEniEvent) => void;
  /** How many interfaces are in each state. */
  readonly gauge: (byState: Readonly<Record<string, number>>) => void;
}

const RESYNC_MS = 600_000;
/**
 * A plan costs some ten microseconds for each interface: with this mean pause for each, planning takes a small share of a processor however
 * many nodes join at once. One node that joins a quiet fleet waits for nothing: a burst of plans is free.
 */
const PLAN_MS_PER_SLOT = 0.8;
const NOTHING_TO_DO: Plan<NodeEniStep> = { steps: [], retryAt: undefined };
/** Who waits for an interface goes before upkeep, and what takes something away comes last. */
const PRIORITY: Partial<Record<NodeEniStep['kind'], number>> = { attach: 0, create: 1, detach: 3, delete: 3 };

/** The loop for NodeENIs: observe, plan from the whole snapshot, one call for each slot at a time, publish. */
export class NodeEniReconciler {
  readonly #parts: NodeEniReconcilerParts;
  readonly #reconciler: Reconciler<NodeEniStep>;
  readonly #facts: NodeEniFacts;
  readonly #memory: NodeEniMemory;
  readonly #pace: Pace;
  readonly #reporter: NodeEniReporter;
  /** Interfaces that the latest plan was about. */
  #slots = 0;

  constructor(parts: NodeEniReconcilerParts, signal: AbortSignal) {
    this.#parts = parts;
    const { process, ec2 } = parts;
    const { clock, log, mayAct, health } = process;
    this.#memory = new NodeEniMemory(process);
    this.#pace = new Pace(clock);
    this.#reporter = new NodeEniReporter(parts);
    const rateLimiter = ec2Limiter(ec2.rateLimit);
    this.#facts = new NodeEniFacts({ ...parts, rateLimiter, trigger: () => this.trigger() }, signal);
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter,
        plan: () => this.#plan(),
        steps: {
          keyOf: ({ key }) => key,
          priorityOf: (step) => (actionOf(step) === undefined ? undefined : (PRIORITY[step.kind] ?? 2)),
          mayAct,
          act: (step) => this.#act(step),
          failed: (step, error) => this.#failed(step, error),
        },
        intervalMs: () => this.#slots * PLAN_MS_PER_SLOT,
        ...(health && { healthOf: { loop: 'NodeENIs', health } }),
        onFault: (error) => log.error('planning for NodeENIs failed; trying again at the next event', { error }),
      },
      signal,
    );
    this.trigger();
  }

  /** Something that the loop observes has changed. */
  trigger(): void {
    this.#reconciler.trigger();
  }

  /** Resolves when nothing is in flight any more; for a clean stop. */
  async idle(): Promise<void> {
    await Promise.all([this.#reconciler.idle(), this.#facts.idle()]);
  }

  #plan(): Plan<NodeEniStep> {
    const { process, objects: access } = this.#parts;
    const { clock, mayAct } = process;
    const seen = access.observe();
    if (seen === undefined || !mayAct()) return NOTHING_TO_DO;
    const { objects, nodes } = seen;
    // A cluster without NodeENIs asks EC2 nothing about them.
    if (objects.length === 0 && nodes.length === 0) return NOTHING_TO_DO;
    const plan = planNodeEnis(this.#snapshot(objects, nodes));
    this.#slots = plan.statuses.reduce((sum, { status }) => sum + status.nodes.length, 0);
    this.#facts.request(plan.read, objects);
    this.#reporter.statuses(plan.statuses);
    const alarms = [plan.retryAt, access.publish(plan), this.#readAt(plan.poll)];
    const isBusy = (key: string) => this.#reconciler.isBusy(key);
    const awaiting = plan.steps.filter((step) => !isBusy(step.key) && this.#memory.hasPendingWrite(step));
    const { steps, nextAt } = this.#pace.admit(
      plan.steps.filter((step) => !awaiting.includes(step)),
      isBusy,
    );
    const pendingUntil = awaiting.length === 0 ? undefined : clock.now() + PENDING_WRITE_MS;
    // What is due already waits for an answer that is on its way.
    const ahead = [...alarms, nextAt, pendingUntil].flatMap((time) =>
      time !== undefined && time > clock.now() ? [time] : [],
    );
    return { steps, retryAt: ahead.length === 0 ? undefined : Math.min(...ahead) };
  }

  #snapshot(objects: readonly NodeEni[], nodes: readonly NodeEniNode[]): NodeEniSnapshot {
    const { process, clusterName, reserved } = this.#parts;
    const facts = this.#facts.knownFor(objects);
    const present = new Set(facts.interfaces.map(({ id }) => id));
    this.#memory.note(objects, nodes, present, facts.interfacesAt);
    this.#memory.keep(
      new Set(objects.map(({ uid }) => uid)),
      new Set([...nodes.flatMap(({ instanceId }) => instanceId ?? []), ...facts.rooms.keys()]),
    );
    return { now: process.clock.now(), clusterName, reserved, objects, nodes, ...facts, ...this.#memory.known };
  }

  /** When EC2 is asked for the interfaces next; asks when that time has come. */
  #readAt(poll: boolean): number | undefined {
    const { process, ec2 } = this.#parts;
    const { clock } = process;
    const interfacesAt = this.#facts.cache.readAt;
    if (!poll) this.#memory.settled();
    if (interfacesAt === undefined) return undefined;
    const due = interfacesAt + (poll ? this.#memory.pollPause(this.#slots) : (ec2.resyncMs ?? RESYNC_MS));
    if (due <= clock.now()) this.#facts.readInterfaces();
    return due <= clock.now() ? undefined : due;
  }

  async #act(step: NodeEniStep): Promise<void> {
    const { process, ec2, objects } = this.#parts;
    const { clock, log, tracer = noTracer, callSignal } = process;
    const { setFinalizer } = objects;
    this.#memory.started(step);
    const startedAt = clock.now();
    const parts = { ec2: ec2.interfaces, setFinalizer, callSignal, cache: this.#facts.cache };
    try {
      await tracer.run(`NodeENI: ${step.kind}`, RECONCILE, aboutStep(step), () => performNodeEniStep(step, parts));
    } finally {
      this.#pace.ended(step.key);
    }
    this.#memory.succeeded(step);
    if (step.kind === 'create') this.#facts.took(step.subnetId);
    if (actionOf(step) === undefined) return;
    log.info(`NodeENI: ${step.kind} done`, { ...aboutStep(step), callMs: clock.now() - startedAt });
    this.#reporter.done(step);
  }

  #failed(step: NodeEniStep, cause: unknown): void {
    const { log, callSignal } = this.#parts.process;
    if (callSignal.aborted) return;
    if (cause instanceof Ec2Error && isThrottling(cause)) {
      log.info('EC2 is throttling requests', { ...aboutStep(step), code: cause.code });
      return;
    }
    const { reason, message, isNews } = this.#memory.failed(step, cause);
    if (!isNews) return;
    log.warn('a step for a NodeENI failed', { ...aboutStep(step), reason, error: cause });
    if (reason !== 'Settling')
      this.#reporter.refused(step.object, 'node' in step ? step.node : undefined, reason, message);
  }
}

function aboutStep(step: NodeEniStep) {
  const eni = 'eni' in step ? { eni: step.eni } : {};
  const node = 'node' in step ? { node: step.node } : {};
  return { step: step.kind, nodeEni: step.object.name, ...node, ...eni };
}
