import type { ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import {
  type EipPlan,
  type EipSnapshot,
  type EipStep,
  NODE_TAG,
  type PlacedEipClaim,
} from '../../lib/model/elastic-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import { namedBranch } from '../../lib/plan/elastic-ips/branch.ts';
import { placeEip } from '../../lib/plan/elastic-ips/place.ts';
import { planElasticIps } from '../../lib/plan/elastic-ips/plan.ts';
import { type Plan, Reconciler } from '../../lib/runtime/reconciler.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import { BranchEnis } from './branch-enis.ts';
import { ElasticIpCache } from './cache.ts';
import { ElasticIpCalls } from './calls.ts';
import { type EipStepParts, performStep, stepFailed } from './executor.ts';
import { leftWithAddress } from './left-with-address.ts';
import { ElasticIpMemory } from './memory.ts';
import { ElasticIpOwnership } from './ownership.ts';
import type { EipSurroundingsNow, ElasticIpReconcilerOptions } from './reconciler-options.ts';
import { ElasticIpReporter } from './reporter.ts';
import { type Requested, requestsOfAll } from './requests.ts';

/** A cache this much older than a pod still counts for it, ms: pods that arrive one after the other share reads. */
const CACHE_SLACK_MS = 3_000;

/** When to look for an EIP that a lost call may have allocated and that EC2's describes do not show yet, ms after the call. */
const LATE_SIGHT_MS = [2_000, 15_000] as const;

/** The loop for Elastic IPs: observe, plan from the whole snapshot, one call per claim at a time, report. */
export class ElasticIpReconciler {
  readonly #options: ElasticIpReconcilerOptions;
  readonly #signal: AbortSignal;
  readonly #reconciler: Reconciler<EipStep>;
  readonly #cache: ElasticIpCache;
  readonly #ownership: ElasticIpOwnership;
  readonly #branches: BranchEnis;
  readonly #reporter: ElasticIpReporter;
  readonly #memory: ElasticIpMemory;
  /** Steps that have gone to EC2, by key. */
  readonly #sent = new Map<string, EipStep>();
  /** Times at which the cache is read though no claim asks for it, ms since the epoch. */
  #lookAt: readonly number[] = [];
  #leaving: ReadonlySet<IpAddress> = new Set();
  #started = false;

  constructor(options: ElasticIpReconcilerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { process, ec2, requests, reports } = options;
    const { clock, log, health } = process;
    const trigger = () => this.trigger();
    this.#cache = new ElasticIpCache({ ...process, ec2: ec2.elasticIps, rateLimit: ec2.rateLimit, trigger }, signal);
    this.#memory = new ElasticIpMemory(process);
    this.#ownership = new ElasticIpOwnership({ ...requests, pendingAssociations: options.pendingAssociations });
    this.#branches = new BranchEnis({ ...process, ...ec2, trigger }, signal);
    this.#reporter = new ElasticIpReporter(clock, log, (claim, event) => reports.recordEvent(claim, '', event));
    // For what an earlier life left behind.
    if (requests.context.clusterName !== undefined) this.#lookAt = [clock.now()];
    const parts = this.#stepParts();
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter: ec2Limiter(ec2.rateLimit),
        plan: () => this.#plan(),
        steps: {
          keyOf: ({ key }) => key,
          priorityOf: ({ kind }) => (kind === 'associate' ? 0 : 2),
          mayAct: () => true,
          act: (step) => this.#act(step, parts),
          failed: (step, error) => stepFailed(error, step, parts),
        },
        onFault: (error) => log.error('planning for Elastic IPs failed; trying again', { error }),
        ...(health && { healthOf: { loop: 'Elastic IPs', health } }),
      },
      signal,
    );
  }

  /** The Elastic IPs as this process knows them. */
  get cache(): ElasticIpCache {
    return this.#cache;
  }

  trigger(): void {
    this.#reconciler.trigger();
  }

  /** Resolves when nothing is in flight any more; for a clean stop. */
  async idle(): Promise<void> {
    await Promise.all([this.#reconciler.idle(), this.#cache.idle(), this.#branches.idle()]);
  }

  #plan(): Plan<EipStep> {
    const { process, requests, observe, reports } = this.#options;
    const { clock, dryRun } = process;
    const now = observe();
    this.#noteLeft(now);
    const { requested, refusals } = requestsOfAll(now.pods, requests);
    const claims = requested.flatMap((one) => one.claims);
    this.#memory.notePods(now.pods, now.addresses, clock.now());
    this.#memory.noteClaims(claims, clock.now());
    const placed = requested.flatMap((one) => one.claims.map((claim) => this.#place(claim, one.pod, now)));
    const snapshot = this.#snapshot(now, placed);
    this.#wantBranches(requested, snapshot, now);
    const planned = planElasticIps(snapshot);
    this.#memory.noteUnclaimed(planned.unclaimed, clock.now());
    this.#memory.noteStatuses(planned.statuses, clock.now());
    const retryAt = requests.context.clusterName === undefined ? undefined : this.#read(planned);
    if (!this.#started && this.#cache.readAt !== undefined) this.#firstRead(claims.length);
    this.#reporter.statuses(planned.statuses);
    const pods = new Set(now.pods.map(({ uid }) => uid));
    reports.report({
      statuses: planned.statuses,
      steps: planned.steps,
      refusals,
      complete: this.#hasSeenAll(now),
      pods,
    });
    return { steps: dryRun ? [] : planned.steps, retryAt };
  }

  /** As after a call of our own: believed against describes that lag, and looked at once more before the EIP is released. */
  #noteLeft({ enis, leaving }: EipSurroundingsNow): void {
    const { eips, readAt } = this.#cache;
    const owned = this.#ownership.owned(eips, readAt);
    for (const eip of leftWithAddress(eips, this.#leaving, enis)) {
      this.#cache.changed(eip.allocationId, { ...eip, association: undefined });
      this.#memory.distrust(eip.allocationId, this.#options.process.clock.now());
      const owner = owned.find((one) => one.eip === eip)?.owner;
      if (owner) this.#options.reports.recordEvent(undefined, owner, { kind: 'disassociated', publicIp: eip.publicIp });
    }
    this.#leaving = leaving;
  }

  /** Those that pods name, and those that our EIPs are on: after a restart nobody may be left who names them. */
  #wantBranches(requested: readonly Requested[], { owned, nodeName }: EipSnapshot, { enis }: EipSurroundingsNow): void {
    const ourEnis = new Set(enis.map(({ id }) => id));
    const named = requested.filter(({ claims }) => claims.length > 0).map(({ pod }) => namedBranch(pod));
    const used = owned.filter(({ eip }) => eip.tags[NODE_TAG] === nodeName).map(({ eip }) => eip.association?.eni);
    const ids = [...named, ...used].filter((id) => id !== undefined && !ourEnis.has(id));
    this.#branches.want(new Set(ids.filter((id) => id !== undefined)), ourEnis);
    // It may be deleted by now, and the EIP free: only a look at the EIPs shows that.
    const { readAt = 0 } = this.#cache;
    if (used.some((id) => id !== undefined && (this.#branches.absentAt(id) ?? 0) > readAt)) this.#cache.request();
  }

  /** Who may not read the Elastic IPs has none of ours to see. */
  #hasSeenAll({ podsKnown, describedAt, addressesComplete }: EipSurroundingsNow): boolean {
    const { readAt, lastError } = this.#cache;
    const asked = this.#options.requests.context.clusterName === undefined || lastError?.reason === 'Unauthorized';
    return podsKnown && describedAt !== undefined && addressesComplete && (asked || readAt !== undefined);
  }

  /** A cluster without Elastic IPs asks EC2 nothing about them, except once at the start. Returns when to look again. */
  #read({ readEips, retryAt }: EipPlan): number | undefined {
    const now = this.#options.process.clock.now();
    const { readAt, lastError } = this.#cache;
    const pending = this.#lookAt.filter((at) => readAt === undefined || readAt < at);
    // Nobody waits for this look, and it is forbidden: then there can be nothing of ours to find.
    this.#lookAt = lastError?.reason === 'Unauthorized' ? [] : pending;
    if (readEips || this.#lookAt.some((at) => at <= now)) this.#cache.request();
    const times = [retryAt, ...this.#lookAt.filter((at) => at > now)].filter((at) => at !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** An earlier life may have allocated an EIP in its last instant. */
  #firstRead(claims: number): void {
    this.#started = true;
    if (claims > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    const now = this.#options.process.clock.now();
    this.#lookAt = [...this.#lookAt.slice(-8), ...LATE_SIGHT_MS.map((ms) => now + ms)];
  }

  async #act(step: EipStep, parts: EipStepParts): Promise<void> {
    this.#sent.set(step.key, step);
    try {
      await performStep(step, parts);
    } finally {
      this.#sent.delete(step.key);
      // After a stop nobody triggers us any more, but what became of the call is reported.
      if (this.#signal.aborted) this.#plan();
    }
  }

  #stepParts(): EipStepParts {
    const calls = new ElasticIpCalls(this.#options.ec2.elasticIps, this.#cache);
    const { process, ec2, pendingAssociations, reports } = this.#options;
    return {
      process,
      calls,
      pendingAssociations,
      memory: this.#memory,
      invalidateEnis: ec2.invalidateEnis,
      lookAgain: () => this.#lookAgain(),
      recordEvent: reports.recordEvent,
    };
  }

  #snapshot(now: EipSurroundingsNow, claims: readonly PlacedEipClaim[]): EipSnapshot {
    const { process, requests, releaseDelayMs } = this.#options;
    const { eips, readAt, lastError } = this.#cache;
    const memory = this.#memory;
    const pods = now.pods.filter(isAlive);
    const owned = this.#ownership.owned(eips, readAt);
    return {
      now: process.clock.now(),
      nodeName: requests.context.nodeName,
      releaseDelayMs,
      claims,
      claimsComplete: now.podsKnown && now.describedAt !== undefined,
      livePods: new Set(pods.map(podKey)),
      liveAddresses: new Map(
        pods
          .filter(({ hostNetwork }) => !hostNetwork)
          .flatMap((pod) => pod.podIps.map((address) => [address, podKey(pod)] as const)),
      ),
      leaving: now.leaving,
      ourEnis: new Set([...now.enis, ...this.#branches.all.values()].flatMap((eni) => eni?.id ?? [])),
      eips,
      eipsAt: readAt,
      eipsError: lastError,
      owned: owned.map((one) => ({ ...one, eipsAfter: memory.distrustedSince(one.eip.allocationId) })),
      owners: this.#ownership.owners,
      unclaimedSince: memory.unclaimedSince,
      backoffs: memory.backoffs.known,
      flying: this.#sent,
    };
  }

  #place(claim: ElasticIpClaim, pod: Pod, now: EipSurroundingsNow): PlacedEipClaim {
    const memory = this.#memory;
    const place = placeEip(claim, pod, {
      ...now,
      eips: this.#cache.eips,
      branches: this.#branches.all,
      addressSince: memory.addressSince.get(pod.uid) ?? 0,
      assignedSince: memory.assignedSince,
    });
    const recheckAt = 'recheckAt' in place ? place.recheckAt : undefined;
    if (recheckAt !== undefined && recheckAt <= this.#options.process.clock.now()) {
      this.#options.ec2.invalidateEnis(`${pod.podIps[0]} of ${podKey(pod)} is on no known ENI`);
    }
    const seen = memory.firstSeen(claim) ?? 0;
    // An EIP that a controller has just allocated and handed over is in no cache from before.
    const slack = claim.source.kind === 'fixed' ? 0 : CACHE_SLACK_MS;
    const eipsAfter = Math.max(seen - slack, memory.distrustedSince(claim.id));
    const refusedSince = memory.refusedSince.get(claim.id);
    return { claim, place, eipsAfter, refusedSince, wasBound: memory.wasBound(claim) };
  }
}
