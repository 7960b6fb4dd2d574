import type { Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, withRig } from '../rig/rig.ts';

/** From starting the process until AssignPrivateIpAddresses reaches EC2, for a pod that is there already. */
export const start: Row = {
  name: 'start',
  run: ({ quick }) =>
    withRig({}, async (rig) => {
      const samples: number[] = [];
      for (let round = 0; round < (quick ? 3 : 15); round += 1) {
        const { address, eni } = rig.nextAddress();
        const name = `early-${round}`;
        await createPod(rig.cluster, { name, node: NODE });
        await writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac: eni.mac }]);
        const arrived = rig.cloud.assignmentOf(address);
        const startedAt = preciseNow();
        const ready = rig.agent.start(AbortSignal.timeout(20_000));
        samples.push((await arrived).at - startedAt);
        await ready;
        await rig.agent.end('SIGTERM');
      }
      const title = 'start of the process → first AssignPrivateIpAddresses';
      return [{ name: 'start', title, unit: 'ms', samples, bar: { p50: 600 }, server: rig.cluster.label }];
    }),
};
