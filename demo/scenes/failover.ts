import { addressAt } from '../../sim/world/addresses.ts';
import type { WorldPod } from '../../sim/world/world-pod.ts';
import { milliseconds } from '../measure.ts';
import { bootNode, clearNode, killNode } from '../node-loss.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

const IF = 'net1';

/**
 * A floating IP, declared once on the NetworkAttachmentDefinition. The demo plays keepalived: a standby adds the address to its
 * interface as soon as the active one is gone; how long an election takes is not the agent's part.
 */
export const failover: Scene = {
  title: 'A floating IP fails over',
  measures: 'address added in the pod → EC2 call',
  play: async (stage) => {
    const [first, second, third] = [
      await router(stage, 'node-a'),
      await router(stage, 'node-b'),
      await router(stage, 'node-c'),
    ];
    await stage.untilServed([first, second, third]);
    const vip = addressAt(first.networks[0]!.eni.subnet, 4, 200);
    const move = (to: WorldPod) => takeAddress(stage, to, vip);

    stage.say(`vrrp-a becomes active: it adds ${vip} to ${IF} (${milliseconds(await move(first))}).`);
    stage.say(`vrrp-b takes over (${milliseconds(await move(second))}).`);
    await stage.world.pods.removeAddress(first, IF, vip);

    const died = Date.now();
    const [, podGap] = [await stage.world.pods.end(second), await gap(died, () => move(first))];
    stage.say(
      `The pod vrrp-b is killed; vrrp-a on node-a takes over. EC2 follows ${milliseconds(podGap)} after the kill.`,
    );

    const nodeGap = await loseNode(stage, () => move(third));
    stage.say(
      `node-a dies: agent, pods and instance. vrrp-c on node-c takes over, ${milliseconds(nodeGap)} after the kill.`,
    );
    await reviveNode(stage);
    return `pod killed: ${milliseconds(podGap)}, node killed: ${milliseconds(nodeGap)} until EC2 follows`;
  },
};

function router(stage: Stage, nodeName: string): Promise<WorldPod> {
  const node = stage.node(nodeName);
  return stage.startPod({
    name: `vrrp-${nodeName.slice(-1)}`,
    node,
    networks: [stage.network(node, 0, { definition: 'vip' })],
  });
}

async function takeAddress(stage: Stage, pod: WorldPod, vip: string): Promise<number> {
  const since = await stage.world.pods.addAddress(pod, IF, vip);
  return stage.untilOn(pod, IF, vip, since);
}

async function gap(since: number, act: () => Promise<unknown>): Promise<number> {
  await act();
  return Date.now() - since;
}

async function loseNode(stage: Stage, takeOver: () => Promise<unknown>): Promise<number> {
  const node = stage.node('node-a');
  const died = Date.now();
  await killNode(stage.world, node);
  const taken = await gap(died, takeOver);
  await clearNode(stage.world, node);
  return taken;
}

async function reviveNode(stage: Stage): Promise<void> {
  await bootNode(stage.world, stage.node('node-a'), stage.signal);
  stage.say('node-a is back, without its pods; its agent gives back what they left.');
}
