import { objectAdapter, objectDialects } from '../../lib/dialect/handover-adapter.ts';
import type { AddressApi } from '../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { type ObjectClaim, type ObjectContext, objectKey } from '../../lib/model/eip-objects/eip-object.ts';
import {
  type ControllerSnapshot,
  isEc2Step,
  type ObjectStep,
  type SeenClaim,
} from '../../lib/model/eip-objects/plan.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Ending } from '../../lib/model/retention.ts';
import { OPEN_POLICY, type TenantPolicy } from '../../lib/model/tenant-policy.ts';
import { planObjects } from '../../lib/plan/eip-objects/plan.ts';
import { refuseObject } from '../../lib/plan/tenants.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { type Plan, Reconciler } from '../../lib/runtime/reconciler.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { ControllerSources } from '../controller/sources.ts';
import { ElasticIpCache } from '../elastic-ips/cache.ts';
import type { TermProcess } from '../process.ts';
import { ClaimMemory } from './claim-memory.ts';
import { EipObjectExecutor } from './executor.ts';
import { PendingWrites } from './pending-writes.ts';
import { PlacementMemory } from './placement-memory.ts';
import type { EipObjectReporter } from './reporter.ts';
import { versionOf } from './step-facts.ts';

/** The process that the loop runs in. Its calls end when the term does. */
export interface EipObjectProcess extends Omit<TermProcess, 'callSignal' | 'tracer'> {
  readonly dryRun: boolean;
}

export interface EipObjectEc2 {
  readonly elasticIps: ElasticIpApi;
  readonly addresses: Pick<AddressApi, 'describeEnis' | 'findHolders'>;
  readonly interfaces: Pick<InterfaceApi, 'describe'>;
  readonly rateLimit: RateLimit;
  /** How often EC2 is asked when nothing changes, ms. */
  readonly resyncMs: number;
}

export interface EipObjectReconcilerOptions {
  readonly process: EipObjectProcess;
  readonly ec2: EipObjectEc2;
  readonly kube: KubeClient;
  readonly sources: ControllerSources;
  readonly context: ObjectContext;
  /** What namespaces may ask for. @default everything */
  readonly tenants?: () => TenantPolicy;
  readonly reporter: EipObjectReporter;
}

/** What one term of leadership knows beside the watches. All of it may be lost: EC2's tags and the objects carry the truth. */
export interface ObjectMemory {
  readonly cache: ElasticIpCache;
  readonly claims: ClaimMemory;
  readonly places: PlacementMemory;
  readonly endings: Map<string, Ending>;
  readonly writes: PendingWrites;
  /** Of calls to EC2, by object uid. */
  readonly backoffs: FailureMemory<Reason>;
  /** Of everything else, by step key. */
  readonly retries: FailureMemory<'failed'>;
}

/** The loop for EIP objects during one term of leadership: observe, plan from the whole snapshot, one call per key at a time, report. */
export class EipObjectReconciler {
  readonly #options: EipObjectReconcilerOptions;
  readonly #signal: AbortSignal;
  readonly #reconciler: Reconciler<ObjectStep>;
  readonly #memory: ObjectMemory;
  /** An object cannot be understood. */
  #refused = false;
  /** No object chooses nodes, and no node says any more that it holds an Elastic IP. */
  #nodesSettled = false;

