import { describe, expect, it } from 'vitest';
import { ip } from '../../../../lib/model/ip.ts';
import type { InterfaceUser, NodeEniSnapshot, NodeEniStep } from '../../../../lib/model/node-enis/plan.ts';
import { planNodeEnis } from '../../../../lib/plan/node-enis/plan.ts';
import { interfaceOf, NOW, nodeOf, objectOf, snapshotOf } from './builders.ts';

const attachment = interfaceOf('a').attachment as NonNullable<ReturnType<typeof interfaceOf>['attachment']>;

function shown(step: NodeEniStep): string {
  if (step.kind === 'create') return `create in ${step.subnetId} for ${step.node}`;
  if (step.kind === 'attach') return `attach ${step.eni} to ${step.instanceId} at ${step.deviceIndex}`;
  return 'eni' in step ? `${step.kind} ${step.eni}` : step.kind;
}

const plan = (more: Partial<NodeEniSnapshot>) => planNodeEnis(snapshotOf(more));
const steps = (more: Partial<NodeEniSnapshot>) => plan(more).steps.map(shown);
const reasons = (more: Partial<NodeEniSnapshot>) =>
  plan(more).statuses.flatMap(({ status }) => status.nodes.map(({ node, reason }) => `${node}: ${reason ?? 'fine'}`));
const users = (...pods: InterfaceUser[]) => new Map([['a', { pods, at: NOW }]]);
const user = { pod: 'ns/p', uses: new Set(['02:00:00:00:00:01']) };

describe('the next step for a slot', () => {
  const unattached = interfaceOf('a', { attachment: undefined });
  const other = [nodeOf('a', { labels: {} })];
  const leftLongAgo = new Map([['eni-a', NOW - 60_000]]);
  it.each<[string, Partial<NodeEniSnapshot>, string[]]>([
    ['nothing is there yet', {}, ['create in subnet-a for a']],
    [
      'nodes of two zones',
      { nodes: [nodeOf('a'), nodeOf('b')], objects: [objectOf({ subnets: [{ id: 'subnet-a' }, { id: 'subnet-b' }] })] },
      ['create in subnet-a for a', 'create in subnet-b for b'],
    ],
    ['the interfaces were not read yet', { interfacesAt: undefined }, []],
    ['the instance was not read yet', { rooms: new Map() }, []],
    ['the interface is made', { interfaces: [unattached] }, ['attach eni-a to i-a at 2']],
    [
      'it is attached and not marked',
      { interfaces: [interfaceOf('a', { attachment: { ...attachment, deleteOnTermination: false } })] },
      ['delete-on-termination eni-a'],
    ],
    ['all is as it should be', { interfaces: [interfaceOf('a')] }, []],
    [
      'a tag is missing',
      { interfaces: [interfaceOf('a', { tags: { 'node.k8s.amazonaws.com/no_manage': 'false' } })] },
      ['tag eni-a'],
    ],
    [
      'the check is to be off',
      { objects: [objectOf({ sourceDestCheck: false })], interfaces: [interfaceOf('a')] },
      ['set-check eni-a'],
    ],
    [
      'the description is another',
      { objects: [objectOf({ description: 'x' })], interfaces: [interfaceOf('a')] },
      ['set-description eni-a'],
    ],
    [
      'the groups are others',
      { objects: [objectOf({ securityGroups: [{ id: 'sg-1' }] })], interfaces: [interfaceOf('a')] },
      ['set-groups eni-a'],
    ],
    [
      'there are two for one slot: the unattached one goes',
      { interfaces: [interfaceOf('a'), { ...unattached, id: 'eni-twin' }] },
      ['delete eni-twin'],
    ],
    [
      'somebody attached it elsewhere',
      { interfaces: [interfaceOf('a', { attachment: { ...attachment, instanceId: 'i-x' } })] },
      [],
    ],
    [
      'the spec makes no sense',
      { objects: [objectOf({}, { faults: ['spec.subnets is empty'] })], interfaces: [interfaceOf('a')] },
      [],
    ],
    [
      'another cluster has it',
      { interfaces: [interfaceOf('a', { tags: { 'eni-agent.io/cluster': 'other' } })] },
      ['create in subnet-a for a'],
    ],
    ['nobody wants it any more: first it is announced', { nodes: other, interfaces: [interfaceOf('a')] }, []],
    [
      'it was announced as leaving, and nothing uses it',
      { nodes: other, interfaces: [interfaceOf('a')], leavingSince: leftLongAgo, users: users() },
      ['detach eni-a'],
    ],
    [
      'it was announced as leaving, and a pod uses it',
      { nodes: other, interfaces: [interfaceOf('a')], leavingSince: leftLongAgo, users: users(user) },
      [],
    ],
    [
      'it was announced as leaving, and an address is on it',
      {
        nodes: other,
        interfaces: [interfaceOf('a', { addresses: [{ ip: ip('10.0.64.20'), primary: false }] })],
        leavingSince: leftLongAgo,
        users: users(),
      },
      [],
    ],
    [
      'nobody wants it, and the policy is Retain',
      {
        nodes: other,
        objects: [objectOf({ deletionPolicy: 'Retain' })],
        interfaces: [interfaceOf('a')],
        leavingSince: leftLongAgo,
        users: users(),
      },
      ['keep-on-termination eni-a'],
    ],
    [
      'its Node object is gone but the instance runs',
      { nodes: [], interfaces: [interfaceOf('a')], leavingSince: leftLongAgo, users: users() },
      [],
    ],
    [
      'its instance is gone before it was attached',
      { nodes: [], rooms: new Map([['i-a', { at: NOW, room: undefined }]]), interfaces: [unattached] },
      ['delete eni-a'],
    ],
  ])('%s', (_, more, expected) => {
    expect(steps(more)).toEqual(expected);
  });
});

