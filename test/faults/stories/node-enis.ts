import { createObject, deleteObject, listObjects, patchObject } from '../../support/world/objects.ts';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';

const MULTUS = { kind: 'NodeENI', name: 'multus' } as const;

const create = (world: World, spec: object): void => createObject(world, MULTUS, spec);
const change = (world: World, spec: object): void => patchObject(world, MULTUS, { spec });
const remove = (world: World): void => deleteObject(world, MULTUS);
const removeNode = (world: World, name: string): void => deleteObject(world, { kind: 'Node', name });

function label(world: World, name: string, role: string | null): void {
  patchObject(world, { kind: 'Node', name }, { metadata: { labels: { role } } });
}

/** Interfaces in EC2 that were made for NodeENIs. */
function ours(world: World) {
  return world.cloud.state.allInterfaces(world.clock.now()).filter(({ tags }) => tags.has('eni-agent.io/node-eni-uid'));
}

function on(world: World, node: string) {
  return ours(world).filter(({ attachment }) => attachment?.instanceId === `i-${node}`);
}

/** What must hold while something still lives, checked at the end of a pause in the story. */
const notes = new WeakMap<World, string[]>();
function note(world: World, fault: string | false): void {
  if (fault !== false) notes.set(world, [...(notes.get(world) ?? []), fault]);
}

function has(world: World, node: string, count: number): void {
  const found = on(world, node);
  note(world, found.length !== count && `node ${node} has ${found.length} interfaces instead of ${count}`);
  const kept = found.filter(({ attachment }) => attachment?.deleteOnTermination !== true);
  note(world, kept.length > 0 && `${kept.map(({ id }) => id).join()} would outlive the instance of node ${node}`);
}

function wrong(world: World): string[] {
  const unfinished = listObjects(world, 'NodeENI').map(({ metadata }) => `NodeENI ${metadata.name} was not finished`);
  return [...(notes.get(world) ?? []), ...unfinished, ...ours(world).map(({ id }) => `leaked ${id}`)];
}

function prepare(world: World): void {
  applyDefinitions(world);
  Object.assign(world.cloud.knobs, { attachMs: 2 * SECOND, detachMs: 4 * SECOND });
  world.cloud.addSubnet({ id: 'subnet-2', vpcId: 'vpc-1', cidr: '10.0.32.0/20' });
  for (const { name } of world.nodes) label(world, name, 'edge');
}

