import type { AddressApi } from '../../lib/ec2/api.ts';
import type { Plan } from '../../lib/model/addresses/plan.ts';
import type { NodeSnapshot } from '../../lib/model/addresses/snapshot.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { permitted } from '../aws/permitted.ts';

export interface VpcNetworksOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: AddressApi;
  readonly rateLimit: RateLimit;
  readonly wake: () => void;
}

/** Subnets are added rarely: what is left out because of them is judged again so often, ms. Two reads per hour, and only where needed. */
const AGE_MS = 1_800_000;

/** Which networks the VPC has; asked of EC2 only when a claim fits no ENI of the node, and kept. */
export class VpcNetworks {
  readonly #options: VpcNetworksOptions;
  readonly #signal: AbortSignal;
  #known: NodeSnapshot['vpcNetworks'] = 'unasked';
  #running = false;
  #failures = 0;
  #notBefore = 0;

  constructor(options: VpcNetworksOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get known(): NodeSnapshot['vpcNetworks'] {
    return this.#known;
  }

  request({ askNetworks, leftOut }: Plan): void {
    const isWanted = askNetworks || leftOut.length > 0;
    if (!isWanted || this.#running || this.#signal.aborted || this.#options.clock.now() < this.#notBefore) return;
    this.#running = true;
    void this.#ask().finally(() => {
      this.#running = false;
      this.#options.wake();
    });
  }

  async #ask(): Promise<void> {
    const { clock, random, ec2, rateLimit, wake } = this.#options;
    const permission = { rateLimit, priority: 1, allowed: () => true, signal: this.#signal };
    try {
      const networks = await permitted(permission, () => ec2.vpcNetworks({ signal: this.#signal }));
      // A VPC with an instance has subnets: an empty answer says nothing.
      this.#known = networks.length === 0 ? 'unknown' : networks;
      this.#failures = 0;
      this.#notBefore = clock.now() + AGE_MS;
    } catch (error) {
      if (this.#signal.aborted) return;
      const passes = error instanceof Ec2Error && ['throttled', 'unavailable', 'unknown-outcome'].includes(error.kind);
      if (!passes && this.#known === 'unasked') this.#known = 'unknown';
      this.#failures += 1;
      const pause = passes ? backoffMs(this.#failures, { baseMs: 500, maxMs: 60_000, random }) : AGE_MS;
      this.#notBefore = clock.now() + pause;
      clock.after(pause, wake);
    }
  }
}
