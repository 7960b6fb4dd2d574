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

      const calls = cloud.mutations(began);
      const refused = refusalsInARow(calls);
      const worst = Object.fromEntries([...refused].map(([contest, run]) => [contest, run.length]));
      console.log(`update: ${calls.length} mutating calls; refused in a row: ${JSON.stringify(worst)}`);
      const tooMany = [...refused].filter(([contest, run]) => run.length > mostRefusals(contest));
      expect(tooMany.map(([contest, run]) => [contest, ...run.map(shown)].join('\n')).join('\n\n')).toBe('');
      expect(await cluster.warnings(began)).toEqual([]);
    });
  });
}

/**
 * One refused call per contested address, also when the agent is replaced between that call and the takeover. EC2 moves an IPv6 address
 * in two calls, and may refuse the second one once more while it still sees the address on the ENI that it has just left.
 */
function mostRefusals(contest: string): number {
  return contest.includes(':') ? 2 : 1;
}

/**
 * The longest run of calls of one ENI that EC2 refused because of one address, by `ENI ADDRESS`, until a call for it was done: an address
 * that a later pod gets is contested once more. EC2's text names the addresses that it refuses a call for.
 */
function refusalsInARow(calls: readonly CallRecord[]): Map<string, CallRecord[]> {
  const longest = new Map<string, CallRecord[]>();
  const running = new Map<string, CallRecord[]>();
  for (const call of calls) {
    for (const address of addressesOf(call)) {
      const contest = `${call.params['NetworkInterfaceId']} ${address}`;
      const before = running.get(contest) ?? [];
      const run = call.outcome === 'ok' ? [] : names(call, address) ? [...before, call] : before;
      running.set(contest, run);
      if (run.length > (longest.get(contest)?.length ?? 0)) longest.set(contest, run);
    }
  }
  return longest;
}

function addressesOf({ params }: CallRecord): string[] {
  return Object.entries(params).flatMap(([name, value]) =>
    /^(?:PrivateIpAddress|Ipv6Addresses)\b/.test(name) ? [value] : [],
  );
}

/** Whole addresses only: 10.10.1.15 is a part of 10.10.1.150. */
function names({ message = '' }: CallRecord, address: string): boolean {
  return message.split(/[\s,[\]]+/).includes(address);
}

/** For the failure's message: when, what, by whom, and how it ended. */
function shown(call: CallRecord): string {
  const time = (at: number | undefined) => (at === undefined ? '-' : new Date(at).toISOString().slice(11, 23));
  const force = call.params['AllowReassignment'] === 'true' ? ' by force' : '';
  const { action, outcome, message = '', userAgent = 'nobody' } = call;
  return `  ${time(call.at)}-${time(call.answeredAt)} ${action}${force} ${addressesOf(call).join(', ')}: ${outcome} ${message} (${userAgent})`;
}
