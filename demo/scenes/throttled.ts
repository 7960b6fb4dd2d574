import { documentedBucket } from '../../sim/ec2/throttle.ts';
import { milliseconds, mutations, refusedCalls } from '../measure.ts';
import type { Scene } from '../scene.ts';

const PODS = 9;
const ACTION = 'AssignPrivateIpAddresses';

/** The account's bucket is nearly empty, as when many nodes start: waiting work merges, so that few calls do. */
export const throttled: Scene = {
  title: 'EC2 throttles',
  measures: 'CNI result file → EC2 call',
  play: async (stage) => {
    const { throttle } = stage.world;
    // Whatever the machine's pace, the pods arrive faster than EC2 lets calls through.
    throttle.override(ACTION, { capacity: 2, refillPerSecond: 0 });
    stage.say(`EC2 allows 2 calls while ${PODS} pods start on node-a and node-b, and then one a second.`);
    const began = Date.now();
    const pods = [];
    for (let index = 0; index < PODS; index += 1) {
      const node = stage.node(index % 2 === 0 ? 'node-a' : 'node-b');
      pods.push(
        await stage.startPod({
          name: `calm-${index + 1}`,
          node,
          networks: [stage.network(node, index % 4 < 2 ? 0 : 1, { ifName: 'net1' })],
        }),
      );
      await stage.pause(50);
    }
    throttle.override(ACTION, { capacity: 2, refillPerSecond: 1 });
    await stage.untilServed(pods, 60_000);
    const took = Date.now() - began;
    throttle.override(ACTION, documentedBucket(ACTION));
    stage.measure(pods);
    const [calls, refused] = [mutations(stage.calls()).length, refusedCalls(stage.calls(), 'RequestLimitExceeded')];
    stage.say(`All are served after ${milliseconds(took)}: ${calls} calls, ${refused} of them refused.`);
    stage.check(`nothing was throttled, so nothing was shown`, refused > 0);
    stage.check(`${calls} calls for ${PODS} pods`, calls <= 3 * PODS);
    return `all ${PODS} pods served in ${milliseconds(took)}: ${calls} calls, ${refused} refused`;
  },
};
