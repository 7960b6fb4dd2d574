import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { type CountingProxy, openCountingProxy } from '../rig/counting-proxy.ts';
import { NODE, withRig } from '../rig/rig.ts';

/** What a node with ten pods asks of the API server while nothing happens, in real time. */
export const idleApi: Row = {
  name: 'idle-api',
  beside: true,
  run: async ({ quick }) => {
    const seconds = quick ? 20 : 120;
    let proxy: CountingProxy | undefined;
    const kubeconfig = async (cluster: Parameters<typeof openCountingProxy>[0]) => {
      proxy = await openCountingProxy(cluster);
      return proxy.kubeconfigPath;
    };
    return withRig({ kubeconfig }, async (rig) => {
      if (proxy === undefined) throw new Error('the rig asks for a kubeconfig before anything else');
      await rig.agent.start(AbortSignal.timeout(20_000));
      for (let index = 0; index < 10; index += 1) {
        const { address, eni } = rig.nextAddress();
        const arrived = rig.cloud.assignmentOf(address);
        await createPod(rig.cluster, { name: `quiet-${index}`, node: NODE });
        await writeNetworkStatus(rig.cluster, `quiet-${index}`, [{ ifName: 'net1', ips: [address], mac: eni.mac }]);
        await arrived;
      }
      await sleep(3_000);
      const before = proxy.requests.length;
      await sleep(seconds * 1_000);
      const during = proxy.requests.slice(before);
      const open = proxy.requests.filter((line) => line.includes('watch=')).length;
      await proxy.close();
      const server = rig.cluster.label;
      return [
        {
          name: 'idle-api/watches',
          title: 'watches that an agent opened since it started',
          unit: 'requests',
          samples: [open],
          bar: { max: 1 },
          server,
        },
        {
          name: 'idle-api/others',
          title: `requests of an idle node in ${seconds} s`,
          unit: 'requests',
          samples: [during.length],
          bar: { max: 0 },
          server,
        },
      ];
    });
  },
};
