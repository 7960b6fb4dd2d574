import { objectDialects, objectLanguage } from '../../lib/dialect/handover-language.ts';
import type { AddressApi } from '../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { WriteOutcome } from '../../lib/kube/custom-resources.ts';
import {
  type ControllerPlan,
  type ControllerSnapshot,
  isEc2Step,
  type ObjectStep,
  type PlaceQuery,
  type PrivatePlace,
  placeKey,
  type SeenClaim,
} from '../../lib/model/controller-plan.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import {
  type EipObjectDialectName,
  type ObjectClaim,
  type ObjectContext,
  objectKey,
} from '../../lib/model/eip-object.ts';
import type { Setback } from '../../lib/model/snapshot.ts';
import { planObjects } from '../../lib/plan/objects/plan-objects.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { Wakeup } from '../../lib/runtime/wakeup.ts';
import { EipInventory } from '../eip/inventory.ts';
import { ClaimMemory, SETTLING_MS } from './claim-memory.ts';
import { performEc2Step } from './ec2-steps.ts';
import { performKubeStep } from './kube-steps.ts';
import { nextSetback } from './next-setback.ts';
import type { ObjectTeller } from './object-teller.ts';
import { Pauses } from './pauses.ts';
import type { ControllerSources } from './sources.ts';
import { about, takesHold, versionOf } from './step-facts.ts';

export interface ObjectEngineOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly kube: KubeClient;
  readonly elasticIps: ElasticIpApi;
  readonly addresses: Pick<AddressApi, 'describeEnis' | 'findHolders'>;
  readonly budget: Budget;
  readonly context: ObjectContext;
  readonly sources: ControllerSources;
  readonly teller: ObjectTeller;
  /** How often EC2 is asked when nothing changes, ms. */
  readonly resyncMs: number;
  /** Asked right before each call: a leader that was paused must not go on. */
  readonly mayAct: () => boolean;
  readonly dryRun: boolean;
}

/** A write that the watch does not echo within this time is planned anew, ms. */
const ECHO_MS = 5_000;
const BACKOFF = { baseMs: 500, maxMs: 60_000 };
/** A look-up in EC2 older than this is repeated before it is acted on, ms. */
const PLACE_MS = 10_000;
/** How long "not there" is believed, ms. */
const ABSENT_MS = 15_000;

/** The loop for EIP objects during one term of leadership: observe, plan from the whole snapshot, one call per key at a time, tell. */
export class ObjectEngine {
  readonly #options: ObjectEngineOptions;
  readonly #signal: AbortSignal;
  readonly #wakeup: Wakeup;
  readonly #inventory: EipInventory;
  readonly #memory = new ClaimMemory();
  readonly #pauses = new Pauses();
  readonly #flying = new Map<string, Promise<void>>();
  readonly #setbacks = new Map<string, Setback>();
  readonly #places = new Map<string, { readonly place: PrivatePlace | undefined; readonly at: number }>();

  constructor(options: ObjectEngineOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { clock, random, elasticIps: ec2, budget, log } = options;
    this.#wakeup = new Wakeup(() => this.#round(), clock);
    this.#inventory = new EipInventory({ clock, random, ec2, budget, log, wake: () => this.wake() }, signal);
  }

  wake(): void {
    this.#wakeup.now();
  }

