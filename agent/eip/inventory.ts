import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { AllocationId, ElasticIp } from '../../lib/model/elastic-ip.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface InventoryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: ElasticIpApi;
  readonly budget: Budget;
  readonly wake: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** Least time between two reads, ms: pods that arrive together share one. */
const MIN_INTERVAL_MS = 200;
/** How long our own accepted call outweighs a read that does not show it, ms. */
const SETTLING_MS = 10_000;

/**
 * The Elastic IPs of the account and region: one unfiltered DescribeAddresses, changed by our own accepted calls since.
 *
 * Why unfiltered: one read answers what several filtered ones would (whose is it by tag, what is free in a pool, what sits on our
 * addresses), so a burst of pods costs one. The call has no pages; 1 000 EIPs are about half a MB of XML.
 */
export class EipInventory {
  readonly #options: InventoryOptions;
  readonly #signal: AbortSignal;
  #eips = new Map<AllocationId, ElasticIp>();
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;
  #failures = 0;
  readonly #own = new Map<AllocationId, { readonly eip: ElasticIp | undefined; readonly at: number }>();

  constructor(options: InventoryOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get eips(): readonly ElasticIp[] {
    return [...this.#eips.values()];
  }

  /** When the last read was asked for, ms since the epoch. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  /** An accepted call of ours changed this EIP; undefined: it was released. */
  changed(allocationId: AllocationId, eip: ElasticIp | undefined): void {
    this.#own.set(allocationId, { eip, at: this.#options.clock.now() });
    if (eip) this.#eips.set(allocationId, eip);
    else this.#eips.delete(allocationId);
  }

  /** Reads soon; one read at a time. */
  request(): void {
    if (!this.#signal.aborted) this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
  }

  async idle(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { clock, ec2, budget, onProblem, wake, random } = this.#options;
    const pause =
      this.#failures > 0 ? backoffMs(this.#failures, { baseMs: 500, maxMs: 60_000, random }) : this.#sinceLast();
    if (pause > 0) await clock.sleep(pause, this.#signal);
    if (!(await budget.admit(() => 1, this.#signal))) return;
    const askedAt = clock.now();
    try {
      this.#take(await ec2.describe({}, { signal: this.#signal }), askedAt);
      budget.succeeded();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (error instanceof Ec2Error && error.kind === 'throttled') budget.refused();
      else budget.ended();
      if (!this.#signal.aborted) onProblem('cannot read the Elastic IPs', error);
    }
    wake();
  }

  #sinceLast(): number {
    return this.#readAt === undefined ? 0 : this.#readAt + MIN_INTERVAL_MS - this.#options.clock.now();
  }

  /** EC2's describes lag behind its answers: for a while our own change is believed against a read that was asked before or shows less. */
  #take(described: readonly ElasticIp[], askedAt: number): void {
    const eips = new Map(described.map((eip) => [eip.allocationId, eip]));
    for (const [id, { eip, at }] of this.#own) {
      if (askedAt - at > SETTLING_MS) this.#own.delete(id);
      else if (eip === undefined) eips.delete(id);
      else if (at >= askedAt || !eips.has(id)) eips.set(id, eip);
      else eips.set(id, mergeLagging(eips.get(id) as ElasticIp, eip));
    }
    this.#eips = eips;
    this.#readAt = askedAt;
  }
}

/** A read right after our call may still lack the tags or the pairing that the call made. */
function mergeLagging(described: ElasticIp, ours: ElasticIp): ElasticIp {
  return {
    ...described,
    tags: { ...ours.tags, ...described.tags },
    association: described.association ?? ours.association,
  };
}