/** Two interfaces for each node; one leaves the selector, the instance of the other ends, the object goes. */
const comingAndGoing: FaultStory = {
  name: 'interfaces of nodes that come and go',
  controller: true,
  prepare,
  async tell(world) {
    const { clock } = world;
    create(world, { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-2' }], count: 2 });
    await clock.advance(5 * MINUTE);
    for (const { name } of world.nodes) has(world, name, 2);
    label(world, 'b', null);
    await clock.advance(5 * MINUTE);
    has(world, 'a', 2);
    has(world, 'b', 0);
    note(world, ours(world).length > 2 && 'an interface of node b was leaked or doubled');
    world.cloud.setInstanceState('i-a', 'terminated');
    await clock.advance(20 * SECOND);
    removeNode(world, 'a');
    await clock.advance(5 * MINUTE);
    remove(world);
    await clock.advance(5 * MINUTE);
  },
  wrong,
};

/** An interface that must be replaced, with a pod on it; the instance of the other node ends while its interface is being made. */
const replacedAndInterrupted: FaultStory = {
  name: 'an interface that is replaced when its pod has ended, and one whose instance ends while it is made',
  controller: true,
  prepare(world) {
    prepare(world);
    label(world, 'b', null);
  },
  async tell(world) {
    const { clock, kubelet } = world;
    create(world, { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-2' }] });
    await clock.advance(5 * MINUTE);
    has(world, 'a', 1);
    const [used] = on(world, 'a');
    kubelet.createPod({ name: 'user', node: 'a', annotations: { 'k8s.v1.cni.cncf.io/networks': 'n' } });
    kubelet.run('user', '10.0.1.9');
    kubelet.setNetworkStatus('user', [
      { name: 'default/n', interface: 'net1', ips: ['10.0.32.99'], mac: used?.mac ?? '' },
    ]);
    change(world, { subnets: [{ id: 'subnet-1' }] });
    label(world, 'b', 'edge');
    await clock.advance(200);
    world.cloud.setInstanceState('i-b', 'terminated');
    await clock.advance(3 * MINUTE);
    note(world, on(world, 'a')[0]?.id !== used?.id && 'the interface was replaced under its pod');
    removeNode(world, 'b');
    kubelet.delete('user');
    kubelet.confirmDeletion('user');
    await clock.advance(8 * MINUTE);
    has(world, 'a', 1);
    note(world, on(world, 'a')[0]?.subnetId !== 'subnet-1' && 'the interface was not replaced');
    note(world, ours(world).length > 1 && 'an interface was leaked or doubled');
    remove(world);
    await clock.advance(5 * MINUTE);
  },
  wrong,
};

/** Everything of an interface that can be changed in place is changed while it is in use. */
const changedInPlace: FaultStory = {
  name: 'an interface whose tags, groups, check and description change',
  controller: true,
  prepare(world) {
    prepare(world);
    world.cloud.addSecurityGroup({ id: 'sg-2', name: 'x', vpcId: 'vpc-1' });
    label(world, 'b', null);
  },
  async tell(world) {
    const { clock } = world;
    create(world, { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-2' }] });
    await clock.advance(3 * MINUTE);
    const before = on(world, 'a')[0]?.id;
    change(world, { tags: { a: 'b' }, securityGroups: [{ name: 'x' }], sourceDestCheck: false, description: 'new' });
    await clock.advance(5 * MINUTE);
    const [own] = on(world, 'a');
    note(world, own?.id !== before && 'the interface was replaced');
    note(world, own?.tags.get('a') !== 'b' && 'the tag is missing');
    note(world, own?.groups.join() !== 'sg-2' && `the groups are ${own?.groups.join()}`);
    note(world, own?.sourceDestCheck !== false && 'the check is on');
    note(world, own?.description !== 'new' && 'the description is the old one');
    remove(world);
    await clock.advance(3 * MINUTE);
  },
  wrong,
};

/** Somebody takes the finalizer off by hand: only the sweep is left to give the interfaces back. */
const orphaned: FaultStory = {
  name: 'interfaces whose NodeENI was removed by force',
  controller: true,
  prepare,
  async tell(world) {
    const { clock } = world;
    create(world, { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-2' }] });
    await clock.advance(3 * MINUTE);
    remove(world);
    patchObject(world, MULTUS, { metadata: { finalizers: null } });
    await clock.advance(45 * MINUTE);
  },
  wrong,
};

/** Milliseconds after the object was made, and after the leaving interface may go, at which instances end. */
const MOMENTS_MS = [...Array.from({ length: 25 }, (_, step) => step * 25), 1_000, 2_000, 2_300, 2_700, 4_000, 5_000];

/** An instance that ends while its interface is made, attached, marked, detached or deleted. */
export const endingStories: readonly FaultStory[] = MOMENTS_MS.map((ms) => ({
  name: `instances that end ${ms} ms after something began`,
  controller: true,
  prepare,
  async tell(world) {
    const { clock } = world;
    create(world, { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-2' }] });
    await clock.advance(ms);
    world.cloud.setInstanceState('i-b', 'terminated');
    await clock.advance(20 * SECOND);
    removeNode(world, 'b');
    await clock.advance(3 * MINUTE);
    has(world, 'a', 1);
    note(world, ours(world).length !== 1 && `${ours(world).length} interfaces for one node`);
    label(world, 'a', null);
    await clock.advance(10 * SECOND + ms);
    world.cloud.setInstanceState('i-a', 'terminated');
    await clock.advance(20 * SECOND);
    removeNode(world, 'a');
    await clock.advance(3 * MINUTE);
    remove(world);
    await clock.advance(3 * MINUTE);
  },
  wrong,
}));

export const nodeEniStories: readonly FaultStory[] = [comingAndGoing, replacedAndInterrupted, changedInPlace, orphaned];
