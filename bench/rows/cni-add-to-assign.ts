import { setTimeout as sleep } from 'node:timers/promises';
import { pace } from '../../sim/host/cni-pace.ts';
import type { Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { NODE, withRig } from '../rig/rig.ts';

/**
 * A whole CNI ADD as on a real node: kernel event, 10–60 ms, cache file, 5–50 ms, network-status. From just before the address is in the
 * kernel until AssignPrivateIpAddresses reaches EC2. The agent has not seen the namespace before, and must find and read it.
 */
export const cniAddToAssign: Row = {
  name: 'cni-add-to-assign',
  run: ({ quick }) =>
    withRig({ enis: 6 }, async (rig) => {
      if (rig.noNamespaces !== undefined) return [{ name: 'cni-add-to-assign', skipped: rig.noNamespaces }];
      await rig.agent.start(AbortSignal.timeout(20_000));
      const samples: number[] = [];
      for (let index = -5; index < (quick ? 20 : 100); index += 1) {
        const name = `added-${index + 5}`;
        const { address, eni } = rig.nextAddress();
        const annotations = { 'k8s.v1.cni.cncf.io/networks': 'default/multus' };
        const uid = await createPod(rig.cluster, { name, node: NODE, annotations });
        await sleep(20 + 30 * Math.random());
        const arrived = rig.cloud.assignmentOf(address);
        const networks = [{ ifName: 'net1', master: eni.link, ips: [`${address}/24`] }];
        const pod = await rig.host.createPod(rig.node, { namespace: 'default', name, uid, networks });
        await pace('cache to status');
        const mac = pod.interfaces.find(({ ifName }) => ifName === 'net1')?.mac ?? '';
        await writeNetworkStatus(rig.cluster, name, [{ ifName: 'net1', ips: [address], mac }]);
        const took = (await arrived).at - pod.seenAt;
        if (index >= 0) samples.push(took);
        await sleep(20 + 30 * Math.random());
      }
      const title = 'CNI ADD: address in the kernel → AssignPrivateIpAddresses (file 10–60 ms later)';
      return [{ name: 'cni-add-to-assign', title, unit: 'ms', samples, server: rig.cluster.label }];
    }),
};
