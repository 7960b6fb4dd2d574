import { afterAll, describe, expect, it } from 'vitest';
import type { CallRecord } from '../../../sim/ec2/endpoint.ts';
import { EC2_MS, type RealNodes } from '../rig.ts';
import { addressesOf } from '../rig-headroom.ts';
import { conditionOf, eventually } from '../rig-kube.ts';
import { NAMESPACE, network, networks, pod } from '../rig-pods.ts';
import type { NodeId } from '../rig-scripts.ts';
import { heldAddresses } from '../rig-truth.ts';

const ROUNDS = 6;

/** Three round trips and 50 ms, from the first call for the address to EC2's last answer. */
const OURS_MS = 50;
const CONTESTED_MS = 3 * EC2_MS + OURS_MS;

/** A secondary address of node a's primary ENI, which the VPC CNI manages. */
const OF_THE_VPC_CNI = '10.10.12.138';

/** whereabouts hands out the lowest free address, to whichever node asks next: long before its last user's cool-down is over. */
export function reuse(rig: () => RealNodes): void {
  describe('an address that a pod on the other node has just left', () => {
    const nameOf = (node: NodeId) => rig().scripts.world.nodes.find(({ id }) => id === node)?.name ?? '';

    afterAll(async () => {
      await rig().cluster.kubectl('-n', NAMESPACE, 'delete', '--ignore-not-found', 'pod', 'trespasser');
    });

    it('is taken over at once, with one refused call at most, and without a warning', async () => {
      const began = Date.now();
      await rig().cluster.apply(networks());
      const contested: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const mark = Date.now();
        const name = `reused-${round}`;
        const node = round % 2 === 0 ? 'a' : 'b';
        const before = rig().cloud.secondaries();
        await rig().cluster.apply([pod(name, { networks: 'red', nodeName: nameOf(node), gated: true })]);
        const [ready] = await rig().ready(NAMESPACE, `app=${name}`, 1, 30);
        const [address = ''] = ready === undefined ? [] : addressesOf(ready);
        const calls = rig()
          .cloud.mutations(mark)
          .filter(({ params }) => Object.values(params).includes(address));
        const outcomes = calls.map(({ outcome }) => (outcome === 'ok' ? 'ok' : 'refused'));
        // On this node's ENI still, free by now, or on the other's.
        expect([[], ['ok'], ['refused', 'ok']]).toContainEqual(outcomes);
        const [first] = calls;
        const holder = before.get(address)?.node;
        if (first !== undefined && holder !== undefined && holder !== node) contested.push(tookOf(first, calls.at(-1)));
        await rig().cluster.kubectl('-n', NAMESPACE, 'delete', 'pod', name);
        // The object goes before CNI DEL: only then is the address the lowest free one again.
        await eventually(`${address} is free again`, 30, async () => {
          const held = await heldAddresses(rig().scripts, [node]);
          return held.some((each) => each.address === address) ? undefined : true;
        });
      }

      rig().report.add('address reused across nodes: first call → EC2 has answered', contested, { p50: CONTESTED_MS });
      expect(contested.length).toBeGreaterThan(0);
      expect(await rig().cluster.warnings(began)).toEqual([]);
    });

    it('is never taken from the VPC CNI: the pod says who holds it', async () => {
      const ipam = { range: '10.10.12.0/24', range_start: OF_THE_VPC_CNI, range_end: OF_THE_VPC_CNI };
      await rig().cluster.apply([network('primary', 'eth0', ipam)]);
      await rig().cluster.apply([pod('trespasser', { networks: 'primary', nodeName: nameOf('b') })]);
      const condition = await eventually('the pod says why', 30, async () => {
        const told = conditionOf(await rig().cluster.pod(NAMESPACE, 'trespasser'), 'eni-agent.io/AddressesAssigned');
        return told?.status === 'False' && told.reason !== 'Pending' ? told : undefined;
      });

      expect(condition).toMatchObject({
        reason: 'ProtectedInterface',
        message: expect.stringContaining(OF_THE_VPC_CNI),
      });
      const described = await rig().cluster.kubectl('-n', NAMESPACE, 'describe', 'pod', 'trespasser');
      expect(described).toMatch(new RegExp(`Warning +AddressRefused .*${OF_THE_VPC_CNI}`));
      const { addresses } = rig().cloud.cloud.state.requireInterface(rig().cloud.eni('a', 'eth0').id);
      expect(addresses.map(({ ip }) => String(ip))).toContain(OF_THE_VPC_CNI);
    });
  });
}

/** From the first call for an address until EC2 has answered the one that did it, ms. */
function tookOf(first: CallRecord, taken: CallRecord | undefined): number {
  return (taken?.answeredAt ?? Number.NaN) - first.at;
}
