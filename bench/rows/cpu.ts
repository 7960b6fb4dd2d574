import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../measurement.ts';
import { createPod, removePod, writeNetworkStatus } from '../rig/cluster.ts';
import { cpuSecondsOf } from '../rig/memory.ts';
import { NODE, type Rig, withRig } from '../rig/rig.ts';

/** Share of one core with 50 pods: while nothing happens, and while ten pods a second are replaced. */
export const cpu: Row = {
  name: 'cpu',
  run: ({ quick }) =>
    withRig({ enis: 3, flags: ['--release-delay=1s'] }, async (rig) => {
      await rig.agent.start(AbortSignal.timeout(20_000));
      const pods = Array.from({ length: 50 }, (_, index) => ({ name: `pod-${index}`, ...rig.nextAddress() }));
      for (const pod of pods) await put(rig, pod.name, pod);
      await sleep(5_000);
      const idle = await share(rig, () => sleep((quick ? 10 : 60) * 1_000));
      const busy = await share(rig, async () => {
        const changes = quick ? 100 : 300;
        for (let index = 0; index < changes; index += 1) {
          const pod = pods[index % pods.length];
          if (pod === undefined) throw new Error('unreachable: the remainder is an index');
          const due = sleep(100);
          await removePod(rig.cluster, index < 50 ? pod.name : `${pod.name}-${index - 50}`);
          await put(rig, `${pod.name}-${index}`, pod);
          await due;
        }
      });
      const server = rig.cluster.label;
      return [
        { name: 'cpu/idle', title: 'CPU while nothing happens, of one core', unit: '%', samples: [idle], server },
        {
          name: 'cpu/changes',
          title: 'CPU at ten address changes a second, of one core',
          unit: '%',
          samples: [busy],
          server,
        },
      ];
    }),
};

async function put(rig: Rig, name: string, { address, eni }: ReturnType<Rig['nextAddress']>): Promise<void> {
  await createPod(rig.cluster, { name, node: NODE });
  await writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac: eni.mac }]);
}

/** CPU time that the agent uses during the work, in per cent of the time it takes. */
async function share({ agent }: Rig, work: () => Promise<void>): Promise<number> {
  const pid = agent.pid ?? 0;
  const [cpuBefore, began] = [cpuSecondsOf(pid), performance.now()];
  await work();
  return ((cpuSecondsOf(pid) - cpuBefore) / ((performance.now() - began) / 1_000)) * 100;
}
