import { createNodeEni, plugIn } from '../../sim/world/node-enis.ts';
import { patchNode } from '../../sim/world/patch-node.ts';
import type { WorldNode } from '../../sim/world/world-node.ts';
import { milliseconds, routeWrites } from '../measure.ts';
import { killNode } from '../node-loss.ts';
import type { Scene } from '../scene.ts';
import type { Moment, Stage } from '../stage.ts';

const NAME = 'gateway';
const VIP = '10.99.0.2';
const LABELS = { 'node-role/gateway': 'true' };
const TAG = { gateway: 'yes' };
const TABLES = ['rtb-demo-3', 'rtb-demo-4'];
/** Within 5 s by the clock of an idle machine; this one runs two agents more than the other scenes. */
const MOVED_WITHIN_MS = 10_000;
const PATIENCE_MS = 30_000;

/**
 * A FloatingIP with route tables: the candidates are in two zones and have no subnet in common. A NodeENI gives each of them one ENI, in
 * the subnet of its zone, so the object need not name an interface.
 */
export const zoneLossNodes: Scene = {
  title: 'A service outlives its zone',
  measures: 'object or kill → route call',
  play: async (stage) => {
    const { cloud, floatingIps } = stage.world;
    const [here, there] = await twoZones(stage);
    const { vpcId = '' } = cloud.state.interfaces.get(here.enis[0]?.id ?? '') ?? {};
    for (const id of TABLES) cloud.addRouteTable({ id, vpcId, tags: TAG });

    const created = stage.now();
    floatingIps.create({
      name: NAME,
      addresses: [VIP],
      nodeSelector: LABELS,
      routeTables: ['tag:gateway'],
    });
    const first = await untilServed(stage, created, undefined);
    const lost = stage.node(first.name);
    stage.say(`${lost.name} (${lost.zone}) serves ${VIP}: two route tables lead to it (${milliseconds(first.took)}).`);

    const died = stage.now();
    await killNode(stage.world, lost);
    const second = await untilServed(stage, died, lost.name);
    const heir = stage.node(second.name);
    const took = milliseconds(second.took);
    stage.say(`Its zone is lost. ${heir.name} (${heir.zone}) serves ${VIP}, ${took} after the loss.`);
    stage.check(`the move took ${took}`, second.took <= MOVED_WITHIN_MS);
    const moves = routeWrites(died.calls()).length;
    stage.check(`${moves} calls where one for each table is enough`, moves === TABLES.length);

    floatingIps.delete(NAME);
    await stage.world.leave(lost);
    await stage.until('its routes removed', () => leadingTo(stage).size === 0, PATIENCE_MS);
    stage.say('The FloatingIP is deleted, and so are its routes; the two nodes leave.');
    await stage.world.leave(there === lost ? here : there);
    return `${took} from the loss until ${TABLES.length} route tables lead to the other zone`;
  },
};

/** Two nodes join, each in a zone of its own, and get their ENI for this from one NodeENI. */
async function twoZones(stage: Stage): Promise<readonly [WorldNode, WorldNode]> {
  const { world, signal } = stage;
  const { cloud, kube } = world;
  const { vpcId = '' } = cloud.state.interfaces.get(stage.node('node-a').enis[0]?.id ?? '') ?? {};
  const zones = ['us-east-1b', 'us-east-1c'].map((zone, index) => ({
    primary: cloud.addSubnet({ vpcId, zone, cidr: `10.10.${20 + index}.0/24` }),
    own: cloud.addSubnet({ vpcId, zone, cidr: `10.10.${30 + index}.0/24`, tags: TAG }),
  }));
  createNodeEni(kube, NAME, { nodeSelector: LABELS, subnets: [{ tags: TAG }], sourceDestCheck: false });
  const joining = zones.map(async ({ primary }, index) => {
    const node = await world.join(`node-${'de'.charAt(index)}`, primary.id);
    patchNode(kube, node.name, { metadata: { labels: LABELS } });
    await node.agent.start(signal);
    await plugIn(world, node, `enig${index}x${process.pid.toString(36)}`, signal);
    return node;
  });
  stage.say('node-d and node-e join, in two zones; one NodeENI gives each an ENI for the gateway.');
  const [here, there] = await Promise.all(joining);
  if (here === undefined || there === undefined) throw new Error('two nodes were to join');
  return [here, there];
}

/** Waits until the object names a node that serves it, and all tables lead there; notes how long the first call took to leave. */
async function untilServed(stage: Stage, since: Moment, before: string | undefined) {
  const state = () => stage.world.floatingIps.list().find(({ name }) => name === NAME);
  const serving = () => {
    const { ready = false, node, networkInterfaceId = '' } = state() ?? {};
    const targets = leadingTo(stage);
    return ready && node !== before && targets.size === 1 && targets.has(networkInterfaceId);
  };
  await stage.until(
    `${VIP} served by ${before === undefined ? 'a node' : `another node than ${before}`}`,
    serving,
    PATIENCE_MS,
  );
  const took = Date.now() - since.at;
  const [call] = routeWrites(since.calls());
  if (call !== undefined) stage.latenciesMs.push(call.at - since.at);
  return { name: state()?.node ?? '', took };
}

/** To which ENIs the tables lead the address; a table without a route leads to ''. Empty: none has one. */
function leadingTo({ world: { cloud } }: Stage): ReadonlySet<string> {
  const targets = TABLES.map((id) => {
    const route = cloud.state.routeTables.get(id)?.routes.find(({ destination }) => destination === `${VIP}/32`);
    return route?.target.kind === 'interface' ? route.target.networkInterfaceId : '';
  });
  return targets.every((target) => target === '') ? new Set() : new Set(targets);
}
