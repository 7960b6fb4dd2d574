import type { WorldPod } from '../../sim/world/world-pod.ts';
import { milliseconds, routeWrites } from '../measure.ts';
import { bootNode, clearNode, killNode } from '../node-loss.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

const IF = 'net1';
const VIP = '10.99.0.1';
const TABLES = ['rtb-demo-1', 'rtb-demo-2'];
const ANNOTATIONS = { 'eni-agent.io/routed-ips': VIP, 'eni-agent.io/route-tables': 'tag:demo' };

/**
 * A routed IP: no subnet has it, route tables of the VPC lead to whoever added it last, in whatever zone. The demo plays the election;
 * node-a, which has lost its pods before, is all there is of its zone.
 */
export const zoneLoss: Scene = {
  title: 'A zone is lost',
  measures: 'address added in the pod → route call',
  play: async (stage) => {
    const { cloud } = stage.world;
    const lost = stage.node('node-a');
    const { vpcId = '' } = cloud.state.interfaces.get(lost.enis[0]?.id ?? '') ?? {};
    for (const id of TABLES) cloud.addRouteTable({ id, vpcId, tags: { demo: 'yes' } });
    const [here, there] = [await router(stage, 'node-a'), await router(stage, 'node-c')];
    await stage.untilServed([here, there]);

    stage.say(`zone-a adds ${VIP}: two route tables lead to node-a (${milliseconds(await take(stage, here))}).`);
    const died = stage.now();
    await killNode(stage.world, lost);
    await take(stage, there);
    const gap = Date.now() - died.at;
    stage.say(`The zone of node-a is lost. zone-c on node-c adds ${VIP}; the routes follow.`);
    const moves = routeWrites(died.calls()).length;
    stage.check(`${moves} calls where one for each table is enough`, moves === TABLES.length);
    await clearNode(stage.world, lost);
    await bootNode(stage.world, lost, stage.signal);
    return `${milliseconds(gap)} from the loss until ${TABLES.length} route tables lead to the other zone`;
  },
};

function router(stage: Stage, nodeName: string): Promise<WorldPod> {
  const node = stage.node(nodeName);
  const networks = [stage.network(node, 0)];
  return stage.startPod({ name: `zone-${nodeName.slice(-1)}`, node, networks, annotations: ANNOTATIONS });
}

/** Adds the address and waits until all tables lead here. The address is on no ENI, so the record of the pod's addresses lacks it. */
async function take(stage: Stage, { host, networks, name }: WorldPod): Promise<number> {
  const { cloud, host: machine } = stage.world;
  const since = stage.now();
  if (host !== undefined) await machine.addAddress(host, IF, `${VIP}/32`);
  const leadsHere = (table: string) =>
    cloud.state.routeTables
      .get(table)
      ?.routes.some(({ target }) => target.kind === 'interface' && target.networkInterfaceId === networks[0]?.eni.id);
  await stage.until(`the routes to ${name}`, () => TABLES.every(leadsHere));
  const took = (routeWrites(since.calls())[0]?.at ?? since.at) - since.at;
  stage.latenciesMs.push(took);
  return took;
}
