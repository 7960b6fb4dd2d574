import type { KubeClient } from '../../lib/kube/client.ts';
import { getNode, instanceIdOf } from '../../lib/kube/node.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

export interface NodeInstancesOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
}

/** How long a node without an answer or without providerID is left alone, ms: the cloud provider fills it in within seconds. */
const RETRY_MS = 15_000;

interface Known {
  readonly instanceId: string | undefined;
  readonly at: number;
}

/**
 * The EC2 instances of the few nodes that pods with ENI objects are on: one GET for each such pod, instead of a watch of all nodes. A pod stays
 * on its node for life, so an answer holds for as long as the pod that it was asked for, and for no other: the node may be another instance under
 * the same name by the time of the next one.
 */
export class NodeInstances {
  readonly #options: NodeInstancesOptions;
  readonly #signal: AbortSignal;
  /** By uid of the pod. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Set<string>();

  constructor(options: NodeInstancesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The instance of a pod's node; undefined while it is not known, and then `onChange` comes. */
  of(nodeName: string, podUid: string): string | undefined {
    const known = this.#known.get(podUid);
    const isOutdated =
      known === undefined || (known.instanceId === undefined && known.at + RETRY_MS <= this.#options.clock.now());
    if (isOutdated && !this.#asking.has(podUid)) void this.#ask(nodeName, podUid);
    return known?.instanceId;
  }

  /** True while the first answer about a pod's node is awaited. */
  isAwaited(podUid: string): boolean {
    return !this.#known.has(podUid);
  }

  /** Forgets pods that are gone. */
  keep(podUids: ReadonlySet<string>): void {
    for (const uid of this.#known.keys()) if (!podUids.has(uid)) this.#known.delete(uid);
  }

  /** Cannot reject. */
  async #ask(nodeName: string, podUid: string): Promise<void> {
    const { kube, clock, log, onChange } = this.#options;
    this.#asking.add(podUid);
    let instanceId: string | undefined;
    try {
      const { providerId } = await getNode(kube, nodeName, this.#signal);
      instanceId = instanceIdOf(providerId ?? '');
    } catch (error) {
      if (!this.#signal.aborted)
        log.warn('cannot read the node of a pod with an ENI object', { node: nodeName, error });
    }
    this.#asking.delete(podUid);
    if (this.#signal.aborted) return;
    this.#known.set(podUid, { instanceId, at: clock.now() });
    if (instanceId === undefined) clock.after(RETRY_MS, onChange);
    onChange();
  }
}
