import { afterAll, beforeAll, describe } from 'vitest';
import { RealNodes } from './rig.ts';
import { whyNoRealNodes } from './rig-scripts.ts';
import { busyNode } from './stories/busy-node.ts';
import { controllerObjects } from './stories/controller-objects.ts';
import { faults } from './stories/faults.ts';
import { floatingAddresses } from './stories/floating-addresses.ts';
import { floatingIpObjects } from './stories/floating-ip-objects.ts';
import { install } from './stories/install.ts';
import { nodeEnis } from './stories/node-enis.ts';
import { removal } from './stories/removal.ts';
import { reuse } from './stories/reuse.ts';
import { rollingUpdate } from './stories/rolling-update.ts';
import { samples, samplesGone } from './stories/samples.ts';

const why = whyNoRealNodes();
if (why !== undefined) console.warn(`real nodes skipped: ${why}`);

/** One cluster, one story after the other: each begins where the one before has ended, as in a user's cluster. */
describe.skipIf(why !== undefined)(`on two real nodes${why ? ` (skipped: ${why})` : ''}`, () => {
  let nodes: RealNodes | undefined;
  const rig = (): RealNodes => {
    if (nodes === undefined) throw new Error('the nodes did not start');
    return nodes;
  };
  beforeAll(async () => {
    nodes = await RealNodes.open(process.env['REAL_NODE_SCRIPTS'] ?? '');
  }, 600_000);
  afterAll(async () => {
    if (nodes !== undefined) console.log(`\n${nodes.report.toString()}\n`);
    await nodes?.[Symbol.asyncDispose]();
  }, 60_000);

  install(rig);
  rollingUpdate(rig);
  reuse(rig);
  floatingAddresses(rig);
  samples(rig);
  // Beside each other: neither touches what the other one looks at.
  controllerObjects(rig);
  nodeEnis(rig);
  samplesGone(rig);
  floatingIpObjects(rig);
  faults(rig);
  busyNode(rig);
  removal(rig);
});