describe('what cannot be changed', () => {
  const moved = [objectOf({ subnets: [{ id: 'subnet-c' }] })];

  it('is replaced only when nothing uses it, and the condition says who does', () => {
    const inUse = { objects: moved, interfaces: [interfaceOf('a')], users: users(user) };
    expect(steps(inUse)).toEqual([]);
    expect(reasons(inUse)).toEqual(['a: InUse']);
    expect(plan(inUse).statuses[0]?.status.condition?.message).toContain('ns/p');
    expect(plan({ ...inUse, users: new Map() }).read.users).toEqual(['a']);
    const announced = { ...inUse, users: users(), leavingSince: new Map([['eni-a', NOW - 60_000]]) };
    expect(steps(announced)).toEqual(['detach eni-a']);
  });

  it.each([
    ['a device index below the one of the spec', { deviceIndex: 3 }],
    ['another network card', { networkCard: 1 }],
    ['another subnet of the zone', { subnets: [{ id: 'subnet-c' }] }],
  ])('%s makes it leave', (_, spec) => {
    expect(reasons({ objects: [objectOf(spec)], interfaces: [interfaceOf('a')], users: users() })).toEqual([
      'a: Leaving',
    ]);
  });

  it('counts only when it is known: a subnet that EC2 does not know replaces nothing', () => {
    expect(reasons({ objects: [objectOf({ subnets: [{ id: 'subnet-x' }] })], interfaces: [interfaceOf('a')] })).toEqual(
      ['a: fine'],
    );
  });
});

describe('what one node cannot have', () => {
  it('is said with a reason, and the others go on', () => {
    const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('x', { instanceId: undefined })];
    expect(steps({ nodes })).toEqual(['create in subnet-a for a']);
    expect(reasons({ nodes }).toSorted()).toEqual(['a: fine', 'b: NoSubnetInZone', 'x: NodeUnknown']);
  });

  it('is never more than the type carries less what the VPC CNI keeps', () => {
    const objects = [objectOf({ count: 3 })];
    expect(steps({ objects })).toEqual(['create in subnet-a for a', 'create in subnet-a for a']);
    expect(reasons({ objects })).toEqual(['a: fine', 'a: fine', 'a: InstanceFull']);
  });

  it('gives no two slots of one instance the same place, also of several objects', () => {
    const twins = [
      interfaceOf('a', { attachment: undefined }),
      interfaceOf('a', { attachment: undefined, id: 'eni-2' }, 1),
    ];
    expect(steps({ objects: [objectOf({ count: 2 })], interfaces: twins })).toEqual([
      'attach eni-a to i-a at 2',
      'attach eni-2 to i-a at 3',
    ]);
  });

  it('shows a failure until its pause is over', () => {
    const failure = { reason: 'Unauthorized', message: 'no', until: NOW + 1 } as const;
    const failures = new Map([['u-1/i-a/0', failure]]);
    expect(steps({ failures })).toEqual([]);
    expect(reasons({ failures })).toEqual(['a: Unauthorized']);
    expect(steps({ failures: new Map([['u-1/i-a/0', { ...failure, until: NOW }]]) })).toHaveLength(1);
  });
});

describe('an object whose interfaces are gone', () => {
  const ending = { terminating: true };

  it('keeps its finalizer while an interface is left, a node still names it, or a call may still take effect', () => {
    const free = {
      objects: [objectOf({}, ending)],
      endings: new Map([['u-1', 'object' as const]]),
      nodes: [nodeOf('a')],
    };
    expect(steps(free)).toEqual(['remove-finalizer']);
    expect(steps({ ...free, createdAt: new Map([['u-1', NOW - 1_000]]) })).toEqual([]);
    expect(steps({ ...free, interfaces: [interfaceOf('a', { attachment: undefined })] })).toEqual(['delete eni-a']);
    const announcement = { wanted: 0, interfaces: [{ nodeEni: 'multus' }] } as never;
    expect(steps({ ...free, nodes: [nodeOf('a', { announced: 'x', announcement })] })).toEqual([]);
  });

  it('that goes with its definition keeps them', () => {
    const more = { objects: [objectOf({}, ending)], endings: new Map([['u-1', 'definition' as const]]) };
    expect(steps({ ...more, interfaces: [interfaceOf('a')] })).toEqual(['keep-on-termination eni-a']);
  });
});
