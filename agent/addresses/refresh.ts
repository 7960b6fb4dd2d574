import type { Eni } from '../../lib/model/eni.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import type { EniCache } from '../aws/eni-cache.ts';
import { lastErrorOf } from '../aws/failures.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { AddressEvents } from './events.ts';
import type { AddressEc2, AddressProcess } from './reconciler-options.ts';

export interface RefreshOptions {
  readonly process: Pick<AddressProcess, 'clock' | 'random'>;
  readonly ec2: AddressEc2;
  readonly events: AddressEvents;
  readonly facts: EniCache;
  readonly instanceId: string;
  /** Called when the facts are new. */
  readonly trigger: () => void;
}

/** A burst of doubts is answered by one look, ms. */
const MIN_INTERVAL_MS = 200;
/** First and longest pause after a describe that failed, ms. */
const FAILED = [200, 30_000] as const;

/**
 * Describes this node's ENIs when somebody doubts the facts, and now and then without a doubt. One describe at a time; doubts that
 * arrive while one is under way are answered by the next, because only a describe asked for later can clear them.
 */
export class Refresh {
  readonly #options: RefreshOptions;
  readonly #signal: AbortSignal;
  readonly #refresher: Refresher<readonly Eni[]>;
  #cause: string | undefined;
  /** The cause of the describe under way. */
  #answering = '';
  #lastError: Refusal | undefined;
  /** Described without a doubt then, ms since the epoch. */
  #resyncAt = 0;

  constructor(options: RefreshOptions, signal: AbortSignal) {
    const { process, ec2 } = options;
    this.#options = options;
    this.#signal = signal;
    this.#refresher = new Refresher(
      {
        ...process,
        permission: { rateLimiter: ec2Limiter(ec2.rateLimit), priority: () => 1 },
        pace: { minIntervalMs: MIN_INTERVAL_MS, pause: () => FAILED },
        read: (reading) => this.#describe(reading),
        on: {
          answer: (enis, askedAt) => this.#taken(enis, askedAt),
          failure: (error) => this.#failed(error),
          end: () => this.#scheduleResync(),
        },
      },
      signal,
    );
  }

  /** Why the last describe failed; undefined while they go through. */
  get lastError(): Refusal | undefined {
    return this.#lastError;
  }

  /** Resolves when a describe that was asked for after this call has come back, or has failed, or the signal aborted. */
  request(cause: string): Promise<void> {
    this.#cause ??= cause;
    return this.#refresher.next();
  }

  async run(): Promise<void> {
    const { clock } = this.#options.process;
    this.#scheduleResync();
    while (!this.#signal.aborted) {
      await clock.sleep(this.#resyncAt - clock.now(), this.#signal);
      if (clock.now() >= this.#resyncAt) await this.request('resync');
    }
    await this.#refresher.idle();
  }

  /** Spread over the nodes: they must not come back together after an outage. */
  #scheduleResync(): void {
    const { ec2, process } = this.#options;
    const { clock, random } = process;
    this.#resyncAt = clock.now() + ec2.resyncMs * (0.9 + 0.2 * random());
  }

  #describe(signal: AbortSignal): Promise<readonly Eni[]> {
    this.#answering = this.#cause ?? 'resync';
    this.#cause = undefined;
    return this.#options.ec2.addresses.describeEnis(this.#options.instanceId, { signal });
  }

  #taken(enis: readonly Eni[], askedAt: number): void {
    const { process, facts, events, trigger } = this.#options;
    const { clock } = process;
    const again = facts.described(enis, askedAt, clock.now());
    if (again !== undefined)
      clock.after(again - clock.now(), () => void this.request('a describe contradicted our own call'));
    this.#lastError = undefined;
    events.described(this.#answering, clock.now() - askedAt, enis.length);
    trigger();
  }

  #failed(error: unknown): void {
    const { instanceId, events, trigger } = this.#options;
    events.problem(`cannot describe the ENIs of ${instanceId}; the facts stay as they were`, error);
    this.#lastError = lastErrorOf(error);
    void this.request('the last describe failed');
    trigger();
  }
}
