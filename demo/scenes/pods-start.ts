import { milliseconds } from '../measure.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

/** Two interfaces each, IPv4 and IPv6; on node-b both ENIs are in one subnet, so that the subnet cannot tell which one is meant. */
export const podsStart: Scene = {
  title: 'Pods start',
  measures: 'CNI result file → EC2 call',
  play: async (stage) => {
    const plans = ['node-a', 'node-b', 'node-c'].flatMap((name) =>
      [1, 2].map((number) => planPod(stage, name, number)),
    );
    stage.say(`${plans.length} pods start on three nodes, each with two Multus interfaces, IPv4 and IPv6.`);
    const pods = [];
    for (const plan of plans) {
      pods.push(await stage.startPod(plan));
      await stage.pause(200);
    }
    await stage.untilServed(pods);
    stage.measure(pods);
    const count = stage.latenciesMs.length;
    stage.say(
      `All ${count} addresses are on the right ENIs, the slowest call left after ${milliseconds(Math.max(...stage.latenciesMs))}.`,
    );
    stage.check('24 addresses were expected', count === 24);
    return `${count} addresses of ${pods.length} pods are on the right ENIs`;
  },
};

function planPod(stage: Stage, nodeName: string, number: number) {
  const node = stage.node(nodeName);
  const networks = [0, 1].map((index) => stage.network(node, index, { families: [4, 6] }));
  return { name: `web-${nodeName.slice(-1)}${number}`, node, networks };
}
