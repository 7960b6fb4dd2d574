import type { AddressApi } from '../../lib/ec2/api.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { EniCache } from '../aws/eni-cache.ts';
import { reportFailure } from '../aws/report-failure.ts';
import type { AddressEvents } from './events.ts';
import { lastErrorOf } from './last-error.ts';

export interface RefreshOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: AddressApi;
  readonly rateLimit: RateLimit;
  readonly events: AddressEvents;
  readonly facts: EniCache;
  readonly instanceId: string;
  readonly resyncMs: number;
  /** Called when the facts are new. */
  readonly wake: () => void;
}

/** Least time between the starts of two describes, ms: a burst of doubts is answered by one look. */
const MIN_INTERVAL_MS = 200;

/**
 * Describes this node's ENIs when somebody doubts the facts, and now and then without a doubt. One describe at a time; doubts that
 * arrive while one is under way are answered by the next, because only a describe asked for later can clear them.
 */
export class Refresh {
  readonly #options: RefreshOptions;
  readonly #signal: AbortSignal;
  #cause: string | undefined;
  #waiting: (() => void)[] = [];
  #nudge: (() => void) | undefined;
  #trouble: Refusal | undefined;

  constructor(options: RefreshOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Why the last describe failed; undefined while they go through. */
  get trouble(): Refusal | undefined {
    return this.#trouble;
  }

  /** Resolves when a describe that was asked for after this call has come back, or has failed, or the signal aborted. */
  request(cause: string): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    this.#cause ??= cause;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#nudge?.();
    });
  }

  async run(): Promise<void> {
    const { clock, resyncMs, random } = this.#options;
    let failures = 0;
    while (!this.#signal.aborted) {
      // Spread over the nodes: they must not come back together after an outage.
      if (this.#cause === undefined) await this.#wait(resyncMs * (0.9 + 0.2 * random()));
      if (!(await this.#options.rateLimit.admit(() => 1, this.#signal))) break;
      // Taken together and only now: a doubt that came while we waited for permission is answered by this describe.
      const [cause, answered] = [this.#cause ?? 'resync', this.#waiting.splice(0)];
      this.#cause = undefined;
      const succeeded = await this.#describe(cause);
      for (const resolve of answered) resolve();
      failures = succeeded ? 0 : failures + 1;
      if (!succeeded) this.#cause ??= 'the last describe failed';
      await clock.sleep(
        failures > 0 ? backoffMs(failures, { baseMs: 200, maxMs: 30_000, random }) : MIN_INTERVAL_MS,
        this.#signal,
      );
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #describe(cause: string): Promise<boolean> {
    const { clock, ec2, facts, instanceId, events, wake, rateLimit } = this.#options;
    const askedAt = clock.now();
    try {
      const enis = await ec2.describeEnis(instanceId, { signal: this.#signal });
      const again = facts.described(enis, askedAt, clock.now());
      if (again !== undefined)
        clock.after(again - clock.now(), () => void this.request('a describe contradicted our own call'));
      rateLimit.succeeded();
      this.#trouble = undefined;
      events.described(cause, clock.now() - askedAt, enis.length);
      wake();
      return true;
    } catch (error) {
      reportFailure(rateLimit, error);
      if (this.#signal.aborted) return false;
      events.problem(`cannot describe the ENIs of ${instanceId}; the facts stay as they were`, error);
      this.#trouble = lastErrorOf(error);
      wake();
      return false;
    }
  }

  #wait(ms: number): Promise<void> {
    const { clock } = this.#options;
    const either = new AbortController();
    const signal = AbortSignal.any([this.#signal, either.signal]);
    this.#nudge = () => either.abort();
    return clock.sleep(ms, signal).finally(() => {
      this.#nudge = undefined;
    });
  }
}
