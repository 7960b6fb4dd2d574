import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type {
  DialectContext,
  EipHappening,
  EipStatus,
  EipWishes,
  ElasticIpClaim,
  PodDialect,
} from '../../lib/model/eip-claim.ts';
import type { EipSnapshot, EipStep, OwnedEip, PlacedEipClaim } from '../../lib/model/eip-plan.ts';
import type { AllocationId } from '../../lib/model/elastic-ip.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { ClaimStatus } from '../../lib/model/plan.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { Setback } from '../../lib/model/snapshot.ts';
import { isClaimed, isOurs } from '../../lib/plan/eip/give-back.ts';
import { placeEip } from '../../lib/plan/eip/place.ts';
import { planEips } from '../../lib/plan/eip/plan-eips.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { Wakeup } from '../../lib/runtime/wakeup.ts';
import { EipInventory } from './inventory.ts';
import { performStep } from './steps.ts';

/** What the engine for Elastic IPs sees of the rest. */
export interface EipSurroundingsNow {
  readonly pods: readonly Pod[];
  readonly podsKnown: boolean;
  readonly enis: readonly Eni[];
  readonly describedAt: number | undefined;
  readonly addresses: readonly ClaimStatus[];
}

export interface EipReport {
  readonly statuses: readonly EipStatus[];
  /** Annotations that could not be understood, by pod key. */
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
}

export interface EipEngineOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: ElasticIpApi;
  readonly budget: Budget;
  readonly log: Logger;
  readonly context: DialectContext;
  readonly dialects: readonly PodDialect[];
  readonly wishesOf: (pod: Pod, context: DialectContext) => EipWishes;
  readonly releaseDelayMs: number;
  readonly observe: () => EipSurroundingsNow;
  readonly report: (report: EipReport) => void;
  readonly happened: (claim: ElasticIpClaim | undefined, owner: string, happening: EipHappening) => void;
  readonly doubtEnis: (cause: string) => void;
  readonly callSignal: AbortSignal;
  readonly dryRun: boolean;
}

/** An inventory this much older than a pod still counts for it, ms: pods that arrive one after the other share reads. */
const INVENTORY_SLACK_MS = 3_000;

/** The loop for Elastic IPs: observe, plan from the whole snapshot, one call per claim at a time, tell. */
export class EipEngine {
  readonly #options: EipEngineOptions;
  readonly #signal: AbortSignal;
  readonly #wakeup: Wakeup;
  readonly #inventory: EipInventory;
  readonly #flying = new Map<string, Promise<void>>();
  readonly #setbacks = new Map<string, Setback>();
  readonly #distrusted = new Map<string, number>();
  readonly #firstSeen = new Map<string, number>();
  readonly #addressSince = new Map<string, number>();
  readonly #assignedSince = new Map<IpAddress, number>();
  readonly #unclaimedSince = new Map<AllocationId, number>();
  #started = false;

