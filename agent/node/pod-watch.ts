import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { createReflector, type Reflector } from '../../lib/kube/reflector.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { KubeMetrics } from '../../lib/runtime/metrics.ts';

export interface PodWatchOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  readonly onChange: (pod: Pod) => void;
  readonly onSynced: () => void;
}

/** The one watch that a node keeps: its own pods. */
export function watchPods(options: PodWatchOptions): Reflector<Pod> {
  const { client, nodeName, clock, random, log, metrics } = options;
  return createReflector<Pod>({
    client,
    clock,
    random,
    path: '/api/v1/pods',
    query: { fieldSelector: `spec.nodeName=${nodeName}` },
    convert: podConverter(),
    onChange: (change) => {
      metrics.watchHeard('pods');
      options.onChange(change.type === 'deleted' ? change.previous : change.item);
    },
    onState: ({ synced, connected }) => {
      log.debug('pod watch', { synced, connected });
      if (connected) metrics.watchHeard('pods');
      if (synced) options.onSynced();
    },
    onError: (error) => {
      metrics.watchRestarted('pods', isKubeError(error) ? error.reason || String(error.status) : 'failed');
      log.warn('the watch of this node’s pods was interrupted; the last known pods stay', { error });
    },
  });
}
