import type { Clock } from './clock.ts';
import { NO_CALL, type RateLimiter } from './rate-limiter.ts';
import { RECONCILE_RETRY_MS, ReconcileHealth } from './reconcile-health.ts';
import { Trigger } from './trigger.ts';

export interface Plan<Step> {
  readonly steps: readonly Step[];
  /** When to look again although nothing happens, ms since the epoch. */
  readonly retryAt: number | undefined;
}

/** How the steps of a plan are told apart and carried out. */
export interface StepRules<Step> {
  /** What a step is about: one step for a key at a time. */
  readonly keyOf: (step: Step) => string;
  /** Lower goes first when calls are limited; undefined: the step needs no permission. */
  readonly priorityOf: (step: Step) => number | undefined;
  /** Asked right before each step: leadership or a lease may be gone. */
  readonly mayAct: () => boolean;
  readonly act: (step: Step) => Promise<void>;
  /** Called for each step that rejected. */
  readonly failed: (step: Step, error: unknown) => void;
}

export interface ReconcilerParts<Step> {
  readonly clock: Clock;
  readonly rateLimiter: RateLimiter;
  /** Looks at the world as it is now and decides. May be asked at any time, and again before a step that had to wait. */
  readonly plan: () => Plan<Step>;
  readonly steps: StepRules<Step>;
  /** The plan itself threw. The next trigger tries again, or some seconds. */
  readonly onFault: (error: unknown) => void;
  /** Mean time between plans that follow events, ms, beyond a burst of {@link BURST}: bounds what a big fleet costs. @default 0 */
  readonly intervalMs?: () => number;
  /** Records, under the loop's name, how planning ends. @default kept to itself */
  readonly healthOf?: { readonly loop: string; readonly health: ReconcileHealth };
}

/** A plan this young counts as made now if nothing has happened since, ms. */
const FRESH_MS = 50;
/** Plans in a row without a pause: one thing from its beginning to its end takes fewer. */
const BURST = 10;

/**
 * Keeps the world as the plan wants it: plan, start the steps whose keys are free, look again when one ends, when `trigger` is called and
 * at the plan's own time.
 *
 * Guarantees: at most one step for a key is under way. A step that had to wait for permission is not carried out as it was planned:
 * the plan is made again, and what that wants for the key is done, or nothing. No step starts after the signal aborted.
 */
export class Reconciler<Step> {
  readonly #parts: ReconcilerParts<Step>;
  readonly #signal: AbortSignal;
  readonly #trigger: Trigger;
  readonly #underWay = new Map<string, Promise<void>>();
  #steps: ReadonlyMap<string, Step> = new Map();
  /** When all plans so far would have been made, had each followed the one before by the interval. */
  #pacedAt = -Infinity;
  /** When the latest plan was made; undefined when something has happened since. */
  #plannedAt: number | undefined;

  constructor(parts: ReconcilerParts<Step>, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#trigger = new Trigger(() => this.#reconcile(), parts.clock);
    signal.addEventListener('abort', () => this.#trigger.stop(), { once: true });
  }

  /** Something that the plan looks at has changed. */
  trigger(): void {
    this.#plannedAt = undefined;
    const due = this.#dueAt();
    if (due <= this.#parts.clock.now()) this.#trigger.now();
    else this.#trigger.by(due);
  }

  /** True while a step for this key waits or is carried out. */
  isBusy(key: string): boolean {
    return this.#underWay.has(key);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  #reconcile(): void {
    if (this.#signal.aborted) return;
    for (const [key, step] of this.#look()) {
      if (this.isBusy(key) || this.#signal.aborted || !this.#parts.steps.mayAct()) continue;
      const flight = this.#carryOut(key, step).finally(() => {
        this.#underWay.delete(key);
        this.trigger();
      });
      this.#underWay.set(key, flight);
    }
  }

  /** When the next plan may follow. */
  #dueAt(): number {
    return this.#pacedAt - BURST * (this.#parts.intervalMs?.() ?? 0);
  }

  #look(): ReadonlyMap<string, Step> {
    const { plan, steps: rules, clock, onFault, healthOf, intervalMs = () => 0 } = this.#parts;
    const { loop, health } = healthOf ?? { loop: '', health: new ReconcileHealth({ clock }) };
    this.#steps = new Map();
    const now = clock.now();
    this.#plannedAt = now;
    // Plans that safety asked for count, but never make the next one wait for longer than the interval.
    this.#pacedAt = Math.min(Math.max(this.#pacedAt, now), now + BURST * intervalMs()) + intervalMs();
    const reconcile = () => {
      const { steps, retryAt } = plan();
      this.#steps = new Map(steps.map((step) => [rules.keyOf(step), step]));
      this.#trigger.at(retryAt === undefined ? undefined : Math.max(retryAt, this.#dueAt()));
      // A trigger from within the plan counts; the time that planning took does not.
      if (this.#plannedAt !== undefined) this.#plannedAt = clock.now();
    };
    health.run(loop, reconcile, (error) => {
      onFault(error);
      this.#trigger.at(clock.now() + RECONCILE_RETRY_MS);
    });
    return this.#steps;
  }

  /** Never rejects. */
  async #carryOut(key: string, planned: Step): Promise<void> {
    const { rateLimiter, steps } = this.#parts;
    const { priorityOf, act, failed, mayAct } = steps;
    let step = planned;
    try {
      if (priorityOf(planned) === undefined) return await act(planned);
      const priority = () => priorityOf(this.#steps.get(key) ?? planned) ?? 0;
      await rateLimiter.call(priority, this.#signal, () => {
        const latest = this.#latest(key);
        // What needs no permission by now is done without: the next reconcile starts it.
        const isFor = latest !== undefined && priorityOf(latest) !== undefined;
        if (!isFor || this.#signal.aborted || !mayAct()) return NO_CALL;
        step = latest;
        return act(latest);
      });
    } catch (error) {
      failed(step, error);
    }
  }

  /** Time alone can change a plan, too, but not within a moment: a burst is planned once. */
  #latest(key: string): Step | undefined {
    if (this.#plannedAt !== undefined && this.#parts.clock.now() < this.#plannedAt + FRESH_MS)
      return this.#steps.get(key);
    // What else this plan wants is started by a reconcile of its own.
    this.#trigger.now();
    return this.#look().get(key);
  }
}
