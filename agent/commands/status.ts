import { setTimeout as sleep } from 'node:timers/promises';
import type { OptionsOf } from '../../lib/config/options.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import type { ClusterStatus } from '../../lib/model/status/cluster-status.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { lookAtCluster } from '../status/look.ts';
import { besideView, renderStatus } from '../status/render.ts';
import { paintFor } from '../text/paint.ts';
import { toYaml } from '../text/yaml.ts';

/** Exit codes of commands that look: all is well, something is wrong, it could not be found out. */
const WELL = 0;
const WRONG = 1;

/** Clears a terminal and its scrollback, and goes to the upper left corner. */
const CLEAR = '\u001B[H\u001B[2J\u001B[3J';

/**
 * `eni-agent status`: reads the cluster once (or again and again), prints one view of it and changes nothing.
 * 0 when all is well, 1 when something is wrong.
 * @throws {Error} when the API server cannot be reached or refuses.
 */
export async function runStatus(options: OptionsOf<'status'>, stop: AbortSignal): Promise<number> {
  const { kubeconfig, context } = options;
  const clock = systemClock();
  const connection = await loadConnection({ kubeconfig, context, env: process.env });
  const client = createKubeClient({ connection, clock });
  const look = () => lookAtCluster(client, connection.server, options, stop);
  try {
    let status = await look();
    print(status, options);
    while (options.watch && !stop.aborted) {
      await sleep(options.intervalMs, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) break;
      // Ctrl-C in the middle of a look ends the watch as it does between two.
      const next = await look().catch((error: unknown) => {
        if (!stop.aborted) throw error;
      });
      if (next === undefined || stop.aborted) break;
      status = next;
      print(status, options);
    }
    return status.summary.healthy ? WELL : WRONG;
  } finally {
    await client.close();
  }
}

function print(status: ClusterStatus, { view, output, watch }: OptionsOf<'status'>): void {
  const { stdout } = process;
  if (output === 'json') return void stdout.write(`${JSON.stringify(status, undefined, watch ? 0 : 2)}\n`);
  if (output === 'yaml') return void stdout.write(`${watch ? '---\n' : ''}${toYaml(status)}`);
  const columns = stdout.isTTY && output !== 'wide' ? stdout.columns : undefined;
  const text = renderStatus(status, view, { columns, wide: output === 'wide', paint: paintFor(stdout, process.env) });
  stdout.write(watch && stdout.isTTY ? `${CLEAR}${text}` : text);
  for (const note of besideView(status, view)) process.stderr.write(`eni-agent status: ${note}\n`);
}
