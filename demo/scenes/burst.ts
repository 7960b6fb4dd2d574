import { milliseconds, mutations } from '../measure.ts';
import type { Scene } from '../scene.ts';

const PODS = 110;
const CALLS_AT_MOST = 9;
const EC2_MS = 50;

/** The pods are known from the API server alone, because only so they can arrive at the same moment on a small machine. */
export const burst: Scene = {
  title: 'A burst of 110 pods',
  measures: 'network-status → EC2 call',
  play: async (stage) => {
    const { ec2 } = stage.world;
    const node = stage.node('node-c');
    ec2.faults.latencyMs = EC2_MS;
    stage.say(`${PODS} pods arrive on node-c at once; three ENIs; every EC2 call takes ${EC2_MS} ms.`);
    const began = Date.now();
    const plans = Array.from({ length: PODS }, (_, index) => ({
      name: `burst-${index + 1}`,
      node,
      networks: [stage.network(node, index % 3, { ifName: 'net1' })],
      onlyInApi: true,
    }));
    const pods = await Promise.all(plans.map((plan) => stage.startPod(plan)));
    await stage.untilServed(pods);
    const took = Date.now() - began;
    ec2.faults.latencyMs = 0;
    stage.measure(pods);
    const calls = mutations(stage.calls()).length;
    stage.say(`All are served after ${milliseconds(took)}, by ${calls} mutating calls.`);
    stage.check(`${calls} mutating calls, at most ${CALLS_AT_MOST} are good`, calls <= CALLS_AT_MOST);
    return `${calls} mutating calls instead of ${PODS}; done in ${milliseconds(took)}`;
  },
};