  constructor(options: EipEngineOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#wakeup = new Wakeup(() => this.#round(), options.clock);
    const { clock, random, ec2, budget, log } = options;
    const onProblem = (message: string, error: unknown) => log.warn(message, { error });
    this.#inventory = new EipInventory({ clock, random, ec2, budget, onProblem, wake: () => this.wake() }, signal);
    signal.addEventListener('abort', () => this.#wakeup.stop(), { once: true });
  }

  wake(): void {
    this.#wakeup.now();
  }

  /** Resolves when nothing is in flight any more; for a stop in good order. */
  async idle(): Promise<void> {
    await Promise.all([...this.#flying.values(), this.#inventory.idle()]);
  }

  #round(): void {
    try {
      this.#reconcile();
    } catch (error) {
      this.#options.log.error('a round for Elastic IPs failed; the next event tries again', { error });
    }
  }

  #reconcile(): void {
    const { observe, context, wishesOf, report, dryRun } = this.#options;
    const now = observe();
    const refusals = new Map<string, readonly Refusal[]>();
    const wishes = now.pods.filter(isAlive).map((pod) => {
      const said = wishesOf(pod, context);
      if (said.refusals.length > 0) refusals.set(podKey(pod), said.refusals);
      return { pod, claims: said.claims };
    });
    this.#noteTimes(
      now,
      wishes.flatMap(({ claims }) => claims),
    );
    const claims = wishes.flatMap(({ pod, claims: wished }) => wished.map((claim) => this.#place(claim, pod, now)));
    // A cluster without Elastic IPs asks EC2 nothing about them, except once at the start for what an earlier life left behind.
    if (claims.length === 0 && this.#started && this.#unclaimedSince.size === 0)
      return report({ statuses: [], refusals });
    const snapshot = this.#snapshot(now, claims);
    const planned = planEips(snapshot);
    if (context.clusterName !== undefined && (planned.readInventory || !this.#started)) this.#inventory.request();
    this.#started ||= this.#inventory.readAt !== undefined || context.clusterName === undefined;
    if (!dryRun) for (const step of planned.steps) this.#perform(step);
    this.#wakeup.at(planned.wakeAt);
    report({ statuses: planned.statuses, refusals });
  }

  #perform(step: EipStep): void {
    if (this.#flying.has(step.key) || this.#signal.aborted) return;
    this.#flying.set(
      step.key,
      this.#admitted(step).finally(() => {
        this.#flying.delete(step.key);
        this.#round();
      }),
    );
  }

  async #admitted(step: EipStep): Promise<void> {
    const { budget } = this.#options;
    if (!(await budget.admit(() => (step.kind === 'associate' ? 1 : 2), this.#signal))) return;
    const parts = {
      ...this.#options,
      inventory: this.#inventory,
      setbacks: this.#setbacks,
      distrust: (key: string) => void this.#distrusted.set(key, this.#options.clock.now()),
    };
    await performStep(step, parts);
  }

  #snapshot(now: EipSurroundingsNow, claims: readonly PlacedEipClaim[]): EipSnapshot {
    const { clock, context, releaseDelayMs } = this.#options;
    const inventory = this.#inventory.eips;
    const snapshot: EipSnapshot = {
      now: clock.now(),
      nodeName: context.nodeName,
      releaseDelayMs,
      claims,
      claimsComplete: now.podsKnown && now.describedAt !== undefined,
      livePods: new Set(now.pods.filter(isAlive).map(podKey)),
      ourEnis: new Set(now.enis.map(({ id }) => id)),
      inventory,
      inventoryAt: this.#inventory.readAt,
      owned: inventory.flatMap((eip) => this.#owned(eip)),
      unclaimedSince: this.#unclaimedSince,
      setbacks: this.#setbacks,
    };
    this.#noteUnclaimed(snapshot);
    return snapshot;
  }

  #owned(eip: OwnedEip['eip']): OwnedEip[] {
    const { dialects, context } = this.#options;
    for (const dialect of dialects) {
      const owner = dialect.ownerOf(eip.tags, context);
      if (owner !== undefined)
        return [{ eip, owner, allocatedByUs: dialect.allocatedByUs(eip.tags), ownTags: dialect.ownTags }];
    }
    return [];
  }

  #place(claim: ElasticIpClaim, pod: Pod, now: EipSurroundingsNow): PlacedEipClaim {
    const place = placeEip(claim, pod, {
      ...now,
      inventory: this.#inventory.eips,
      addressSince: this.#addressSince.get(pod.uid) ?? 0,
      assignedSince: this.#assignedSince,
    });
    const primaryAwaited = claim.target.kind === 'primary' && place.state === 'awaited' && pod.podIps.length > 0;
    if (primaryAwaited) this.#options.doubtEnis(`${pod.podIps[0]} of ${podKey(pod)} is on no known ENI`);
    const seen = this.#firstSeen.get(claim.id) ?? this.#options.clock.now();
    return { claim, place, inventoryAfter: Math.max(seen - INVENTORY_SLACK_MS, this.#distrusted.get(claim.id) ?? 0) };
  }

  #noteTimes({ pods, addresses }: EipSurroundingsNow, claims: readonly ElasticIpClaim[]): void {
    const now = this.#options.clock.now();
    const ids = new Set(claims.map(({ id }) => id));
    for (const id of ids) if (!this.#firstSeen.has(id)) this.#firstSeen.set(id, now);
    for (const id of this.#firstSeen.keys()) {
      if (ids.has(id)) continue;
      this.#firstSeen.delete(id);
      this.#setbacks.delete(id);
      this.#distrusted.delete(id);
    }
    const uids = new Set(pods.filter(({ podIps }) => podIps.length > 0).map(({ uid }) => uid));
    for (const uid of uids) if (!this.#addressSince.has(uid)) this.#addressSince.set(uid, now);
    for (const uid of this.#addressSince.keys()) if (!uids.has(uid)) this.#addressSince.delete(uid);
    const assigned = new Set(addresses.filter(({ state }) => state === 'assigned').map(({ claim }) => claim.address));
    for (const address of assigned) if (!this.#assignedSince.has(address)) this.#assignedSince.set(address, now);
    for (const address of this.#assignedSince.keys()) if (!assigned.has(address)) this.#assignedSince.delete(address);
  }

  #noteUnclaimed(snapshot: EipSnapshot): void {
    const unclaimed = snapshot.owned.filter((owned) => isOurs(owned, snapshot) && !isClaimed(owned, snapshot));
    const ids = new Set(unclaimed.map(({ eip }) => eip.allocationId));
    for (const id of ids) if (!this.#unclaimedSince.has(id)) this.#unclaimedSince.set(id, snapshot.now);
    for (const id of this.#unclaimedSince.keys()) if (!ids.has(id)) this.#unclaimedSince.delete(id);
  }
}
