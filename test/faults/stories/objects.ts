import { createObject, deleteObject, listObjects, type ObjectRef, patchObject } from '../../support/world/objects.ts';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import { clusterEips } from '../bystanders.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';
import { publicIpOf } from './pod-elastic-ips.ts';

const LIFE = { kind: 'EIP', name: 'life' } as const;
const EGRESS = { kind: 'Eip', name: 'egress' } as const;
const WAN = { kind: 'ENI', name: 'wan' } as const;

/** What must hold while something still lives, checked at the end of a pause in the story. */
const notes = new WeakMap<World, string[]>();
function note(world: World, fault: string | false): void {
  if (fault !== false) notes.set(world, [...(notes.get(world) ?? []), fault]);
}

function ended(world: World, kind: ObjectRef['kind']): string[] {
  const objects = listObjects(world, kind).map(({ metadata }) => `${kind} ${metadata.name} was not finished`);
  const eips = clusterEips(world).map((eip) => `leaked ${eip.allocationId} ${JSON.stringify(eip.tagSet)}`);
  return [...(notes.get(world) ?? []), ...objects, ...eips];
}

/** An object's Elastic IP goes from pod to pod and ends with the object. */
const eipOfPods: FaultStory = {
  name: 'an EIP object that goes from pod to pod',
  controller: true,
  prepare: applyDefinitions,
  async tell(world) {
    const { clock, node } = world;
    node('a').runPod({ name: 'first', podIp: '10.0.1.1' });
    node('b').runPod({ name: 'second', podIp: '10.0.2.1' });
    createObject(world, LIFE, { tags: { a: '1' }, assignment: { podName: 'first' } });
    await clock.advance(5 * MINUTE);
    note(world, publicIpOf(world, '10.0.1.1') === undefined && 'the first pod has no Elastic IP after 5 min');
    patchObject(world, LIFE, { spec: { tags: { a: '2' }, assignment: { podName: 'second' } } });
    await clock.advance(5 * MINUTE);
    note(world, publicIpOf(world, '10.0.2.1') === undefined && 'the second pod has no Elastic IP after 5 min');
    note(world, clusterEips(world).length > 1 && 'the Elastic IP is doubled');
    deleteObject(world, LIFE);
    await clock.advance(10 * MINUTE);
  },
  wrong: (world) => ended(world, 'EIP'),
};

/** k8s-eip-operator: the object is created and deleted with the labelled pod. */
const autocreated: FaultStory = {
  name: 'an Eip object created with its pod',
  controller: true,
  prepare: applyDefinitions,
  async tell(world) {
    const { clock, node } = world;
    const labels = { 'eip.materialize.cloud/manage': 'true', 'eip.materialize.cloud/autocreate_eip': 'true' };
    node('a').runPod({ name: 'pod', podIp: '10.0.1.1', labels });
    await clock.advance(5 * MINUTE);
    note(world, publicIpOf(world, '10.0.1.1') === undefined && 'the pod has no Elastic IP after 5 min');
    node('a').deletePod('pod');
    await clock.advance(10 * MINUTE);
  },
  wrong: (world) => ended(world, 'Eip'),
};

/** An egress address that leaves a node which is not ready any more. */
const eipOfNodes: FaultStory = {
  name: 'an Eip object for nodes',
  controller: true,
  prepare(world) {
    applyDefinitions(world);
    for (const { name } of world.nodes) label(world, name, { role: 'egress', 'eip.materialize.cloud/manage': 'true' });
  },
  async tell(world) {
    const { clock } = world;
    createObject(world, EGRESS, { selector: { node: { selector: { role: 'egress' } } } });
    await clock.advance(5 * MINUTE);
    const first = holderNode(world);
    note(world, first === undefined && 'no node has the Elastic IP after 5 min');
    if (first !== undefined) {
      const patch = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
      patchObject(world, { kind: 'Node', name: first }, patch, 'status');
    }
    await clock.advance(5 * MINUTE);
    note(world, holderNode(world) === first && `the Elastic IP is still on ${first}`);
    deleteObject(world, EGRESS);
    await clock.advance(10 * MINUTE);
  },
  wrong: (world) => ended(world, 'Eip'),
};

/** An interface that follows its pod from node to node and ends with the object. */
const eniOfPods: FaultStory = {
  name: 'an ENI object that follows its pod',
  controller: true,
  prepare(world) {
    applyDefinitions(world);
    Object.assign(world.cloud.knobs, { attachMs: 2 * SECOND, detachMs: 4 * SECOND });
  },
  async tell(world) {
    const { clock, node } = world;
    node('a').runPod({ name: 'router', podIp: '10.0.1.1' });
    createObject(world, WAN, {
      subnetID: 'subnet-1',
      secondaryPrivateIPAddressCount: 2,
      attachment: { podName: 'router' },
    });
    await clock.advance(5 * MINUTE);
    note(world, placeOfOurs(world) !== 'i-a' && `the interface is on ${placeOfOurs(world)} instead of i-a`);
    node('a').deletePod('router');
    await clock.advance(SECOND);
    node('b').runPod({ name: 'router', podIp: '10.0.2.1' });
    await clock.advance(8 * MINUTE);
    note(world, placeOfOurs(world) !== 'i-b' && `the interface is on ${placeOfOurs(world)} instead of i-b`);
    deleteObject(world, WAN);
    await clock.advance(10 * MINUTE);
  },
  wrong: (world) => [...ended(world, 'ENI'), ...ours(world).map(({ id }) => `leaked ${id}`)],
};

export const objectStories: readonly FaultStory[] = [eipOfPods, autocreated, eipOfNodes, eniOfPods];

function label(world: World, name: string, labels: Record<string, string>): void {
  patchObject(world, { kind: 'Node', name }, { metadata: { labels } });
}

function holderNode(world: World): string | undefined {
  const [eip] = clusterEips(world).filter(({ associationId }) => associationId !== undefined);
  return world.nodes.find((node) => node.primaryEni === eip?.networkInterfaceId)?.name;
}

/** Interfaces that were made for objects. */
function ours(world: World) {
  return world.cloud.state
    .allInterfaces(world.clock.now())
    .filter(({ tags }) => Array.from(tags.keys()).some((key) => key.startsWith('eni-agent.io/')));
}

function placeOfOurs(world: World): string {
  const places = ours(world).map(({ attachment }) => attachment?.instanceId ?? 'no instance');
  return places.join(' and ') || 'nowhere: it does not exist';
}
