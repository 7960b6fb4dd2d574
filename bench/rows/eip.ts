import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../measurement.ts';
import { createPod, writeRunning } from '../rig/cluster.ts';
import { watchLabel } from '../rig/label-watch.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, type Rig, withRig } from '../rig/rig.ts';

const ANNOTATIONS = { 'aws-samples.github.com/aws-pod-eip-controller-type': 'auto' };
const LABEL = 'aws-pod-eip-controller-public-ip';
const AT_ONCE = 40;

type PublicPod = ReturnType<Rig['nextAddress']> & { readonly name: string };

/**
 * From the write that gives a pod its IP until AssociateAddress reaches EC2, and until the public IP stands in a label; EC2 at 50 ms.
 * The pods were created some time before, as a CNI needs it, and their addresses are on the node's ENIs already.
 */
export const eip: Row = {
  name: 'eip',
  run: ({ quick }) =>
    withRig({ enis: 3, flags: ['--cluster-name=bench'] }, async (rig) => {
      const { cloud, cluster } = rig;
      const count = quick ? 10 : 40;
      const pods = Array.from({ length: count + AT_ONCE }, (_, index) => ({
        name: `public-${index}`,
        ...rig.nextAddress(),
      }));
      await cloud.knobs({ elasticIpQuota: pods.length });
      for (const { address, eni } of pods) await cloud.preassign(eni.id, address);
      await cloud.latency(50);
      const labels = await watchLabel(cluster, LABEL);
      await rig.agent.start(AbortSignal.timeout(20_000));
      const [associateMs, labelMs, calls]: [number[], number[], number[]] = [[], [], []];
      for (const pod of pods.slice(0, count)) {
        const before = cloud.mutations().length;
        await announce(rig, pod);
        await sleep(500);
        const associated = cloud.next(`associating ${pod.address}`, ({ action, params }) => {
          return action === 'AssociateAddress' && Object.values(params).includes(pod.address);
        });
        const ranAt = preciseNow();
        await writeRunning(cluster, pod.name, pod.address);
        associateMs.push((await associated).at - ranAt);
        labelMs.push((await labels.seen(pod.name)) - ranAt);
        calls.push(cloud.mutations().length - before);
      }
      const fortyMs = await together(rig, pods.slice(count), (pod) => labels.seen(pod));
      await labels.close();
      const shared = { server: cluster.label };
      const ms = { ...shared, unit: 'ms' } as const;
      const perPod = { ...shared, unit: 'calls', samples: calls, bar: { max: 2 } } as const;
      return [
        {
          ...ms,
          name: 'eip/associate',
          title: 'pod has its IP → AssociateAddress',
          samples: associateMs,
          bar: { p50: 18 },
        },
        { ...ms, name: 'eip/label', title: 'pod has its IP → label', samples: labelMs, bar: { p50: 90 } },
        { ...perPod, name: 'eip/calls', title: 'mutating calls per EIP' },
        { ...ms, name: 'eip/forty', title: `${AT_ONCE} at once → last label`, samples: [fortyMs], bar: { max: 1_000 } },
      ];
    }),
};

/** 40 pods at once: their IPs come a second after their creation, as when a node is filled. */
async function together(rig: Rig, pods: readonly PublicPod[], seen: (pod: string) => Promise<number>): Promise<number> {
  await Promise.all(pods.map((pod) => announce(rig, pod)));
  await sleep(1_000);
  const began = preciseNow();
  await Promise.all(pods.map(({ name, address }) => writeRunning(rig.cluster, name, address)));
  return Math.max(...(await Promise.all(pods.map(({ name }) => seen(name))))) - began;
}

async function announce(rig: Rig, { name }: PublicPod): Promise<void> {
  await createPod(rig.cluster, { name, node: NODE, annotations: ANNOTATIONS });
}
