import { addressAt } from '../../sim/world/addresses.ts';
import { secondaries } from '../../sim/world/agreement.ts';
import type { FloatingIpState } from '../../sim/world/floating-ips.ts';
import { patchNode } from '../../sim/world/patch-node.ts';
import type { WorldEni } from '../../sim/world/topology.ts';
import type { WorldNode } from '../../sim/world/world-node.ts';
import { firstSent, milliseconds } from '../measure.ts';
import { bootNode, clearNode, killNode } from '../node-loss.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

const NAME = 'ingress';
const LABELS = { 'node-role/ingress': 'true' };
const MOVED_WITHIN_MS = 5_000;
/** A node that an object begins to concern looks around before it takes part in elections. */
const OBSERVE_MS = 500;

/**
 * A FloatingIP: nobody scripts the failover here. The agents compete for a Lease; its holder puts the address on its own host interface.
 * Who gets the label first and who is preferred makes the story the same each time: node-a, which has lost its pods before, dies.
 */
export const serviceAddress: Scene = {
  title: 'A service address outlives its node',
  measures: 'object, cordon or kill → EC2 call',
  play: async (stage) => {
    const { nodes, kube, floatingIps } = stage.world;
    const address = addressAt(greenOf(stage.node('node-a')).subnet, 4, 200);
    const label = (name: string) => patchNode(kube, name, { metadata: { labels: LABELS } });

    const created = Date.now();
    floatingIps.create({
      name: NAME,
      addresses: [address],
      nodeSelector: LABELS,
      preferredNodes: ['node-a'],
    });
    label('node-b');
    const first = await untilServed(stage, { address, since: created });
    stage.say(`The FloatingIP ${NAME} asks for ${address}: ${first.name} serves it (${first.words}).`);
    await checkHolder(stage, address, first.name);
    for (const { name } of nodes) label(name);
    await stage.pause(OBSERVE_MS);

    const cordoned = Date.now();
    patchNode(kube, first.name, { spec: { unschedulable: true } });
    const second = await untilServed(stage, { address, since: cordoned, before: first.name });
    await checkHolder(stage, address, second.name);
    stage.say(`${first.name} is cordoned: ${second.name} serves it (${second.words}).`);

    const died = Date.now();
    const lost = stage.node(second.name);
    await killNode(stage.world, lost);
    const third = await untilServed(stage, { address, since: died, before: lost.name });
    stage.say(`${lost.name} dies: agent and instance. ${third.name} serves it, ${third.words} after the kill.`);
    stage.check(`the move took ${third.words}`, third.took <= MOVED_WITHIN_MS);

    await clearNode(stage.world, lost);
    patchNode(kube, first.name, { spec: { unschedulable: null } });
    await bootNode(stage.world, lost, stage.signal);
    await checkHolder(stage, address, third.name);
    stage.say(`${lost.name} is back and ${first.name} is uncordoned; nothing moves for that.`);
    return `cordon: ${second.words}, node killed: ${third.words} until another node serves it`;
  },
};

interface Wanted {
  readonly address: string;
  /** Epoch ms of what makes it move. */
  readonly since: number;
  /** The node that must not be the answer. */
  readonly before?: string;
}

/** Waits until the object names a node that serves it and EC2 agrees; notes how long the call took to leave. */
async function untilServed(stage: Stage, { address, since, before }: Wanted) {
  const serving = () => {
    const state = stateOf(stage);
    const moved = state?.ready === true && state.node !== before;
    return moved && secondaries(stage.world).get(address) === state.networkInterfaceId ? state : undefined;
  };
  await stage.until(`${address} served by ${before === undefined ? 'a node' : `another node than ${before}`}`, () =>
    Boolean(serving()),
  );
  const took = Date.now() - since;
  const sentAt = firstSent(stage.calls(), address, since);
  if (sentAt !== undefined) stage.latenciesMs.push(sentAt - since);
  return { name: stateOf(stage)?.node ?? '', took, words: milliseconds(took) };
}

/** The object, EC2 and the interfaces of all machines must name the same node, and no other. */
async function checkHolder(stage: Stage, address: string, name: string): Promise<void> {
  const { host, nodes } = stage.world;
  const eni = greenOf(stage.node(name));
  const state = stateOf(stage);
  stage.check(`the object says ${state?.node}, not ${name}`, state?.node === name && state.ready);
  stage.check(`the object names ${state?.networkInterfaceId}`, state?.networkInterfaceId === eni.id);
  stage.check(`EC2 has ${address} elsewhere than on ${eni.id}`, secondaries(stage.world).get(address) === eni.id);
  const links = async (node: WorldNode) => {
    const found = await Promise.all(node.enis.map(async ({ link }) => ({ link, ips: await host.addressesOn(link) })));
    return found.flatMap(({ link, ips }) => (ips.includes(address) ? [link] : []));
  };
  const configured = (await Promise.all(nodes.map(links))).flat();
  stage.check(`interfaces with ${address}: ${configured.join(', ')}`, configured.join() === eni.link);
}

/** The only ENI of a node in this subnet: with two of them the object would have to name the interface. */
function greenOf({ name, enis }: WorldNode): WorldEni {
  const eni = enis.find(({ subnet }) => subnet.name === 'green');
  if (eni === undefined) throw new Error(`${name} has no ENI in green`);
  return eni;
}

function stateOf(stage: Stage): FloatingIpState | undefined {
  return stage.world.floatingIps.list().find(({ name }) => name === NAME);
}
