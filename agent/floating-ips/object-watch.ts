import type { KubeClient } from '../../lib/kube/client.ts';
import { createFloatingIpReflector, FLOATING_IP_TYPE } from '../../lib/kube/floating-ips.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import { whileServed } from '../../lib/kube/while-served.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface ObjectWatchOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

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
    const { client, clock, random, onProblem } = this.#options;
    await whileServed(
      {
        client,
        clock,
        random,
        types: [FLOATING_IP_TYPE],
        serve: (serving) => this.#watch(serving),
        onAbsent: () => this.#vanished(),
        onProblem: (error) => onProblem('cannot find out whether the cluster has FloatingIPs', error),
      },
      signal,
    );
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
  }

  #vanished(): void {
    this.#absent = true;
    this.#reflector = undefined;
    this.#options.onChange();
  }
}
