import { attemptKey } from '../../lib/model/addresses/claim.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { RouteDoubt, RouteRecord, RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';
import { routeBackoff } from './backoff.ts';

/** After a write: when to look whether somebody else has written since, ms. The last is later than describes usually lag. */
const LOOK_AFTER_MS = [2_000, 5_000, 12_000] as const;
/** Looks are this far apart at least, ms: an answer of many tables takes ten and more to read. */
const LOOKS_APART_MS = 1_000;

/** What the loop for routes remembers between two plans. All times are ms since the epoch. */
export class RouteMemory {
  readonly #clock: Clock;
  readonly #failures: FailureMemory<Reason>;
  readonly doubts = new Map<string, RouteDoubt>();
  readonly idleSince = new Map<string, number>();
  readonly unchecked = new Set<EniId>();
  #lookAt: readonly number[] = [];

  constructor(parts: { readonly clock: Clock; readonly random: () => number }) {
    this.#clock = parts.clock;
    this.#failures = new FailureMemory(parts);
  }

  get backoffs() {
    return this.#failures.known;
  }

  /** What the process before us asked for and did not hear of: somebody else may have the route by now. */
  restarted(records: Iterable<[string, RouteRecord]>): void {
    for (const [key, { state }] of records)
      if (state === 'writing') this.doubts.set(key, { at: this.#clock.now(), before: undefined, restarted: true });
  }

  succeeded(step: RouteStep): void {
    this.#failures.succeeded(attemptOf(step));
    if (step.kind !== 'move') return;
    this.doubts.delete(step.key);
    this.lookLater();
  }

  failed(step: RouteStep, error: Ec2Error): void {
    this.#failures.failed(attemptOf(step), routeBackoff(error, step));
    // EC2 proved that there is no route: then nobody has it.
    if (step.kind !== 'move' || error.kind === 'not-assigned') return;
    const earlier = this.doubts.get(step.key);
    const before = earlier?.at !== undefined && earlier.at >= step.claim.since ? earlier.before : step.before;
    this.doubts.set(step.key, { at: this.#clock.now(), before, restarted: earlier?.restarted ?? false });
  }

  /** Looks some time after a write of ours. One look serves all writes of the same moment. */
  lookLater(): void {
    const now = this.#clock.now();
    const looks = LOOK_AFTER_MS.map((ms) => Math.ceil((now + ms) / LOOKS_APART_MS) * LOOKS_APART_MS);
    this.#lookAt = [...new Set([...this.#lookAt, ...looks])].slice(-32);
  }

  /** True when a look is due that no read since has given; `nextLook` is when another one will be. */
  looksDue(readAt: number | undefined): boolean {
    this.#lookAt = this.#lookAt.filter((at) => readAt === undefined || readAt < at);
    return this.#lookAt.some((at) => at <= this.#clock.now());
  }

  get nextLook(): number | undefined {
    const later = this.#lookAt.filter((at) => at > this.#clock.now());
    return later.length === 0 ? undefined : Math.min(...later);
  }

  noteIdle(idle: readonly string[]): void {
    const current = new Set(idle);
    for (const key of current) if (!this.idleSince.has(key)) this.idleSince.set(key, this.#clock.now());
    for (const key of this.idleSince.keys()) if (!current.has(key)) this.idleSince.delete(key);
  }

  /** Forgets failures and doubts of what nobody wants any more. */
  keep(attempts: ReadonlySet<string>, routes: ReadonlySet<string>): void {
    const steps = Array.from(this.backoffs.keys()).filter((key) => key.startsWith('check '));
    this.#failures.keep(new Set([...attempts, ...steps]));
    for (const key of this.doubts.keys()) if (!routes.has(key)) this.doubts.delete(key);
  }
}

/** See `routeAttempt`: an address that appears again starts with a clean slate. */
export function attemptOf(step: RouteStep): string {
  return step.kind === 'move' ? `${step.key}|${attemptKey(step.claim)}` : step.key;
}
