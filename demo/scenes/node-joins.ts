import { builtIn } from '../../sim/kube/kubelet.ts';
import { createNodeEni, plugIn } from '../../sim/world/node-enis.ts';
import { patchNode } from '../../sim/world/patch-node.ts';
import { milliseconds } from '../measure.ts';
import type { Scene } from '../scene.ts';

/** No ENI for pods, no user data, no hook: one manifest does all. */
export const nodeJoins: Scene = {
  title: 'A plain node joins',
  play: async (stage) => {
    const { world, signal } = stage;
    const node = await world.join('node-d');
    patchNode(world.kube, node.name, { spec: { taints: [{ key: 'eni-agent.io/not-ready', effect: 'NoSchedule' }] } });
    await node.agent.start(signal);
    stage.say('node-d has its primary ENI only. One NodeENI says what it needs; its label selects it.');
    const red = stage.node('node-a').enis[0]?.subnet.id ?? '';
    const name = `multus${process.pid.toString(36)}`;
    createNodeEni(world.kube, 'multus', {
      nodeSelector: { multus: 'true' },
      subnets: [{ id: red }],
      interfaceName: name,
    });
    const began = Date.now();
    patchNode(world.kube, node.name, { metadata: { labels: { multus: 'true' } } });
    await plugIn(world, node, `enidx${process.pid.toString(36)}`, signal);
    const attached = milliseconds(Date.now() - began);
    await stage.until('the startup taint gone', () => {
      const found = world.kube.store.list(builtIn('nodes').storage).find(({ metadata }) => metadata.name === node.name);
      return !JSON.stringify(found?.spec ?? {}).includes('not-ready');
    });
    const ready = milliseconds(Date.now() - began);
    stage.say(`The ENI is attached after ${attached}; link up and named, taint gone after ${ready}.`);
    const pod = await stage.startPod({ name: 'first', node, networks: [stage.network(node, 0)] });
    await stage.untilServed([pod]);
    const served = milliseconds(Date.now() - began);
    stage.say(`Its first pod’s address answers ${served} after the label.`);
    const creates = stage.calls().filter(({ action }) => action === 'CreateNetworkInterface').length;
    stage.check(`${creates} interfaces were made for one node`, creates === 1);
    await world.pods.end(pod);
    await world.leave(node);
    stage.say('The node leaves again; its ENI ends with the instance.');
    return `ENI attached after ${attached}, ready after ${ready}, first address after ${served}`;
  },
};
