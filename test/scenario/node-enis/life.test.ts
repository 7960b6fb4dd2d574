import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

describe('a NodeENI on plain nodes', () => {
  it('gives each selected node an interface of its zone: tagged, attached, deleted with the instance, announced to the node', async () => {
    rig = new NodeEniRig();
    rig.addNode('a');
    rig.addNode('b', { zone: 'b' });
    rig.addNode('other', { labels: {} });
    rig.create('multus');
    rig.controller.start();

    await rig.until(() => rig.ready('multus')?.status === 'True');

    const [left] = rig.on('a');
    const [right] = rig.on('b');
    expect(rig.interfaces()).toHaveLength(2);
    expect([left?.subnetId, right?.subnetId]).toEqual(['subnet-ma', 'subnet-mb']);
    expect(left?.attachment).toMatchObject({ deviceIndex: 2, deleteOnTermination: true });
    expect(Object.fromEntries(left?.tags ?? [])).toMatchObject({
      'eni-agent.io/cluster': 'test',
      'eni-agent.io/node-eni': 'multus',
      'eni-agent.io/node': 'a',
      'node.k8s.amazonaws.com/no_manage': 'true',
    });
    expect(rig.announced('a')).toEqual({
      wanted: 1,
      interfaces: [
        expect.objectContaining({
          id: left?.id,
          mac: left?.mac,
          name: 'multus',
          state: 'attached',
          cidrs: ['10.0.64.0/24'],
        }),
      ],
    });
    expect(rig.announced('other')).toBeUndefined();
    expect(rig.status('multus')).toMatchObject({ desired: 2, attached: 2, failed: 0 });
    expect(rig.world.events('NodeENIAttached').length).toBe(4);
  });
});
