import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeResults } from '../../sim/host/cni-result.ts';
import type { Row } from '../measurement.ts';
import { createPod } from '../rig/cluster.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, withRig } from '../rig/rig.ts';

/**
 * From just before CNI's result is written until AssignPrivateIpAddresses reaches EC2. On a real node the kernel's event comes 10–60 ms
 * before the file, and the call with it (row cni-add-to-assign). This row is about the file alone: there is no network-status, and the
 * agent does not look into namespaces.
 */
export const cacheToAssign: Row = {
  name: 'cache-to-assign',
  run: ({ quick }) =>
    withRig({ enis: 6, flags: ['--observe=cni'] }, async (rig) => {
      await rig.agent.start(AbortSignal.timeout(20_000));
      const samples: number[] = [];
      for (let index = -10; index < (quick ? 40 : 200); index += 1) {
        const name = `cached-${index + 10}`;
        const { address, eni } = rig.nextAddress();
        const uid = await createPod(rig.cluster, { name, node: NODE });
        await sleep(20 + 30 * Math.random());
        const containerId = randomBytes(32).toString('hex');
        const interfaces = [{ ifName: 'net1', mac: eni.mac }];
        const sandbox = { node: rig.node, netns: join(rig.node.netnsDir, name), containerId, interfaces };
        const networks = [{ ifName: 'net1', master: eni.link, ips: [`${address}/24`] }];
        const arrived = rig.cloud.assignmentOf(address);
        const writtenAt = preciseNow();
        await writeResults({ namespace: 'default', name, uid, networks }, sandbox);
        const took = (await arrived).at - writtenAt;
        if (index >= 0) samples.push(took);
        await sleep(20 + 30 * Math.random());
      }
      const title = 'CNI cache file → AssignPrivateIpAddresses';
      return [{ name: 'cache-to-assign', title, unit: 'ms', samples, bar: { p50: 8 }, server: rig.cluster.label }];
    }),
};
