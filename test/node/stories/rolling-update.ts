import { afterAll, describe, expect, it } from 'vitest';
import { statistic } from '../../../bench/measurement.ts';
import type { CallRecord } from '../../../sim/ec2/endpoint.ts';
import { type RealNodes, SYSTEM } from '../rig.ts';
import { cacheToCall, headrooms } from '../rig-headroom.ts';
import { deployment, NAMESPACE, networks } from '../rig-pods.ts';

const PODS = 20;

/** Twenty pods with three addresses each, all replaced while the agents are, too. */
export function rollingUpdate(rig: () => RealNodes): void {
  describe('a Deployment of twenty pods with three addresses each', () => {
    // That its addresses are given back is seen at the end of a later story: a release takes half a minute.
    afterAll(async () => {
      await rig().cluster.kubectl('-n', NAMESPACE, 'delete', '--ignore-not-found', 'deployment', 'many');
    });

    it('has every address in EC2 before the first process of its pod starts', async () => {
      await rig().cluster.apply(networks());
      await rig().cluster.apply([deployment('many', PODS, { networks: 'red, blue' })]);
      const pods = await rig().ready(NAMESPACE, 'app=many', PODS, 120);
      await rig().agreement(30);
      const early = (await headrooms(rig().scripts, rig().cloud, pods)).map(({ ms }) => ms);

      rig().report.add('EC2 has answered for a pod’s last address → its first process', early);
      rig().report.add(
        'CNI cache file → AssignPrivateIpAddresses has left',
        await cacheToCall(rig().scripts, rig().cloud),
      );
      expect(early).toHaveLength(PODS);
      expect(Math.min(...early)).toBeGreaterThanOrEqual(0);
      expect(statistic(early, 'p50')).toBeGreaterThanOrEqual(100);
    });

    it('is updated pod by pod while the agents restart, and no address is wrong, lost or refused falsely', async () => {
      const began = Date.now();
      const { cluster, cloud } = rig();
      await cluster.kubectl('-n', NAMESPACE, 'rollout', 'restart', 'deployment/many');
      await cluster.kubectl('-n', SYSTEM, 'rollout', 'restart', 'daemonset/eni-agent');
      await cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', 'deployment/many', '--timeout=180s');
      await rig().ready(NAMESPACE, 'app=many', PODS, 60);
      await rig().agents();
      await rig().agreement(60);

      const refused = refusalsInARow(cloud.mutations(began));
      const calls = cloud.mutations(began).length;
      console.log(
        `update: ${calls} mutating calls; refused in a row, by address: ${JSON.stringify(Object.fromEntries(refused))}`,
      );
      expect([...refused].filter(([address, inARow]) => inARow > mostRefusals(address))).toEqual([]);
      expect(await cluster.warnings(began)).toEqual([]);
    });
  });
}

/**
 * One refused call per contested address. EC2 moves an IPv6 address in two calls, and may refuse the second one once more while it
 * still sees the address on the ENI that it has just left.
 */
function mostRefusals(address: string): number {
  return address.includes(':') ? 2 : 1;
}

/**
 * How often, at most, calls of one ENI for an address were refused before one was done: an address that a later pod gets is contested once
 * more. A call with several addresses was refused for the ones that were elsewhere.
 */
function refusalsInARow(calls: readonly CallRecord[]): Map<string, number> {
  const most = new Map<string, number>();
  const running = new Map<string, number>();
  for (const { params, outcome } of calls) {
    for (const [name, address] of Object.entries(params)) {
      if (!/^(?:PrivateIpAddress|Ipv6Addresses)\b/.test(name)) continue;
      const contest = `${params['NetworkInterfaceId']} ${address}`;
      const count = outcome === 'ok' ? 0 : (running.get(contest) ?? 0) + 1;
      running.set(contest, count);
      if (count > (most.get(address) ?? 0)) most.set(address, count);
    }
  }
  return most;
}
