import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, type Row } from '../measurement.ts';
import { createPod, removePod, writeNetworkStatus } from '../rig/cluster.ts';
import { withFloor } from '../rig/floor.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, type Rig, withRig } from '../rig/rig.ts';

/** From the PATCH that writes network-status until AssignPrivateIpAddresses reaches EC2; one pod after the other. */
export const podToAssign: Row = {
  name: 'pod-to-assign',
  run: ({ quick }) =>
    withRig({ enis: 6 }, async (rig) => {
      const [forFloor, forAgent] = quick ? [20, 40] : [60, 200];
      const floor = await withFloor(rig, () => latencies(rig, 'floor', forFloor));
      for (let index = 0; index < forFloor; index += 1) await removePod(rig.cluster, `floor-${index}`);
      await rig.agent.start(AbortSignal.timeout(20_000));
      await latencies(rig, 'warm-up', 10);
      const samples = await latencies(rig, 'pod', forAgent);
      return [
        {
          name: 'pod-to-assign',
          title: 'network-status PATCH → AssignPrivateIpAddresses',
          unit: 'ms',
          samples,
          bar: { p50: 16, p99: 45 },
          floor: quantile(floor, 0.5),
          server: rig.cluster.label,
        },
      ];
    }),
};

async function latencies(rig: Rig, prefix: string, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `${prefix}-${index}`;
    const { address, eni } = rig.nextAddress();
    await createPod(rig.cluster, { name, node: NODE });
    // CNI takes its time between the two; uneven, so that no timer of ours can be met by chance.
    await sleep(20 + 30 * Math.random());
    const arrived = rig.cloud.assignmentOf(address);
    const patchedAt = preciseNow();
    await writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac: eni.mac }]);
    samples.push((await arrived).at - patchedAt);
    await sleep(20 + 30 * Math.random());
  }
  return samples;
}
