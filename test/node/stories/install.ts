import { describe, expect, it } from 'vitest';
import { type RealNodes, SYSTEM } from '../rig.ts';
import type { KubeEvent } from '../rig-kube.ts';

/** The documented commands, on an empty cluster. */
export function install(rig: () => RealNodes): void {
  describe('install', () => {
    it('brings definitions, agents and controller up', async () => {
      await rig().install('daemonset/crds');
      await rig().install('test/node/overlays/agent');
      await rig().install('test/node/overlays/controller');

      expect(await rig().agents()).toHaveLength(2);
      expect(await rig().ready(SYSTEM, 'app.kubernetes.io/name=eni-agent-controller', 2)).toHaveLength(2);
      expect(await rig().cluster.warnings(0)).toEqual([]);
    });

    it('yields no Event of a probe that failed', async () => {
      const events = await rig().cluster.list<KubeEvent>(`/api/v1/namespaces/${SYSTEM}/events`, {
        fieldSelector: 'reason=Unhealthy',
      });

      expect(events.map(({ involvedObject: { name }, message }) => `${name}: ${message}`)).toEqual([]);
    });

    it('leaves the doctor nothing to find', async () => {
      const answer = await rig().cluster.exec(SYSTEM, 'daemonset/eni-agent', 'eni-agent', 'doctor');

      expect(answer).not.toMatch(/^\s*(?:✗|FAIL)/m);
    });
  });
}
