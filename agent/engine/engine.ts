import type { Action } from '../../lib/model/action.ts';
import type { Eni, EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { LedgerEntry } from '../../lib/model/ledger.ts';
import type { Plan } from '../../lib/model/plan.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { NodeSnapshot } from '../../lib/model/snapshot.ts';
import { type Appearances, dateClaims } from '../../lib/plan/appearance.ts';
import { inUseOn } from '../../lib/plan/claims.ts';
import { leavingAddresses } from '../../lib/plan/leaving.ts';
import { plan } from '../../lib/plan/plan.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import { Lane } from '../../lib/runtime/lane.ts';
import { ROUND_RETRY_MS, RoundHealth } from '../../lib/runtime/round-health.ts';
import { Wakeup } from '../../lib/runtime/wakeup.ts';
import { Attempts } from './attempts.ts';
import type { EngineOptions, Observed } from './engine-options.ts';
import { EniFacts } from './eni-facts.ts';
import { IdleSince } from './idle-since.ts';
import { laneItem } from './lane-item.ts';
import { LookUp } from './look-up.ts';
import { MissingSince } from './missing-since.ts';
import { Performer } from './perform.ts';
import { Refresh } from './refresh.ts';

/** EC2 documents no cap on addresses per call; a call never needs more than the largest ENI holds (64). */
const MAX_BATCH = 64;
/** A takeover that has waited this long for permission is decided anew: the world may have changed, ms. */
const WAITED_MS = 1_000;
/** Every call has a timeout of seconds and every wait an end, so this can only be a fault of ours, ms. */
const STUCK_MS = 300_000;

/**
 * The loop of the main job: observe, plan from the whole snapshot, let the lanes act, tell. Level-based: an event only wakes it.
 * The same engine runs in the node agent and inside a pod; they differ in what they observe and whom they tell.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #signal: AbortSignal;
  readonly #facts = new EniFacts();
  readonly #attempts: Attempts;
  readonly #budget: Budget;
  readonly #wakeup: Wakeup;
  readonly #refresh: Refresh;
  readonly #lookUp: LookUp;
  readonly #lanes = new Map<EniId, { readonly lane: Lane<Action>; readonly performer: Performer }>();
  readonly #idle = new IdleSince();
  readonly #missing = new MissingSince();
  readonly #rounds: RoundHealth;
  /** See {@link leavingAddresses}. */
  leaving: ReadonlySet<IpAddress> = new Set();
  #appearances: Appearances = new Map();
  /** All sources have been seen complete once: what comes now has appeared before our eyes. */
  #settled: boolean;
  #offered: readonly Action[] = [];

  constructor(options: EngineOptions, signal: AbortSignal) {
    const { clock, random, ec2, events } = options;
    this.#options = options;
    this.#signal = signal;
    this.#attempts = new Attempts(clock, random);
    this.#budget = options.budget;
    this.#rounds = options.rounds ?? new RoundHealth({ clock });
    this.#wakeup = new Wakeup(() => this.#round(), clock);
    const wake = () => this.#wakeup.now();
    const shared = { clock, random, ec2, budget: this.#budget, events, wake };
    this.#refresh = new Refresh(
      { ...shared, facts: this.#facts, instanceId: options.instanceId, resyncMs: options.resyncMs },
      signal,
    );
    const { instanceId, clusterName, ledger } = options;
    this.#lookUp = new LookUp(
      { ...shared, instanceId, clusterName, attempts: this.#attempts, enis: () => this.#facts.enis },
      signal,
    );
    this.#settled = options.firstStart === true;
    // What the process before us asked for and did not hear of: somebody else may have the address by now.
    for (const { address, state } of ledger.values())
      if (state === 'assigning') this.#attempts.doubt(address, { restarted: true });
    signal.addEventListener('abort', () => this.#wakeup.stop(), { once: true });
  }

  /** Something the engine observes may have changed. */
  wake(): void {
    this.#wakeup.now();
  }

  /** Something outside says that the facts about our ENIs may be wrong: describe them. */
  doubt(cause: string): void {
    void this.#refresh.request(cause);
  }

  get enis(): readonly Eni[] {
    return this.#facts.enis;
  }

  /** When the describe was asked for that `enis` rest on, ms since the epoch; undefined before the first. */
  get describedAt(): number | undefined {
    return this.#facts.describedAt;
  }

  /** Why the last describe of our ENIs failed; undefined while they go through. */
  get trouble(): Refusal | undefined {
    return this.#refresh.trouble;
  }

  /** Calls that should have ended long ago, in words; a reason to restart the process. */
  stuck(): string[] {
    const limit = this.#options.clock.now() - STUCK_MS;
    return Array.from(this.#lanes, ([eni, { performer }]) => ({ eni, since: performer.busySince }))
      .filter(({ since }) => since !== undefined && since < limit)
      .map(({ eni }) => `a call for ${eni} has been under way for more than ${STUCK_MS / 60_000} min`);
  }

  /** Describes the ENIs for the first time, then runs until the signal aborts; returns when no call is in flight any more. */
  async run(): Promise<void> {
    void this.#refresh.request('start');
    await this.#refresh.run();
    await Promise.all(Array.from(this.#lanes.values(), ({ lane }) => lane.idle()));
    await this.#lookUp.idle();
  }

  #round(): void {
    this.#rounds.run(
      'addresses',
      () => this.#reconcile(),
      (error) => {
        this.#options.events.problem('a round failed and is tried again', error);
        this.#wakeup.at(this.#options.clock.now() + ROUND_RETRY_MS);
      },
    );
  }

  #reconcile(): void {
    const { observe, report, dryRun, clock } = this.#options;
    const observed = observe();
    const snapshot = this.#snapshot(observed);
    const planned = plan(snapshot);
    this.leaving = leavingAddresses(snapshot);
    if (!dryRun) {
      this.#remember(planned);
      this.#offer(planned.actions);
      this.#offered = planned.actions;
      this.#lookUp.request(planned);
    }
    if (planned.describe) void this.#refresh.request('facts older than a claim');
    this.#wakeup.at(planned.wakeAt);
    report({
      at: clock.now(),
      statuses: planned.statuses,
      refusals: observed.refusals,
      enis: this.#facts.enis,
      actions: planned.actions,
      complete: observed.complete && this.describedAt !== undefined,
    });
  }

  #snapshot(observed: Observed): NodeSnapshot {
    const { clock, policy } = this.#options;
    const now = clock.now();
    const ledger = this.#ledger();
    const { complete, declared = [] } = observed;
    const loaded = complete || observed.hiddenSince !== undefined;
    const dating = { known: this.#appearances, ledger, complete: loaded, now, settled: this.#settled };
    const { claims, appearances } = dateClaims(observed.drafts, { ...dating, trusted: this.#options.ledger.trusted });
    this.#appearances = appearances;
    this.#settled ||= loaded;
    this.#attempts.keepOnly(claims, declared);
    const inUse = new Set([...inUseOn(this.#facts.enis, observed.strays ?? []), ...(observed.unplaced ?? [])]);
    this.#missing.mark(ledger, this.#facts.enis, now);
    if (loaded) this.#idle.mark(new Set([...claims.map(({ address }) => address), ...inUse]), ledger, now);
    else this.#idle.clear();
    return {
      now,
      policy,
      claims,
      ledger,
      inUse,
      claimsComplete: observed.complete,
      hiddenSince: observed.hiddenSince,
      enis: this.#facts.enis,
      unseen: this.#facts.unseen,
      describedAt: this.#facts.describedAt,
      blind: this.#refresh.trouble,
      idleSince: this.#idle.all,
      missingSince: this.#missing.all,
      inFlight: this.#inFlight(),
      knownFree: this.#attempts.knownFree,
      holders: this.#attempts.holders,
      contested: this.#attempts.contested,
      disputedUntil: this.#attempts.disputedUntil,
      doubts: this.#attempts.doubts,
      declared,
      setbacks: this.#attempts.setbacks,
      troubles: this.#troubles(),
    };
  }

  #ledger(): ReadonlyMap<IpAddress, LedgerEntry> {
    return new Map(this.#options.ledger.values().map((entry) => [entry.address, entry]));
  }

  #inFlight(): ReadonlySet<IpAddress> {
    const flying = new Set<IpAddress>();
    for (const { lane } of this.#lanes.values()) {
      for (const item of lane.flying()) flying.add(item.value.address);
    }
    return flying;
  }

  #troubles(): ReadonlyMap<EniId, Refusal> {
    const troubles = new Map<EniId, Refusal>();
    for (const [eni, { performer }] of this.#lanes) if (performer.trouble) troubles.set(eni, performer.trouble);
    return troubles;
  }

  #remember(planned: Plan): void {
    const { ledger, events } = this.#options;
    for (const entry of planned.ledger.put) {
      const before = ledger.get(entry.address)?.state;
      if (entry.state === 'lost' && (before === 'held' || before === 'found')) events.lost(entry);
      const unanswered = entry.state === 'held' && ledger.get(entry.address)?.state === 'assigning';
      if (unanswered && !this.#inFlight().has(entry.address)) events.confirmed(entry);
    }
    ledger.put(planned.ledger.put.map((entry) => [entry.address, entry] as const));
    ledger.delete(planned.ledger.forget);
  }

  #offer(actions: readonly Action[]): void {
    const byEni = Map.groupBy(actions, (action) => action.eni);
    for (const eni of byEni.keys()) if (!this.#lanes.has(eni)) this.#lanes.set(eni, this.#open(eni));
    for (const [eni, { lane }] of this.#lanes) lane.offer((byEni.get(eni) ?? []).map(laneItem));
  }

  #open(eni: EniId) {
    const { clock, random, ec2, ledger, events } = this.#options;
    const performer = new Performer(eni, {
      clock,
      random,
      ec2,
      ledger,
      events,
      facts: this.#facts,
      attempts: this.#attempts,
      budget: this.#budget,
      callSignal: this.#options.callSignal,
      refresh: (cause) => this.#refresh.request(cause),
      postponeRelease: (address) => this.#idle.restart(address, clock.now()),
    });
    const lane = new Lane<Action>(
      {
        maxBatch: MAX_BATCH,
        perform: (items) => performer.perform(items),
        admit: (priority, signal) => this.#admit(eni, () => performer.admit(priority, signal)),
        unused: () => this.#budget.ended(),
        // Planned at once, so that the next call already carries what arrived meanwhile.
        settled: () => this.#round(),
      },
      this.#signal,
    );
    return { lane, performer };
  }

  async #admit(eni: EniId, admit: () => Promise<boolean>): Promise<boolean> {
    const askedAt = this.#options.clock.now();
    if (!(await admit())) return false;
    if (this.#options.clock.now() - askedAt < WAITED_MS) return true;
    for (const action of this.#offered) {
      if (action.kind !== 'assign' || action.eni !== eni) continue;
      if (action.takeover) this.#attempts.doubt(action.address);
      else if (action.claim.kind === 'floating') this.#attempts.doubt(action.address, { waited: true });
    }
    this.#round();
    return true;
  }
}
