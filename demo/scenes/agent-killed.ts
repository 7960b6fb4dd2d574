import type { WorldPod } from '../../sim/world/world-pod.ts';
import { assignmentsOf, milliseconds, mutations } from '../measure.ts';
import { conditionOf } from '../pod-words.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

const ASSIGN = 'AssignPrivateIpAddresses';

/** The ledger is written before each call, so that a new agent knows what the dead one was about to do. */
export const agentKilled: Scene = {
  title: 'Agent killed, reply lost',
  play: async (stage) => {
    const restart = await killInTheMiddle(stage);
    const lost = await loseReply(stage);
    return `${restart} calls for what came meanwhile, none repeated; lost reply resolved after ${lost}`;
  },
};

async function killInTheMiddle(stage: Stage): Promise<number> {
  const { ec2 } = stage.world;
  const node = stage.node('node-b');
  ec2.faults.latencyByAction.set(ASSIGN, 300);
  const before = await startPods(stage, 'caught', 3);
  const caught = before.flatMap(({ networks }) => networks.flatMap(({ ips }) => ips));
  await stage.until('the call in flight', () => caught.some((ip) => assignmentsOf(stage.calls(), ip).length > 0));
  await node.agent.end('SIGKILL');
  stage.say('node-b’s agent is killed with -9 while its call is on the way.');
  await stage.until('the call done', () => stage.calls().every(({ outcome }) => outcome !== 'pending'));
  ec2.faults.latencyByAction.clear();
  const written = caught.filter((ip) => assignmentsOf(stage.calls(), ip).length > 0);
  const later = await startPods(stage, 'late', 2);
  const restarted = stage.now();
  await node.agent.start(stage.signal);
  await stage.untilServed([...before, ...later]);
  const after = mutations(restarted.calls());
  const again = written.filter((ip) => assignmentsOf(after, ip).length > 0);
  stage.check(`${again.join(', ')} assigned again although EC2 had it`, again.length === 0);
  stage.say(`It starts again: nothing is lost, ${after.length} call(s), none for what EC2 had already done.`);
  return after.length;
}

async function loseReply(stage: Stage): Promise<string> {
  stage.world.ec2.faults.inject({ action: ASSIGN, effect: { kind: 'lost-reply' } });
  const began = stage.now();
  const pods = await startPods(stage, 'unheard', 1);
  await stage.untilServed(pods);
  const name = pods[0]?.name ?? '';
  await stage.until(
    `${name} reports that it is served`,
    () => conditionOf(stage.world.kube, name)?.reason === 'Assigned',
  );
  const took = milliseconds(Date.now() - began.at);
  const calls = mutations(began.calls()).length;
  stage.check(`a lost reply cost ${calls} writes`, calls <= 2);
  stage.say(`EC2 does a call but its reply is lost: found out and reported after ${took}, ${calls} call(s).`);
  return took;
}

async function startPods(stage: Stage, prefix: string, count: number): Promise<WorldPod[]> {
  const node = stage.node('node-b');
  const pods: WorldPod[] = [];
  for (let number = 1; number <= count; number += 1) {
    pods.push(await stage.startPod({ name: `${prefix}-${number}`, node, networks: [stage.network(node, number % 2)] }));
  }
  return pods;
}
