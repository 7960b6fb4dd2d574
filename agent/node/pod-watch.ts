import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { NadCache } from '../../lib/kube/nads.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { createReflector, type Reflector } from '../../lib/kube/reflector.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { KubeMetrics } from '../../lib/runtime/metrics.ts';
import type { EventBus } from './event-bus.ts';
import { definitionsOf } from './sources.ts';

export interface PodWatchOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly process: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: Logger;
    readonly metrics: KubeMetrics;
  };
  readonly onChange: (pod: Pod) => void;
  readonly onSynced: () => void;
}

/** The one watch that a node keeps: its own pods. */
export function watchPods(options: PodWatchOptions): Reflector<Pod> {
  const { client, nodeName } = options;
  const { clock, random, log, metrics } = options.process;
  // Counted from the start: an agent that never reaches the API server must not look fresh.
  metrics.watchAlive('pods');
  const outage = new OutageVoice(log, clock);
  return createReflector<Pod>({
    source: {
      client,
      path: '/api/v1/pods',
      query: { fieldSelector: `spec.nodeName=${nodeName}` },
      convert: podConverter(),
    },
    clock,
    random,
    life: { onSign: () => metrics.watchAlive('pods') },
    onChange: (change) => options.onChange(change.type === 'deleted' ? change.previous : change.item),
    onState: ({ synced, connected }) => {
      log.debug('pod watch', { synced, connected });
      if (connected) outage.ended();
      if (synced) options.onSynced();
    },
    onError: (error) => {
      metrics.watchRestarted('pods', isKubeError(error) ? error.reason || String(error.status) : 'failed');
      outage.failed(error);
    },
  });
}

/** Lets the loops look again when a pod has changed, and once more when definitions of its networks had to be read. */
export function podListener(
  bus: Pick<EventBus, 'changed'>,
  definitions: Pick<NadCache, 'prefetch'>,
): PodWatchOptions['onChange'] {
  const changed = () => bus.changed.publish();
  return (pod) => {
    changed();
    const names = definitionsOf(pod);
    if (names.length > 0) void definitions.prefetch(names).then((isNews) => isNews && changed());
  };
}

/** How often an outage that goes on is reported again, ms. */
const REMIND_MS = 60_000;

/** Reports an outage when it begins, now and then while it lasts, and when it is over: not at each of the many tries. */
class OutageVoice {
  readonly #log: Logger;
  readonly #clock: Clock;
  #since: number | undefined;
  #reportedAt = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  failed(error: unknown): void {
    const now = this.#clock.now();
    this.#since ??= now;
    const lastedMs = now - this.#since;
    if (lastedMs > 0 && now - this.#reportedAt < REMIND_MS)
      return this.#log.debug('the API server still does not answer', { lastedMs, error });
    this.#reportedAt = now;
    this.#log.warn('the watch of this node’s pods was interrupted; the last known pods stay', { lastedMs, error });
  }

  ended(): void {
    if (this.#since === undefined) return;
    this.#log.info('the watch of this node’s pods is back', { lastedMs: this.#clock.now() - this.#since });
    this.#since = undefined;
  }
}
