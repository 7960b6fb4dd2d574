import { lookAtCluster } from '../agent/status/look.ts';
import { serveUi } from '../agent/ui/serve.ts';
import { createKubeClient } from '../lib/kube/client.ts';
import { loadConnection } from '../lib/kube/connection.ts';
import { systemClock } from '../lib/runtime/clock.ts';

/** As little time between two looks as `eni-agent ui` allows, ms. */
const MAX_AGE_MS = 1_500;

/** The page of `eni-agent ui` for the simulated cluster, on any free port of 127.0.0.1, until it is closed. */
export async function openPage(
  kubeconfig: string,
  signal: AbortSignal,
): Promise<{ url: string; close(): Promise<void> }> {
  const connection = await loadConnection({ kubeconfig, env: {} });
  const client = createKubeClient({ connection, clock: systemClock() });
  const scope = { namespaces: [], allNamespaces: true, selector: undefined, onlyNode: undefined, snapshots: true };
  const look = () => lookAtCluster(client, connection.server, scope, signal);
  const ui = await serveUi({ port: 0, look, maxAgeMs: MAX_AGE_MS, now: () => Date.now() });
  const close = async () => {
    await ui.close();
    await client.close();
  };
  return { url: ui.url, close };
}
