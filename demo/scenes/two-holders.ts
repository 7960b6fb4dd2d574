import { addressAt } from '../../sim/world/addresses.ts';
import { assignmentsOf } from '../measure.ts';
import { conditionOf } from '../pod-words.ts';
import type { Scene } from '../scene.ts';

const IF = 'net1';
/** An agent trusts its own call for 10 s before it believes a describe that says otherwise: EC2's views lag. */
const HOLD_MS = 11_000;

/** A split brain: each side's address appeared once, so each side may take over once. Nobody ever steals back. */
export const twoHolders: Scene = {
  title: 'Two holders of one address',
  measures: 'address added in the pod → EC2 call',
  play: async (stage) => {
    const { pods } = stage.world;
    const [left, right] = [stage.node('node-b'), stage.node('node-c')];
    const one = await stage.startPod({
      name: 'split-b',
      node: left,
      networks: [stage.network(left, 0, { definition: 'vip' })],
    });
    const two = await stage.startPod({
      name: 'split-c',
      node: right,
      networks: [stage.network(right, 0, { definition: 'vip' })],
    });
    await stage.untilServed([one, two]);
    const vip = addressAt(left.enis[0]!.subnet, 4, 201);

    for (const pod of [one, two]) await stage.untilOn(pod, IF, vip, await pods.addAddress(pod, IF, vip));
    stage.say(`split-b and split-c both hold ${vip}. We watch for ${HOLD_MS / 1000} s.`);
    await stage.pause(HOLD_MS);
    const told = () => conditionOf(stage.world.kube, one.name)?.reason === 'HeldElsewhere';
    await stage.until('split-b reports that it lost the address', told);

    const takeovers = assignmentsOf(stage.calls(), vip).filter(({ outcome }) => outcome === 'ok').length;
    stage.check(`${takeovers} takeovers where two are allowed`, takeovers === 2);
    await pods.removeAddress(one, IF, vip);
    stage.say(`One takeover each, then peace; split-b reports HeldElsewhere.`);
    return `${takeovers} takeovers in ${HOLD_MS / 1000} s, no ping-pong; the loser says so`;
  },
};
