import type { World } from '../../sim/world/world.ts';
import type { WorldNode } from '../../sim/world/world-node.ts';
import type { WorldPod } from '../../sim/world/world-pod.ts';
import { milliseconds } from '../measure.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

/** The pods that k8s-eip-operator's objects may name; others are not watched for them. */
const MANAGED = { 'eip.materialize.cloud/manage': 'true' };

/** One Elastic IP that is asked for by annotation and lives as long as its pod, and one that is an object and outlives it. */
export const elasticIps: Scene = {
  title: 'Elastic IPs',
  play: async (stage) => {
    const own = await byAnnotation(stage);
    const { took, publicIp } = await byObject(stage);
    stage.say(`The Eip is deleted: its Elastic IP is released. The account has none left.`);
    return `${own} with its pod; ${publicIp} followed its pod's name to another node in ${took}`;
  },
};

async function byAnnotation(stage: Stage): Promise<string> {
  const node = stage.node('node-a');
  const annotations = { 'eni-agent.io/eip': 'net1=auto' };
  const began = Date.now();
  const pod = await stage.startPod({ name: 'shop', node, networks: [stage.network(node, 0)], annotations });
  const address = pod.networks[0]?.ips[0] ?? '';
  const publicIp = await untilPublic(stage, address);
  stage.say(`Pod shop asks for one by annotation: ${publicIp} on its net1 (${milliseconds(Date.now() - began)}).`);
  stage.drawMap();
  await stage.world.pods.end(pod);
  await stage.until(`${publicIp} released`, () => !publicIps(stage.world).has(publicIp));
  stage.say(`shop ends, and its Elastic IP is released.`);
  return publicIp;
}

async function byObject(stage: Stage) {
  const { eips } = stage.world;
  eips.createForPod('api', 'api');
  const first = await startApi(stage, 'node-b');
  const publicIp = await untilPublic(stage, first.podIp);
  stage.say(
    `An Eip object asks for one for the pod api, wherever it is: the controller allocates ${publicIp}, the agent of node-b binds it.`,
  );
  await endApi(stage, first);
  const moved = Date.now();
  const second = await startApi(stage, 'node-c');
  await stage.until(`${publicIp} on api's new address`, () => publicIps(stage.world).get(publicIp) === second.podIp);
  const took = milliseconds(Date.now() - moved);
  stage.say(`api is replaced by one on node-c: ${publicIp} is there ${took} after its start.`);
  await endApi(stage, second);
  eips.delete('api');
  await stage.until(`${publicIp} released`, () => !publicIps(stage.world).has(publicIp));
  return { took, publicIp };
}

interface Api {
  readonly pod: WorldPod;
  readonly eni: string;
  readonly podIp: string;
}

/** A pod on the primary network alone. The demo plays the VPC CNI, which gives it an address of the node's primary ENI. */
async function startApi(stage: Stage, nodeName: string): Promise<Api> {
  const node = stage.node(nodeName);
  const eni = primaryEni(stage.world, node);
  const podIp = node.privateIp.replace(/\d+$/, String(100 + Number(node.privateIp.split('.').at(-1))));
  stage.world.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: [podIp] });
  return { pod: await stage.startPod({ name: 'api', node, networks: [], podIp, labels: MANAGED }), eni, podIp };
}

async function endApi(stage: Stage, { pod, eni, podIp }: Api): Promise<void> {
  await stage.world.pods.end(pod);
  stage.world.cloud.unassignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: [podIp] });
}

function primaryEni({ cloud: { state } }: World, { privateIp }: WorldNode): string {
  const eni = state.allInterfaces(state.now()).find(({ addresses }) => addresses.some(({ ip }) => ip === privateIp));
  if (eni === undefined) throw new Error(`no ENI has ${privateIp}`);
  return eni.id;
}

/** By public address the private one that it is bound to; empty while it is bound to none. */
function publicIps({ cloud: { state } }: World): ReadonlyMap<string, string> {
  return new Map(state.elasticIps.all(state.now()).map((eip) => [eip.publicIp, eip.association?.privateIp ?? '']));
}

async function untilPublic(stage: Stage, address: string): Promise<string> {
  const found = () => [...publicIps(stage.world)].find(([, bound]) => bound === address)?.[0];
  await stage.until(`an Elastic IP on ${address}`, () => found() !== undefined, 40_000);
  return found() ?? '';
}
