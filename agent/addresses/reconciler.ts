import type { Action } from '../../lib/model/addresses/action.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Plan } from '../../lib/model/addresses/plan.ts';
import type { NodeSnapshot } from '../../lib/model/addresses/snapshot.ts';
import type { Eni, EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { type Appearances, dateClaims } from '../../lib/plan/addresses/appearance.ts';
import { inUseOn } from '../../lib/plan/addresses/in-use.ts';
import { leavingAddresses } from '../../lib/plan/addresses/leaving.ts';
import { plan } from '../../lib/plan/addresses/plan.ts';
import { Batcher } from '../../lib/runtime/batcher.ts';
import { RECONCILE_RETRY_MS, ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import { Trigger } from '../../lib/runtime/trigger.ts';
import { EniCache } from '../aws/eni-cache.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import { batchItem } from './batch-item.ts';
import { AddressExecutor } from './executor.ts';
import { HolderLookup } from './holder-lookup.ts';
import { IdleSince } from './idle-since.ts';
import { AddressMemory } from './memory.ts';
import { MissingSince } from './missing-since.ts';
import type { AddressReconcilerOptions, Observed } from './reconciler-options.ts';
import { Refresh } from './refresh.ts';
import { VpcNetworks } from './vpc-networks.ts';

/** EC2 documents no cap on addresses per call; a call never needs more than the largest ENI holds (64). */
const MAX_BATCH = 64;
/** A takeover that has waited this long for permission is decided again: the world may have changed, ms. */
const WAITED_MS = 1_000;
/** Every call has a timeout of seconds and every wait an end, so this can only be a fault of ours, ms. */
const STUCK_MS = 300_000;

/**
 * The loop of the main job: observe, plan from the whole snapshot, let the batchers act, report. Level-based: an event only triggers it.
 * The same engine runs in the node agent and inside a pod; they differ in what they observe and whom they report to.
 */
export class AddressReconciler {
  readonly #options: AddressReconcilerOptions;
  readonly #signal: AbortSignal;
  readonly #facts = new EniCache();
  readonly #memory: AddressMemory;
  readonly #trigger: Trigger;
  readonly #refresh: Refresh;
  readonly #lookUp: HolderLookup;
  readonly #networks: VpcNetworks;
  readonly #batchers = new Map<EniId, { readonly batcher: Batcher<Action>; readonly executor: AddressExecutor }>();
  readonly #idle = new IdleSince();
  readonly #missing = new MissingSince();
  readonly #health: ReconcileHealth;
  /** See {@link leavingAddresses}. */
  leaving: ReadonlySet<IpAddress> = new Set();
  #appearances: Appearances = new Map();
  /** All sources have been seen complete once: what comes now has appeared before our eyes. */
  #settled: boolean;
  #offered: readonly Action[] = [];

  constructor(options: AddressReconcilerOptions, signal: AbortSignal) {
    const { process, ec2, instance, records, reports } = options;
    const { clock, random } = process;
    this.#options = options;
    this.#signal = signal;
    this.#memory = new AddressMemory(clock, random);
    this.#health = process.health ?? new ReconcileHealth({ clock });
    this.#trigger = new Trigger(() => this.#reconcileGuarded(), clock);
    const trigger = () => this.#trigger.now();
    const shared = { process, ec2, events: reports.events, trigger };
    this.#refresh = new Refresh({ ...shared, facts: this.#facts, instanceId: instance.instanceId }, signal);
    this.#lookUp = new HolderLookup(
      { ...shared, instance, memory: this.#memory, enis: () => this.#facts.enis },
      signal,
    );
    this.#networks = new VpcNetworks(shared, signal);
    this.#settled = records.firstStart === true;
    this.#memory.recall(records.ledger.values());
    signal.addEventListener('abort', () => this.#trigger.stop(), { once: true });
  }

  /** Something the engine observes may have changed. */
  trigger(): void {
    this.#trigger.now();
  }

  /** An ENI was attached to this node: its addresses need not wait for a describe. */
  attached(eni: Eni): void {
    this.#facts.attached(eni);
    this.trigger();
  }

  /** Something outside says that the facts about our ENIs may be wrong: describe them. */
  invalidate(cause: string): void {
    void this.#refresh.request(cause);
  }

  get enis(): readonly Eni[] {
    return this.#facts.enis;
  }

  /** Another part of this process has put addresses on an ENI, or taken them off: known now, whatever a describe from before says. */
  wrote(eni: EniId, addresses: readonly IpAddress[], isThere: boolean): void {
    this.#facts[isThere ? 'assigned' : 'unassigned'](eni, addresses, this.#options.process.clock.now());
    this.trigger();
  }

  /** When the describe was asked for that `enis` rest on, ms since the epoch; undefined before the first. */
  get describedAt(): number | undefined {
    return this.#facts.describedAt;
  }

  /** Why the last describe of our ENIs failed; undefined while they go through. */
  get lastError(): Refusal | undefined {
    return this.#refresh.lastError;
  }

  /** Calls that should have ended long ago, in words; a reason to restart the process. */
  stuck(): string[] {
    const limit = this.#options.process.clock.now() - STUCK_MS;
    return Array.from(this.#batchers, ([eni, { executor }]) => ({ eni, since: executor.busySince }))
      .filter(({ since }) => since !== undefined && since < limit)
      .map(({ eni }) => `a call for ${eni} has been under way for more than ${STUCK_MS / 60_000} min`);
  }

  /** Describes the ENIs for the first time, then runs until the signal aborts; returns when no call is in flight any more. */
  async run(): Promise<void> {
    void this.#refresh.request('start');
    await this.#refresh.run();
    await Promise.all(Array.from(this.#batchers.values(), ({ batcher }) => batcher.idle()));
    await this.#lookUp.idle();
  }

  #reconcileGuarded(): void {
    this.#health.run(
      'addresses',
      () => this.#reconcile(),
      (error) => {
        this.#options.reports.events.problem('reconciling failed; trying again', error);
        this.#trigger.at(this.#options.process.clock.now() + RECONCILE_RETRY_MS);
      },
    );
  }

  #reconcile(): void {
    const { observe, reports, process } = this.#options;
    const { dryRun, clock } = process;
    const observed = observe(this);
    const snapshot = this.#snapshot(observed);
    const planned = plan(snapshot);
    this.leaving = leavingAddresses(snapshot);
    if (!dryRun) {
      this.#remember(planned);
      this.#offer(planned.actions);
      this.#offered = planned.actions;
      this.#lookUp.request(planned);
    }
    this.#networks.request(planned);
    if (planned.describe) void this.#refresh.request('facts older than a claim');
    this.#trigger.at(planned.retryAt);
    reports.report({
      at: clock.now(),
      statuses: planned.statuses,
      refusals: observed.refusals,
      enis: this.#facts.enis,
      actions: planned.actions,
      leftOut: planned.leftOut,
      complete: observed.complete && this.describedAt !== undefined && !planned.askNetworks,
    });
  }

  #snapshot(observed: Observed): NodeSnapshot {
    const { process, policy, records } = this.#options;
    const now = process.clock.now();
    const ledger = this.#ledger();
    const { complete, declared = [] } = observed;
    const loaded = complete || observed.hiddenSince !== undefined;
    const dating = { known: this.#appearances, ledger, complete: loaded, now, settled: this.#settled };
    const { claims, appearances } = dateClaims(observed.drafts, { ...dating, trusted: records.ledger.trusted });
    this.#appearances = appearances;
    this.#settled ||= loaded;
    // What is not seen while a source is loading is not over.
    if (loaded) this.#memory.keepOnly(claims, declared);
    const inUse = new Set([...inUseOn(this.#facts.enis, observed.unclaimed ?? []), ...(observed.unplaced ?? [])]);
    this.#missing.update(ledger, this.#facts.enis, now);
    if (loaded) this.#idle.update(new Set([...claims.map(({ address }) => address), ...inUse]), ledger, now);
    else this.#idle.clear();
    return {
      now,
      policy,
      claims,
      vpcNetworks: this.#networks.known,
      ledger,
      inUse,
      claimsComplete: observed.complete,
      hiddenSince: observed.hiddenSince,
      enis: this.#facts.enis,
      unseen: this.#facts.unseen,
      describedAt: this.#facts.describedAt,
      readError: this.#refresh.lastError,
      idleSince: this.#idle.all,
      missingSince: this.#missing.all,
      inFlight: this.#inFlight(),
      knownFree: this.#memory.knownFree,
      holders: this.#memory.holders,
      refusedAsHeld: this.#memory.refusedAsHeld,
      disputedUntil: this.#memory.disputedUntil,
      doubts: this.#memory.doubts,
      declared,
      backoffs: this.#memory.backoffs,
      lastErrors: this.#lastErrors(),
    };
  }

  #ledger(): ReadonlyMap<IpAddress, LedgerEntry> {
    return new Map(this.#options.records.ledger.values().map((entry) => [entry.address, entry]));
  }

  #inFlight(): ReadonlySet<IpAddress> {
    const flying = new Set<IpAddress>();
    for (const { batcher } of this.#batchers.values()) {
      for (const item of batcher.flying()) flying.add(item.value.address);
    }
    return flying;
  }

  #lastErrors(): ReadonlyMap<EniId, Refusal> {
    const lastErrors = new Map<EniId, Refusal>();
    for (const [eni, { executor }] of this.#batchers) if (executor.lastError) lastErrors.set(eni, executor.lastError);
    return lastErrors;
  }

  #remember(planned: Plan): void {
    const { ledger } = this.#options.records;
    const { events } = this.#options.reports;
    for (const entry of planned.ledger.put) {
      const { state: before, movingFrom } = ledger.get(entry.address) ?? {};
      if (entry.state === 'lost' && (before === 'held' || before === 'found')) events.lost(entry);
      const claim = planned.statuses.find((status) => status.claim.address === entry.address)?.claim;
      const unanswered = entry.state === 'held' && before === 'assigning' && !this.#inFlight().has(entry.address);
      if (unanswered && claim) events.confirmed(claim, entry, movingFrom);
    }
    ledger.put(planned.ledger.put.map((entry) => [entry.address, entry] as const));
    ledger.delete(planned.ledger.forget);
  }

  #offer(actions: readonly Action[]): void {
    const byEni = Map.groupBy(actions, (action) => action.eni);
    for (const eni of byEni.keys()) if (!this.#batchers.has(eni)) this.#batchers.set(eni, this.#open(eni));
    for (const [eni, { batcher }] of this.#batchers) batcher.offer((byEni.get(eni) ?? []).map(batchItem));
  }

  #open(eni: EniId) {
    const { process, ec2, records, reports } = this.#options;
    const { clock } = process;
    const executor = new AddressExecutor(eni, {
      process,
      ec2: ec2.addresses,
      rateLimiter: ec2Limiter(ec2.rateLimit),
      known: { ledger: records.ledger, facts: this.#facts, memory: this.#memory },
      events: reports.events,
      refresh: (cause) => this.#refresh.request(cause),
      postponeRelease: (address) => this.#idle.restart(address, clock.now()),
    });
    const batcher = new Batcher<Action>(
      {
        maxBatch: MAX_BATCH,
        perform: (items) => executor.perform(items),
        failed: (error, items) => executor.failed(error, items),
        call: (priority, signal, act) => {
          const askedAt = clock.now();
          return executor.call(priority, signal, () => {
            this.#lookAgain(eni, askedAt);
            return act();
          });
        },
        // Planned at once, so that the next call already carries what arrived meanwhile.
        settled: () => this.#reconcileGuarded(),
      },
      this.#signal,
    );
    return { batcher, executor };
  }

  /** Decides once more what has waited long for its permission, asked for at `askedAt`. */
  #lookAgain(eni: EniId, askedAt: number): void {
    if (this.#options.process.clock.now() - askedAt < WAITED_MS) return;
    for (const action of this.#offered) {
      if (action.kind !== 'assign' || action.eni !== eni) continue;
      if (action.takeover) this.#memory.doubt(action.address);
      else if (action.claim.kind === 'floating') this.#memory.doubt(action.address, { waited: true });
    }
    this.#reconcileGuarded();
  }
}