  /** Runs until the signal aborts and what was in flight has ended. */
  async run(): Promise<void> {
    this.wake();
    if (!this.#signal.aborted)
      await new Promise((resolve) => this.#signal.addEventListener('abort', resolve, { once: true }));
    this.#wakeup.stop();
    await Promise.all([...this.#flying.values(), this.#inventory.idle()]);
  }

  #round(): void {
    if (this.#signal.aborted) return;
    try {
      this.#reconcile();
    } catch (error) {
      this.#options.log.error('a round for EIP objects failed; the next event tries again', { error });
    }
  }

  #reconcile(): void {
    const { clock, dryRun, resyncMs } = this.#options;
    const now = clock.now();
    const claims = this.#memory.see(this.#claims(), now);
    this.#stateNeeds(claims);
    this.#forgetPlaces(now);
    const plan = planObjects(this.#snapshot(claims, now), objectLanguage);
    this.#memory.stray(plan.strayed, now);
    const { readAt } = this.#inventory;
    const resyncAt = claims.length === 0 ? undefined : (readAt ?? 0) + resyncMs;
    if (plan.readInventory || (resyncAt !== undefined && resyncAt <= now)) this.#inventory.request();
    const waits = plan.steps.flatMap((step) => (dryRun ? [] : (this.#consider(step, now) ?? [])));
    this.#tell(plan);
    const times = [plan.wakeAt, resyncAt, ...waits].filter((time) => time !== undefined);
    this.#wakeup.at(times.length === 0 ? undefined : Math.max(now + 50, Math.min(...times)));
  }

  #claims(): readonly ObjectClaim[] {
    const { sources, context, teller } = this.#options;
    const uids = new Set<string>();
    const claims = objectDialects.flatMap((dialect) =>
      sources.objects(dialect).flatMap((object) => {
        uids.add(object.uid);
        const claim = dialect.claimOf(object, context);
        if (!('reason' in claim)) return [claim];
        teller.refuse(object, dialect.name, claim);
        return [];
      }),
    );
    teller.keep(uids);
    for (const uid of this.#setbacks.keys()) if (!uids.has(uid)) this.#setbacks.delete(uid);
    return claims;
  }

  /** Says how much of the cluster must be seen for these claims. */
  #stateNeeds(claims: readonly SeenClaim[]): void {
    const { sources } = this.#options;
    const marked = new Set(
      this.#inventory.eips
        .filter(({ tags }) => objectLanguage.podOf(tags) !== undefined)
        .map(({ allocationId }) => allocationId),
    );
    const needsAny = claims.some(
      ({ claim }) =>
        claim.dialect === 'aws-operator' && (this.#memory.usesPods(claim) || marked.has(claim.allocationId ?? '')),
    );
    sources.needPods('eips', needsAny ? 'all' : sources.served('eip-operator') === undefined ? 'none' : 'labelled');
    sources.needNodes(claims.some(({ claim }) => claim.assignment.kind === 'node'));
    sources.needEniObjects(
      'eips',
      claims.some(({ claim }) => claim.assignment.kind === 'eni'),
    );
  }

  #snapshot(claims: readonly SeenClaim[], now: number): ControllerSnapshot {
    const { sources } = this.#options;
    return {
      now,
      claims,
      claimsComplete: sources.objectsKnown,
      pods: new Map(sources.pods().map((pod) => [objectKey(pod), pod])),
      podsKnown: sources.podsKnown,
      nodes: sources.nodes(),
      nodesKnown: sources.nodesKnown,
      eniObjects: new Map(sources.eniObjects().map((object) => [objectKey(object), object])),
      eniObjectsKnown: sources.eniObjectsKnown,
      inventory: this.#inventory.eips,
      inventoryAt: this.#inventory.readAt,
      places: new Map([...this.#places].map(([key, { place }]) => [key, place])),
      setbacks: this.#setbacks,
      strayedSince: this.#memory.strayedSince,
    };
  }

  #forgetPlaces(now: number): void {
    for (const [key, { place, at }] of this.#places)
      if (place === undefined && at + ABSENT_MS <= now) this.#places.delete(key);
  }

  #tell({ verdicts }: ControllerPlan): void {
    for (const verdict of verdicts) this.#options.teller.verdict(verdict);
  }

  /** Starts a step unless something keeps it; then says until when. */
  #consider(step: ObjectStep, now: number): number | undefined {
    if (this.#flying.has(step.key) || this.#signal.aborted || !this.#options.mayAct()) return undefined;
    const until = this.#pauses.until(step.key, versionOf(step), now);
    if (until !== undefined) return until;
    if (step.kind === 'associate' && step.query !== undefined && this.#isOutdated(step.query, now)) {
      this.#places.delete(placeKey(step.query));
      return now;
    }
    const flight = this.#perform(step).finally(() => {
      this.#flying.delete(step.key);
      this.wake();
    });
    this.#flying.set(step.key, flight);
    return undefined;
  }

  #isOutdated(query: PlaceQuery, now: number): boolean {
    const known = this.#places.get(placeKey(query));
    return known !== undefined && known.at + PLACE_MS <= now;
  }

  /** Never rejects. */
  async #perform(step: ObjectStep): Promise<void> {
    const { budget, clock, log } = this.#options;
    const isEc2 = isEc2Step(step);
    if (isEc2 && !(await budget.admit(() => (step.kind === 'associate' ? 1 : 2), this.#signal))) return;
    // While it waited for its turn, leadership may have ended.
    if (!this.#options.mayAct()) return;
    try {
      const outcome = await this.#call(step);
      if (isEc2) budget.succeeded();
      this.#succeeded(step, outcome === 'stale');
      log.info(`EIP object: ${step.kind}`, { ...about(step), ...(outcome && { outcome }) });
    } catch (error) {
      this.#failed(step, error, clock.now());
    }
  }

  #succeeded(step: ObjectStep, stale: boolean): void {
    const now = this.#options.clock.now();
    const version = versionOf(step);
    this.#pauses.succeeded(step.key);
    if (version !== undefined) this.#pauses.forVersion(step.key, version, now + (stale ? 1_000 : ECHO_MS));
    if ('claim' in step && isEc2Step(step)) this.#setbacks.delete(step.claim.object.uid);
    if (takesHold(step) && !stale) this.#memory.held(step.claim.object.uid);
  }

  #failed(step: ObjectStep, cause: unknown, now: number): void {
    const { budget, log, random } = this.#options;
    if (isEc2Step(step)) {
      if (cause instanceof Ec2Error && cause.kind === 'throttled') return budget.refused();
      budget.ended();
    }
    if (this.#signal.aborted) return;
    if (cause instanceof Ec2Error && 'claim' in step) return this.#heldBack(step, cause, now);
    const failures = this.#pauses.afterFailure(step.key, (count) => backoffMs(count, { ...BACKOFF, random }), now);
    if (failures === 1 || failures % 10 === 0)
      log.warn(`EIP object: ${step.kind} failed and is repeated`, { ...about(step), failures, error: cause });
  }

  /** EC2 refused, or did not answer. Whatever it was: look again before deciding again. */
  #heldBack(step: Extract<ObjectStep, { claim: ObjectClaim }>, error: Ec2Error, now: number): void {
    const { random, log } = this.#options;
    const { uid } = step.claim.object;
    const before = this.#setbacks.get(uid);
    const setback = nextSetback(before, error, step, { now, random });
    this.#setbacks.set(uid, setback);
    // A lost reply to an allocation: the EIP may exist, but EC2's lists may not show it for a moment.
    const mayExist = step.kind === 'allocate' && error.kind === 'unknown-outcome';
    this.#memory.distrust(uid, mayExist ? now + SETTLING_MS : now);
    if (step.kind === 'associate' && step.query !== undefined) this.#places.delete(placeKey(step.query));
    this.#inventory.request();
    if (before?.reason === setback.reason) return;
    const { reason } = setback;
    const { code, message } = error;
    log.warn('an EC2 call for an EIP object failed', { ...about(step), reason, code, message });
  }

  async #call(step: ObjectStep): Promise<WriteOutcome | undefined> {
    const { kube, elasticIps, addresses, sources, clock } = this.#options;
    const signal = this.#signal;
    if (!isEc2Step(step)) {
      const statusIsSubresource = (dialect: EipObjectDialectName) =>
        sources.served(dialect)?.statusSubresource === true;
      return performKubeStep(step, { kube, statusIsSubresource, signal });
    }
    const found = (query: PlaceQuery, place: PrivatePlace | undefined) =>
      void this.#places.set(placeKey(query), { place, at: clock.now() });
    await performEc2Step(step, { elasticIps, addresses, inventory: this.#inventory, found, signal });
    return undefined;
  }
}
