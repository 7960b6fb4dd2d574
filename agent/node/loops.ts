import { openNodeAddresses } from './addresses.ts';
import { type NodeContext, serves } from './context.ts';
import { openNodeElasticIps } from './elastic-ips.ts';
import { openNodeFloatingIps } from './floating-ips.ts';
import { openNodeReports } from './reporting.ts';
import { openNodeRoutes } from './routes.ts';
import { openStateFiles } from './state-files.ts';
import type { NodeSurroundings } from './surroundings.ts';

export type NodeLoops = ReturnType<typeof openNodeLoops>;

/**
 * The four loops of a node's agent and what they report to. A loop reads only of those that were made before it; the others' changes
 * reach it by the bus.
 */
export function openNodeLoops(context: NodeContext, surroundings: NodeSurroundings) {
  const { bus, options, stop } = context;
  const { pods, client } = surroundings.cluster;
  const files = openStateFiles(context);
  const servedPods = () => Array.from(pods.items()).filter(({ namespace }) => serves(context, namespace));
  const reports = openNodeReports({ context, client, pods, servedPods });
  const addresses = openNodeAddresses(context, surroundings, { reports, ledger: files.ledger });
  const routed = openNodeRoutes(context, surroundings.aws, { addresses, reports });
  const eips = openNodeElasticIps(context, surroundings, {
    addresses,
    reports,
    servedPods,
    pendingAssociations: files.pendingAssociations,
  });
  const floating = openNodeFloatingIps(context, surroundings, { addresses, eips });
  bus.changed.subscribe(() => {
    for (const loop of [addresses, eips, floating]) loop.trigger();
  });
  bus.addresses.subscribe(() => {
    for (const loop of [routed, eips, floating]) loop.trigger();
  });
  bus.routedHolds.subscribe(() => routed.trigger());
  bus.nodeRoutes.subscribe(() => floating.trigger());
  return {
    addresses,
    reports,
    stateFiles: { ledger: files.ledger, 'elastic-ips': files.pendingAssociations, routes: routed.records },
    /** Works until the stop, and resolves when nothing is in flight any more and everything is reported. */
    async run(): Promise<void> {
      // A dry run must not compete: the Lease would keep others from serving.
      const floatingDone = options.dryRun ? Promise.resolve() : floating.run(stop);
      await addresses.run();
      await eips.idle();
      await routed.close();
      await floatingDone;
      await reports.drained();
      files.close();
    },
    /** Closes the files of a process that was killed. */
    abandon: () => files.close(),
  };
}