  constructor(options: EipObjectReconcilerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { process, ec2 } = options;
    const { clock, random, log, health, mayAct } = process;
    const { elasticIps, rateLimit } = ec2;
    const memory: ObjectMemory = {
      cache: new ElasticIpCache(
        { clock, random, ec2: elasticIps, rateLimit, log, trigger: () => this.trigger() },
        signal,
      ),
      claims: new ClaimMemory(),
      places: new PlacementMemory(),
      endings: new Map(),
      writes: new PendingWrites(),
      backoffs: new FailureMemory({ clock, random }),
      retries: new FailureMemory({ clock, random }),
    };
    this.#memory = memory;
    const executor = new EipObjectExecutor(options, memory, signal);
    const onFault = (error: unknown) => log.error('planning for EIP objects failed; trying again', { error });
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter: ec2Limiter(rateLimit),
        plan: () => this.#plan(),
        steps: {
          keyOf: ({ key }) => key,
          priorityOf: (step) => (isEc2Step(step) ? (step.kind === 'associate' ? 1 : 2) : undefined),
          mayAct,
          act: (step) => executor.act(step),
          failed: (step, error) => executor.failed(step, error),
        },
        onFault,
        ...(health && { healthOf: { loop: 'EIP objects', health } }),
      },
      signal,
    );
  }

  trigger(): void {
    this.#reconciler.trigger();
  }

  /** Runs until the signal aborts and what was in flight has ended. */
  async run(): Promise<void> {
    this.trigger();
    if (!this.#signal.aborted)
      await new Promise((resolve) => this.#signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all([this.#reconciler.idle(), this.#memory.cache.idle()]);
  }

  #plan(): Plan<ObjectStep> {
    const { process, ec2, reporter } = this.#options;
    const { clock, dryRun } = process;
    const { cache, claims: memory } = this.#memory;
    const now = clock.now();
    const claims = memory.see(this.#claims(), now);
    this.#stateNeeds(claims);
    const plan = planObjects(this.#snapshot(claims, now), objectAdapter);
    memory.noteMisplaced(plan.misplaced, now);
    const resyncAt = claims.length === 0 ? undefined : (cache.readAt ?? 0) + ec2.resyncMs;
    if (plan.readEips || (resyncAt !== undefined && resyncAt <= now)) cache.request();
    for (const verdict of plan.verdicts) reporter.verdict(verdict);
    const { steps, waits } = dryRun ? { steps: [], waits: [] } : this.#due(plan.steps, now);
    const times = [plan.retryAt, resyncAt, ...waits].filter((time) => time !== undefined);
    return { steps, retryAt: times.length === 0 ? undefined : Math.max(now + 50, Math.min(...times)) };
  }

  /** The steps that nothing keeps, and until when the others wait. */
  #due(planned: readonly ObjectStep[], now: number): { steps: readonly ObjectStep[]; waits: readonly number[] } {
    const { writes, retries, places } = this.#memory;
    const steps: ObjectStep[] = [];
    const waits: number[] = [];
    for (const step of planned.map((one) => places.freshened(one, now))) {
      const retryAt = retries.known.get(step.key)?.until ?? 0;
      const until = writes.until(step.key, versionOf(step), now) ?? (retryAt > now ? retryAt : undefined);
      if (until === undefined) steps.push(step);
      else waits.push(until);
    }
    return { steps, waits };
  }

  #claims(): readonly ObjectClaim[] {
    const { sources, context, reporter, tenants = () => OPEN_POLICY } = this.#options;
    const uids = new Set<string>();
    this.#refused = false;
    const claims = objectDialects.flatMap((dialect) =>
      sources.objects(dialect).flatMap((object) => {
        uids.add(object.uid);
        const claim = dialect.claimOf(object, context);
        const refusal = 'reason' in claim ? claim : refuseObject(claim, tenants());
        if (refusal === undefined && !('reason' in claim)) return [claim];
        this.#refused = true;
        if (refusal !== undefined) reporter.refuse(object, dialect.name, refusal);
        return [];
      }),
    );
    reporter.keep(uids);
    this.#memory.backoffs.keep(uids);
    for (const uid of this.#memory.endings.keys()) if (!uids.has(uid)) this.#memory.endings.delete(uid);
    return claims;
  }

  /** Says how much of the cluster must be seen for these claims. */
  #stateNeeds(claims: readonly SeenClaim[]): void {
    const { sources } = this.#options;
    const { cache, claims: memory } = this.#memory;
    const marked = new Set(
      cache.eips.filter(({ tags }) => objectAdapter.podOf(tags) !== undefined).map(({ allocationId }) => allocationId),
    );
    const needsAny = claims.some(
      ({ claim }) =>
        claim.dialect === 'aws-operator' && (memory.usesPods(claim) || marked.has(claim.allocationId ?? '')),
    );
    sources.needPods('eips', needsAny ? 'all' : sources.served('eip-operator') === undefined ? 'none' : 'labelled');
    this.#stateNeedOfNodes(claims.some(({ claim }) => claim.assignment.kind === 'node'));
    sources.needEniObjects(
      'eips',
      claims.some(({ claim }) => claim.assignment.kind === 'eni'),
    );
  }

  /** Nodes are watched while objects choose among them, and until none says any more what such an object left behind. */
  #stateNeedOfNodes(chosen: boolean): void {
    const { sources } = this.#options;
    const isLeft = () => !sources.nodesKnown || sources.nodes().some((node) => objectAdapter.saysHolds(node));
    this.#nodesSettled = !chosen && (this.#nodesSettled || !isLeft());
    sources.needNodes(sources.served('eip-operator') !== undefined && !this.#nodesSettled);
  }

  #snapshot(claims: readonly SeenClaim[], now: number): ControllerSnapshot {
    const { sources } = this.#options;
    const { cache, places, endings, backoffs, claims: memory } = this.#memory;
    return {
      now,
      claims,
      claimsComplete: sources.objectsKnown,
      claimsRefused: this.#refused,
      pods: new Map(sources.pods().map((pod) => [objectKey(pod), pod])),
      podsKnown: sources.podsKnown,
      nodes: sources.nodes(),
      nodesKnown: sources.nodesKnown,
      eniObjects: new Map(sources.eniObjects().map((object) => [objectKey(object), object])),
      eniObjectsKnown: sources.eniObjectsKnown,
      eips: cache.eips,
      eipsAt: cache.readAt,
      places: places.known(now),
      backoffs: backoffs.known,
      endings,
      misplacedSince: memory.misplacedSince,
    };
  }
}
