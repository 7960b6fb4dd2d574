import type { KubeClient } from '../../lib/kube/client.ts';
import { createFloatingIpReflector, servesFloatingIps } from '../../lib/kube/floating-ips.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface ObjectWatchOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** How often a cluster without the resource is asked whether it has it now, ms: one small GET. */
const DISCOVERY_MS = 300_000;

/** The FloatingIPs of a cluster that may not have the resource, or get it later: without it there is no watch. */
export class ObjectWatch {
  readonly #options: ObjectWatchOptions;
  #reflector: Reflector<FloatingIp> | undefined;
  #absent = false;

  constructor(options: ObjectWatchOptions) {
    this.#options = options;
  }

  /** Undefined while it is not known which there are. */
  items(): readonly FloatingIp[] | undefined {
    if (this.#reflector?.synced === true) return [...this.#reflector.items()];
    return this.#absent ? [] : undefined;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onProblem } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const served = await servesFloatingIps(this.#options.client, signal);
        failures = 0;
        if (served) await this.#watch(signal);
        else this.#found(false);
        if (!served) await clock.sleep(DISCOVERY_MS * (0.8 + 0.4 * random()), signal);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        onProblem('cannot find out whether the cluster has FloatingIPs', error);
        await clock.sleep(backoffMs(failures, { baseMs: 500, maxMs: 60_000, random }), signal);
      }
    }
  }

  /** Until the resource vanishes from the server. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, random, onChange, onProblem } = this.#options;
    const gone = new AbortController();
    const reflector = createFloatingIpReflector({
      client,
      clock,
      random,
      onChange,
      onState: onChange,
      onError: (error) => {
        if (isKubeError(error) && error.status === 404) gone.abort();
        else onProblem('the watch of FloatingIPs failed and goes on', error);
      },
    });
    this.#reflector = reflector;
    await reflector.run(AbortSignal.any([signal, gone.signal]));
    if (!signal.aborted) this.#found(false);
  }

  #found(served: boolean): void {
    this.#absent = !served;
    this.#reflector = undefined;
    this.#options.onChange();
  }
}
