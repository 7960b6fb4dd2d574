import type { KubeClient } from '../../lib/kube/client.ts';
import { createOwnNodeReflector, type OwnNode } from '../../lib/kube/own-node.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { OnDemand } from '../floating-ips/on-demand-watch.ts';

export interface OwnNodeWatchParts {
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** One watch of this node's own Node for all who need it, and none while nobody does. */
export class OwnNodeWatch {
  readonly #nodeName: string;
  readonly #users = new Map<string, () => void>();
  readonly #watch: OnDemand;
  #reflector: Reflector<OwnNode> | undefined;

  constructor({ kube, nodeName, clock, random, log }: OwnNodeWatchParts) {
    this.#nodeName = nodeName;
    this.#watch = new OnDemand((signal) => {
      this.#reflector = createOwnNodeReflector({
        client: kube,
        clock,
        random,
        nodeName,
        onChange: () => this.#changed(),
        onError: (error) => log.debug('the watch of our own Node failed and is being restarted', { error }),
      });
      return this.#reflector.run(signal);
    });
  }

  /** The Node as it was last seen; undefined while it is not known. */
  get node(): OwnNode | undefined {
    return this.#reflector?.get(this.#nodeName);
  }

  /** `trigger` is called whenever the Node has changed; undefined: this user needs it no longer. */
  need(user: string, trigger: (() => void) | undefined): void {
    if (trigger === undefined) this.#users.delete(user);
    else this.#users.set(user, trigger);
    this.#watch.set(this.#users.size > 0);
  }

  /** Ends the watch for good; resolves when it has ended. */
  async close(): Promise<void> {
    this.#users.clear();
    await this.#watch.close();
  }

  #changed(): void {
    for (const trigger of this.#users.values()) trigger();
  }
}
