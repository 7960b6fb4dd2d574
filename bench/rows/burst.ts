import type { Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { NODE, withRig } from '../rig/rig.ts';

const PODS = 110;

/** Mutating calls for 110 pods that arrive at once on three ENIs, EC2 at 50 ms. */
export const burst: Row = {
  name: 'burst',
  run: async ({ quick }) => {
    const calls: number[] = [];
    const tookMs: number[] = [];
    let server = '';
    for (let round = 0; round < (quick ? 1 : 5); round += 1) {
      await withRig({ enis: 3 }, async (rig) => {
        server = rig.cluster.label;
        await rig.cloud.latency(50);
        await rig.agent.start(AbortSignal.timeout(20_000));
        const pods = Array.from({ length: PODS }, (_, index) => ({ name: `burst-${index}`, ...rig.nextAddress() }));
        await Promise.all(pods.map(({ name }) => createPod(rig.cluster, { name, node: NODE })));
        const all = Promise.all(pods.map(({ address }) => rig.cloud.assignmentOf(address)));
        const began = performance.now();
        await Promise.all(
          pods.map(({ name, address, eni }) =>
            writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac: eni.mac }]),
          ),
        );
        await all;
        tookMs.push(performance.now() - began);
        calls.push(rig.cloud.mutations().length);
      });
    }
    return [
      {
        name: 'burst',
        title: '110 pods at once, three ENIs: mutating calls',
        unit: 'calls',
        samples: calls,
        bar: { max: 9 },
        server,
      },
      {
        name: 'burst/time',
        title: '110 pods at once: first PATCH → last call leaves',
        unit: 'ms',
        samples: tookMs,
        server,
      },
    ];
  },
};
