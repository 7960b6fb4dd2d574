import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement, Row } from '../measurement.ts';
import { createPod, writeNetworkStatus } from '../rig/cluster.ts';
import { preciseNow } from '../rig/precise-now.ts';
import { NODE, type Rig, withRig } from '../rig/rig.ts';

const ROUTE_TABLES = 10;
/** What EC2 takes for a call while all tables are written, ms. */
const ROUND_TRIP_MS = 50;

/** From starting `ip addr add` inside a running pod until AssignPrivateIpAddresses, or for a routed address ReplaceRoute, reaches EC2. */
export const floatingToAssign: Row = {
  name: 'floating-to-assign',
  run: ({ quick }) =>
    // Nothing is released meanwhile: that would be measured, too.
    withRig({ enis: 6, flags: ['--release=never'] }, async (rig) => {
      if (rig.noNamespaces !== undefined) return [{ name: 'floating-to-assign', skipped: rig.noNamespaces }];
      await rig.agent.start(AbortSignal.timeout(20_000));
      const { address: own, eni } = rig.nextAddress();
      const annotations = {
        'eni-agent.io/floating-ips': '*',
        'eni-agent.io/routed-ips': '10.99.0.0/16',
        'eni-agent.io/route-tables': 'tag:bench',
      };
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
        changeAddress('add', pod.netns, `${address}/24`, ifName);
        const took = (await arrived).at - startedAt;
        if (index >= 0) samples.push(took);
        await sleep(40 + 30 * Math.random());
      }
      const title = '`ip addr add` in a pod → AssignPrivateIpAddresses';
      const bar = { p50: 16, p99: 45 };
      const floating = {
        name: 'floating-to-assign',
        title,
        unit: 'ms',
        samples,
        bar,
        server: rig.cluster.label,
      } as const;
      return [floating, ...(await routes(rig, pod.netns, quick))];
    }),
};

function changeAddress(verb: 'add' | 'del', netns: string, address: string, ifName: string): void {
  spawn('nsenter', [`--net=${netns}`, 'ip', 'addr', verb, address, 'dev', ifName], { stdio: 'ignore' });
}

/** New routed addresses: until the first table's ReplaceRoute, and until EC2 has answered the last of all tables (there was no route: two calls for each). */
async function routes(rig: Rig, netns: string, quick: boolean): Promise<Measurement[]> {
  const { cloud, cluster } = rig;
  await cloud.knobs({ routeQuota: 1_000 });
  const first: number[] = [];
  const all: number[] = [];
  for (let index = -3; index < (quick ? 20 : 100); index += 1) {
    if (index === 0) await cloud.latency(ROUND_TRIP_MS);
    const address = `10.99.0.${100 + index}`;
    const of = (action: string) => (call: (typeof cloud.calls)[number]) =>
      call.action === action && call.params['DestinationCidrBlock'] === `${address}/32`;
    const replaced = cloud.next(`a route to ${address}`, of('ReplaceRoute'));
    const created = new Set<string>();
    const last = cloud.next(`all routes to ${address}`, (call) => {
      if (of('CreateRoute')(call)) created.add(call.params['RouteTableId'] ?? '');
      return created.size === ROUTE_TABLES;
    });
    const startedAt = preciseNow();
    changeAddress('add', netns, `${address}/32`, 'net1');
    const [start, end] = await Promise.all([replaced, last]);
    if (index >= 0) {
      first.push(start.at - startedAt);
      all.push(end.at - start.at + ROUND_TRIP_MS);
    }
    // A pod has few of them: each further one takes part in every plan.
    changeAddress('del', netns, `${address}/32`, 'net1');
    await sleep(40 + 30 * Math.random());
  }
  const server = cluster.label;
  return [
    {
      name: 'routed-to-replace',
      title: '`ip addr add` in a pod → first ReplaceRoute',
      unit: 'ms',
      samples: first,
      bar: { p50: 16 },
      server,
    },
    {
      name: 'routed-all',
      title: `… → ten route tables written, EC2 at ${ROUND_TRIP_MS} ms`,
      unit: 'ms',
      samples: all,
      bar: { p50: 3 * ROUND_TRIP_MS },
      server,
    },
  ];
}
