import { afterAll, describe, expect, it } from 'vitest';
import type { RealNodes } from '../rig.ts';
import { conditionOf, eventually, isReady } from '../rig-kube.ts';
import { NAMESPACE, networks, pod } from '../rig-pods.ts';
import type { NodeId } from '../rig-scripts.ts';

export const VIP = '10.10.1.165';

/** A virtual address that two pods share moves to whichever added it last. */
export function floatingAddresses(rig: () => RealNodes): void {
  describe('a virtual address that two pods may hold', () => {
    const nameOf = (node: NodeId) => rig().scripts.world.nodes.find(({ id }) => id === node)?.name ?? '';
    const add = (name: string) => rig().cluster.exec(NAMESPACE, name, 'ip', 'addr', 'add', `${VIP}/32`, 'dev', 'net1');
    const remove = (name: string) =>
      rig().cluster.exec(NAMESPACE, name, 'ip', 'addr', 'del', `${VIP}/32`, 'dev', 'net1');
    const holder = () => rig().cloud.secondaries().get(VIP);
    const arrives = (node: NodeId) =>
      eventually(`${VIP} on ${node}`, 10, async () => (holder()?.node === node ? true : undefined));

    it('goes to the pod that adds it, and makes gated pods ready when it works', async () => {
      const declared = { 'eni-agent.io/floating-ips': VIP };
      const options = { networks: 'red', annotations: declared, gated: true };
      await rig().cluster.apply(networks());
      await rig().cluster.apply([
        pod('vip-a', { ...options, nodeName: nameOf('a') }),
        pod('vip-b', { ...options, nodeName: nameOf('b') }),
      ]);
      await rig().ready(NAMESPACE, 'app in (vip-a,vip-b)', 2);
      await add('vip-a');

      await arrives('a');
      expect(holder()?.device).toBe('eth1');
    });

    it.each(['b', 'a', 'b'] as const)(
      'moves to the node %s at once, with one refused call at most, and is not fought over',
      async (node) => {
        const other = node === 'a' ? 'b' : 'a';
        const began = Date.now();
        await add(`vip-${node}`);
        await arrives(node);
        await remove(`vip-${other}`);
        await eventually('both pods are ready again', 20, async () => {
          const pods = await rig().cluster.pods(NAMESPACE, 'app in (vip-a,vip-b)');
          return pods.every(
            (each) => isReady(each) && conditionOf(each, 'eni-agent.io/AddressesAssigned')?.status === 'True',
          )
            ? true
            : undefined;
        });

        const calls = rig()
          .cloud.mutations(began)
          .filter(({ params }) => Object.values(params).includes(VIP));
        // Refused where the node has not looked since the other one took it: it looks beside that call, and then takes it over.
        const outcomes = calls.map(({ action, outcome }) => `${action} ${outcome === 'ok' ? 'ok' : 'refused'}`);
        const [refused, taken] = ['AssignPrivateIpAddresses refused', 'AssignPrivateIpAddresses ok'];
        expect([[taken], [refused, taken]]).toContainEqual(outcomes);
        expect(holder()?.node).toBe(node);
      },
    );

    // That it is given back is seen when the samples run: a release takes half a minute, and their pods start meanwhile.
    afterAll(async () => {
      await rig().cluster.kubectl('-n', NAMESPACE, 'delete', '--ignore-not-found', 'pod', 'vip-a', 'vip-b');
    });
  });
}
