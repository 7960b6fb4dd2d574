import type { NodeOptions } from '../../lib/config/options.ts';
import { followHints, openNodeAws } from '../node/aws.ts';
import { openNodeCluster } from '../node/cluster.ts';
import { openNodeFrame } from '../node/frame.ts';
import { openNodeHost } from '../node/host.ts';
import { openNodeLoops } from '../node/loops.ts';
import { serveState, showState } from '../node/state.ts';
import { keepNodeLinks } from '../node-links/open.ts';

/** `eni-agent node`: the composition root of the node agent. Everything is made here, in the order in which it is needed, and nothing is decided here. */
export async function runNode(options: NodeOptions, stop: AbortSignal): Promise<number> {
  const frame = openNodeFrame(options, stop);
  const { log } = frame.process;
  // First of all, so that a probe is answered, and with the reason, however long the rest takes.
  const snapshot = await serveState(frame, options);

  // Sources start before EC2 is known, so that they are ready when it is.
  const cluster = await openNodeCluster(frame, options);
  const host = openNodeHost(frame, options);
  const { identity, ...aws } = await openNodeAws(frame, cluster.client, options.nodeName);
  const { observe, takeover, release, dryRun } = options;
  log.info('serving node', { ...identity, observe, takeover, release, dryRun });

  const loops = openNodeLoops({ ...frame, options }, { cluster, host, aws });
  const { addresses } = loops;
  showState(frame, snapshot, { identity, loops, rateLimit: aws.rateLimit });
  followHints(frame, aws, { addresses, intervalMs: options.imdsResyncMs });
  if (!dryRun) keepNodeLinks(frame, cluster, { addresses, nodeName: options.nodeName });

  await loops.run();
  log.info('stopping: what was in flight has ended; the addresses stay');
  await frame.end();
  await cluster.ownNode.close();
  await cluster.client.close();
  return 0;
}
