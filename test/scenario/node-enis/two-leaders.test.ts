import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { WorldController } from '../../support/world/world-controller.ts';
import { NodeEniRig } from './rig.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const NODES = ['a', 'b', 'c'];
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

describe('two controllers that both believe to lead', () => {
  // Calls take 50 ms: these moments lie before, within and after the reads, the creating, the attaching and the modifying calls.
  it.each([0, 30, 80, 130, 155, 180, 205, 230, 280, 400, 2_000])(
    'from %d ms on, until the first one ends in the middle of a call: no interface too many, none lost',
    async (at) => {
      rig = new NodeEniRig();
      for (const name of NODES) rig.addNode(name);
      rig.controller.start();
      await rig.clock.advance(15 * SECOND);
      rig.create('multus');
      await rig.clock.advance(at);
      const second = new WorldController(rig.world);
      second.start();
      await rig.clock.advance(175 + at);
      rig.controller.kill();
      await rig.clock.advance(2 * MINUTE);

      for (const name of NODES) expect(rig.on(name)).toHaveLength(1);
      expect(rig.interfaces()).toHaveLength(NODES.length);
      expect(rig.interfaces().every(({ attachment }) => attachment?.deleteOnTermination)).toBe(true);
      expect(rig.ready('multus')?.status).toBe('True');
      second.kill();
    },
  );

  it('never detach the interface of a running pod, and detach the others once', async () => {
    rig = new NodeEniRig();
    for (const name of NODES) rig.addNode(name);
    rig.create('multus');
    rig.controller.start();
    await rig.until(() => rig.ready('multus')?.status === 'True');
    const [used] = rig.on('a');
    const { kubelet } = rig.world;
    kubelet.createPod({ name: 'user', node: 'a', annotations: { 'k8s.v1.cni.cncf.io/networks': 'n' } });
    kubelet.run('user', '10.0.1.9');
    kubelet.setNetworkStatus('user', [
      { name: 'default/n', interface: 'net1', ips: ['10.0.64.20'], mac: used?.mac ?? '' },
    ]);
    const second = new WorldController(rig.world);
    second.start();
    rig.delete('multus');
    await rig.clock.advance(3 * MINUTE);

    expect(rig.interfaces().map(({ id }) => id)).toEqual([used?.id]);
    expect(used?.attachment).toBeDefined();
    second.kill();
  });
});
