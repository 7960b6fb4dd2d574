import { once } from 'node:events';
import type { OptionsOf } from '../../lib/config/options.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { lookAtCluster } from '../status/look.ts';
import { serveUi } from '../ui/serve.ts';

/** Least time between two looks at the cluster, however many pages are open, ms. */
const MAX_AGE_MS = 1_500;

/**
 * `eni-agent ui`: a live page of what `status` shows, on 127.0.0.1, until it is stopped. It changes nothing. 0 when it was stopped.
 * @throws {Error} when the kubeconfig cannot be used or the port is taken.
 */
export async function runUi(options: OptionsOf<'ui'>, stop: AbortSignal): Promise<number> {
  const { kubeconfig, context, port } = options;
  const connection = await loadConnection({ kubeconfig, context, env: process.env });
  const client = createKubeClient({ connection, clock: systemClock() });
  const look = () => lookAtCluster(client, connection.server, options, stop);
  const ui = await serveUi({ port, look, maxAgeMs: MAX_AGE_MS, now: () => Date.now() });
  try {
    process.stdout.write(`Open ${ui.url} (Ctrl-C ends it)\n`);
    if (!stop.aborted) await once(stop, 'abort');
    return 0;
  } finally {
    await ui.close();
    await client.close();
  }
}
