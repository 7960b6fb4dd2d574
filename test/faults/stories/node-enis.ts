import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';

const API = 'eni-agent.io/v1alpha1';

function create(world: World, spec: object): void {
  const manifest = { apiVersion: API, kind: 'NodeENI', metadata: { name: 'multus' }, spec };
  world.kubeState.api.create(world.resource('nodeenis', API), undefined, manifest);
}

function change(world: World, spec: object): void {
  const patch = { spec };
  world.kubeState.api.patch(world.resource('nodeenis', API), 'main', undefined, 'multus', { format: 'merge', patch });
}

function label(world: World, node: string, role: string | null): void {
  const patch = { metadata: { labels: { role } } };
  world.kubeState.api.patch(world.resource('nodes'), 'main', undefined, node, { format: 'merge', patch } as never);
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
  const objects = world.objects('nodeenis', API).map(({ metadata }) => `NodeENI ${metadata.name} was not finished`);
  return [...(notes.get(world) ?? []), ...objects, ...ours(world).map(({ id }) => `leaked ${id}`)];
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
    world.kubeState.api.delete(world.resource('nodes'), undefined, 'a');
    await clock.advance(5 * MINUTE);
    world.kubeState.api.delete(world.resource('nodeenis', API), undefined, 'multus');
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
    world.kubeState.api.delete(world.resource('nodes'), undefined, 'b');
    kubelet.delete('user');
    kubelet.confirmDeletion('user');
    await clock.advance(8 * MINUTE);
    has(world, 'a', 1);
    note(world, on(world, 'a')[0]?.subnetId !== 'subnet-1' && 'the interface was not replaced');
    note(world, ours(world).length > 1 && 'an interface was leaked or doubled');
    world.kubeState.api.delete(world.resource('nodeenis', API), undefined, 'multus');
    await clock.advance(5 * MINUTE);
  },
  wrong,
};

export const nodeEniStories: readonly FaultStory[] = [comingAndGoing, replacedAndInterrupted];
