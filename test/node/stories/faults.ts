import { describe, expect, it } from 'vitest';
import type { RealNodes } from '../rig.ts';
import { nodeOf } from '../rig-headroom.ts';
import { eventually } from '../rig-kube.ts';
import { deployment, NAMESPACE, networks } from '../rig-pods.ts';

const AGENT = 'app.kubernetes.io/name=eni-agent';

/** An agent is killed, a node loses its power. */
export function faults(rig: () => RealNodes): void {
  describe('faults of a node', () => {
    it('a killed agent comes back, finds everything in order, and serves what came meanwhile', async () => {
      await rig().cluster.apply(networks());
      await rig().cluster.apply([deployment('steady', 6, { networks: 'red, blue' })]);
      await rig().ready(NAMESPACE, 'app=steady', 6);
      await rig().agreement(30);
      const began = Date.now();

      await rig().killAgent('a');
      await rig().cluster.kubectl('-n', NAMESPACE, 'scale', 'deployment/steady', '--replicas=10');
      await rig().ready(NAMESPACE, 'app=steady', 10);
      await rig().agreement(30);

      expect(
        rig()
          .cloud.mutations(began)
          .filter(({ action }) => action.startsWith('Unassign')),
      ).toEqual([]);
      expect(await rig().cluster.warnings(began)).toEqual([]);
    });

    it('after a reboot the pods have their new addresses, and the old ones are given back', async () => {
      const began = Date.now();
      await rig().scripts.run('reboot', ['b']);
      await eventually('pods run on the node again', 90, async () => {
        const pods = await rig().ready(NAMESPACE, 'app=steady', 10, 60);
        return pods.some((each) => nodeOf(rig().scripts.world, each) === 'b') ? true : undefined;
      });
      await rig().agents();
      await rig().agreement(75);

      expect(await rig().cluster.warnings(began)).toEqual([]);
      expect(await rig().cluster.pods('eni-agent-system', AGENT)).toHaveLength(2);
    });
  });
}
