import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement, Row } from '../measurement.ts';
import { createPod, removePod, writeNetworkStatus } from '../rig/cluster.ts';
import { type Memory, memoryOf } from '../rig/memory.ts';
import { NODE, type Rig, withRig } from '../rig/rig.ts';

/**
 * Memory of the agent with 0, 110 and 250 pods, each after some quiet seconds, then after churn in which pods come and go many times
 * over: the last two thirds of the churn must not cost more than the first. Needs a machine at rest: where others take the CPU, V8 gives
 * nothing back (104 MB anonymous instead of 40 with 250 pods). Quick: only what has a ceiling.
 */
export const memory: Row = {
  name: 'memory',
  run: ({ quick }) =>
    withRig({ enis: 6, flags: ['--release-delay=1s'] }, async (rig) => {
      // V8 gives memory back about half a minute after the last activity.
      const settle = (quick ? 35 : 60) * 1_000;
      const measured: Measurement[] = [];
      const record = (name: string, title: string, bar?: { rss: number; anonymous: number }) => {
        const { rssMb, anonymousMb } = residentOf(rig);
        const shared = { unit: 'MB', server: rig.cluster.label } as const;
        measured.push(
          { ...shared, name, title: `resident ${title}`, samples: [rssMb], ...(bar && { bar: { max: bar.rss } }) },
          {
            ...shared,
            name: `${name}-anonymous`,
            title: `… of it anonymous`,
            samples: [anonymousMb],
            ...(bar && { bar: { max: bar.anonymous } }),
          },
        );
        return { rssMb, anonymousMb };
      };
      await rig.agent.start(AbortSignal.timeout(20_000));
      if (!quick) {
        await sleep(settle);
        record('memory/0', 'without pods');
      }
      await grow(rig, 0, 110);
      await sleep(settle);
      record('memory/110', 'with 110 pods', { rss: 90, anonymous: 35 });
      await grow(rig, 110, 250);
      if (!quick) {
        await sleep(settle);
        record('memory/250', 'with 250 pods');
      }
      const replacements = quick ? 450 : 1_500;
      await churn(rig, 0, replacements / 3);
      await sleep(settle);
      const early = record('memory/churned', `after ${replacements / 3} pods were replaced`);
      await churn(rig, replacements / 3, replacements);
      await sleep(settle);
      const late = record('memory/churned-more', `after ${replacements} pods were replaced`);
      measured.push({
        name: 'memory/churn',
        title: `more anonymous memory after ${replacements} replacements than after ${replacements / 3}`,
        unit: 'MB',
        samples: [late.anonymousMb - early.anonymousMb],
        bar: { max: 3 },
        server: rig.cluster.label,
      });
      return measured;
    }),
};

function residentOf({ agent }: Rig): Memory {
  if (agent.pid === undefined) throw new Error(`the agent has ended; see ${agent.logFile}`);
  return memoryOf(agent.pid);
}

/** Pods `from` to `to`, each with an address of its own, until EC2 has been asked for all. */
async function grow(rig: Rig, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1) {
    const { address, eni } = rig.nextAddress();
    await place(rig, `pod-${index}`, { address, mac: eni.mac });
  }
}

/** One pod of the 250 goes and another comes with its address, as IPAM hands it out again. */
async function churn(rig: Rig, from: number, to: number): Promise<void> {
  const { enis } = rig;
  for (let round = from; round < to; round += 1) {
    const index = round % 250;
    const eni = enis[index % enis.length];
    const name = round < 250 ? `pod-${index}` : `pod-${index}-${Math.floor(round / 250)}`;
    const next = `pod-${index}-${Math.floor(round / 250) + 1}`;
    const address = eni?.subnet.cidr.replace(/\.0\/.*$/, `.${10 + Math.floor(index / enis.length)}`) ?? '';
    await removePod(rig.cluster, name);
    await createPod(rig.cluster, { name: next, node: NODE });
    await writeNetworkStatus(rig.cluster, next, [{ ifName: 'net1', ips: [address], mac: eni?.mac ?? '' }]);
    await sleep(20);
  }
}

async function place(rig: Rig, name: string, { address, mac }: { address: string; mac: string }): Promise<void> {
  const arrived = rig.cloud.assignmentOf(address);
  await createPod(rig.cluster, { name, node: NODE });
  await writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac }]);
  await arrived;
}
