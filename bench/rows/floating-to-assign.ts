import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, withRig } from '../rig/rig.ts';

/** From starting `ip addr add` inside a running pod until AssignPrivateIpAddresses reaches EC2. */
export const floatingToAssign: Row = {
  name: 'floating-to-assign',
  run: ({ quick }) =>
    withRig({ enis: 6 }, async (rig) => {
      if (rig.noNamespaces !== undefined) return [{ name: 'floating-to-assign', skipped: rig.noNamespaces }];
      await rig.agent.start(AbortSignal.timeout(20_000));
      const { address: own, eni } = rig.nextAddress();
      const annotations = { 'eni-agent.io/floating-ips': '*' };
      const uid = await createPod(rig.cluster, { name: 'floating', node: NODE, annotations });
      const networks = rig.enis.map(({ link }, index) => ({
        ifName: `net${index + 1}`,
        master: link,
        ips: link === eni.link ? [`${own}/24`] : [],
      }));
      const assigned = rig.cloud.assignmentOf(own);
      const pod = await rig.host.createPod(rig.node, { namespace: 'default', name: 'floating', uid, networks });
      await writeNetworkStatus(rig.cluster, 'floating', [
        { ifName: 'net1', ips: [own], mac: pod.interfaces[0]?.mac ?? '' },
      ]);
      await assigned;
      await sleep(1_000);
      const samples: number[] = [];
      for (let index = -10; index < (quick ? 40 : 200); index += 1) {
        const { address, eni: under } = rig.nextAddress();
        const ifName = networks.find(({ master }) => master === under.link)?.ifName ?? '';
        const arrived = rig.cloud.assignmentOf(address);
        const startedAt = preciseNow();
        spawn('nsenter', [`--net=${pod.netns}`, 'ip', 'addr', 'add', `${address}/24`, 'dev', ifName], {
          stdio: 'ignore',
        });
        const took = (await arrived).at - startedAt;
        if (index >= 0) samples.push(took);
        await sleep(40 + 30 * Math.random());
      }
      const title = '`ip addr add` in a pod → AssignPrivateIpAddresses';
      const bar = { p50: 16, p99: 45 };
      return [{ name: 'floating-to-assign', title, unit: 'ms', samples, bar, server: rig.cluster.label }];
    }),
};
