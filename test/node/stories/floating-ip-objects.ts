import { describe, expect, it } from 'vitest';
import type { RealNodes } from '../rig.ts';
import { eventually, type KubeObject } from '../rig-kube.ts';
import type { NodeId } from '../rig-scripts.ts';
import { heldAddresses } from '../rig-truth.ts';

const SERVICE = '10.10.1.210';

/** A FloatingIP: the nodes compete for it, and it survives each of them. */
export function floatingIpObjects(rig: () => RealNodes): void {
  describe('a FloatingIP', () => {
    let first: NodeId = 'a';
    const other = (): NodeId => (first === 'a' ? 'b' : 'a');
    const nameOf = (node: NodeId) => rig().scripts.world.nodes.find(({ id }) => id === node)?.name ?? '';
    const holder = () => rig().cloud.secondaries().get(SERVICE)?.node;
    const served = (
      by: (node: NodeId | undefined) => boolean,
      seconds: number,
      nodes: readonly NodeId[] = ['a', 'b'],
    ) =>
      eventually(`${SERVICE} is served by one node, in EC2 and on its interface`, seconds, async () => {
        const node = holder();
        const held = (await heldAddresses(rig().scripts, nodes)).filter(({ address }) => address === SERVICE);
        return by(node) && held.length === 1 && held[0]?.node === node ? node : undefined;
      });

    it('is served by one of its nodes', async () => {
      await rig().cluster.kubectl('label', '--overwrite', 'node', nameOf('a'), nameOf('b'), 'story=floating');
      const spec = { addresses: [SERVICE], nodeSelector: { story: 'floating' } };
      await rig().cluster.apply([
        { apiVersion: 'eni-agent.io/v1alpha1', kind: 'FloatingIP', metadata: { name: 'service' }, spec },
      ]);
      first = (await served((node) => node !== undefined, 15)) ?? 'a';

      const { status } = await rig().cluster.get<KubeObject>('/apis/eni-agent.io/v1alpha1/floatingips/service');
      expect(status).toMatchObject({ node: nameOf(first) });
    });

    it('leaves a node that is cordoned', async () => {
      await rig().cluster.kubectl('cordon', nameOf(first));
      await served((node) => node === other(), 10);
      await rig().cluster.kubectl('uncordon', nameOf(first));
      first = other();

      expect(holder()).toBe(first);
    });

    it('leaves a node that loses its power, by itself and soon', async () => {
      await rig().scripts.run('down', [first]);
      const began = performance.now();
      await served((node) => node === other(), 20, [other()]);
      const seconds = (performance.now() - began) / 1_000;
      console.log(`node lost → served elsewhere: ${seconds.toFixed(1)} s after the power cut (bar: 5 s)`);
      await rig().scripts.run('start');
      await rig().agents();

      expect(await served(() => true, 10)).toBe(other());
    });

    it('is taken off its interface and given back when the object goes', async () => {
      await rig().cluster.kubectl('delete', 'floatingip', 'service');
      await eventually('EC2 has given the address back', 30, async () => (holder() === undefined ? true : undefined));
      await rig().agreement(75);

      expect(holder()).toBeUndefined();
    });
  });
}
