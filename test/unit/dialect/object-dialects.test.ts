import { describe, expect, it } from 'vitest';
import { awsOperator } from '../../../lib/dialect/aws-operator.ts';
import { eipOperator } from '../../../lib/dialect/eip-operator.ts';
import { handover, withPrimary } from '../../../lib/dialect/handover.ts';
import type { CustomObject, EipObjectOutcome } from '../../../lib/model/eip-objects/eip-object.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { JsonObject } from '../../../lib/model/json.ts';
import { choosePool } from '../../../lib/plan/eip-objects/choose-pool.ts';
import { mergePatch } from '../../../lib/plan/eip-objects/merge-patch.ts';
import { elasticIp } from '../../support/builders.ts';

const CONTEXT = { clusterName: 'test', defaultTags: { team: 'media' } };
const BOUND: EipObjectOutcome = {
  state: 'assigned',
  eip: elasticIp({ publicIp: ip('198.51.100.1') }),
  bound: { eni: 'eni-1', privateIp: ip('10.0.0.10'), associationId: 'eipassoc-1', holder: 'web', holderUid: 'uid-web' },
  refusal: undefined,
};

function object(spec: JsonObject, fields: Partial<CustomObject> = {}): CustomObject {
  return {
    namespace: 'apps',
    name: 'a',
    uid: 'uid-a',
    resourceVersion: '1',
    deleting: false,
    finalizers: [],
    owners: [],
    spec,
    status: {},
    ...fields,
  };
}

describe('EIP of k8s-aws-operator', () => {
  it.each<[JsonObject, object]>([
    [{}, { kind: 'none' }],
    [{ assignment: {} }, { kind: 'none' }],
    [{ assignment: { podName: 'web' } }, { kind: 'pod', name: 'web' }],
    [{ assignment: { privateIPAddress: '10.0.0.9' } }, { kind: 'private-ip', address: '10.0.0.9' }],
    [{ assignment: { eni: 'my-eni' } }, { kind: 'eni', name: 'my-eni', addressIndex: 0 }],
    [{ assignment: { eni: 'my-eni', eniPrivateIPAddressIndex: 2 } }, { kind: 'eni', name: 'my-eni', addressIndex: 2 }],
  ])('%j is assigned to %j', (spec, assignment) => {
    expect(awsOperator.claimOf(object(spec), CONTEXT)).toMatchObject({ assignment });
  });

  it.each<[JsonObject, object]>([
    [{}, { pools: ['amazon'], address: undefined }],
    [{ publicIPv4Pool: 'p1' }, { pools: ['p1'] }],
    [{ publicIPv4Pools: ['p1', 'p2', 'p1'] }, { pools: ['p1', 'p2'] }],
    [{ publicIPAddress: '203.0.113.7' }, { pools: [], address: '203.0.113.7' }],
    [
      { publicIPv4Address: '203.0.113.7', publicIPv4Pool: 'p1' },
      { pools: ['p1'], address: '203.0.113.7' },
    ],
  ])('%j is obtained as %j', (spec, allocation) => {
    expect(awsOperator.claimOf(object(spec), CONTEXT)).toMatchObject({ allocation });
  });

  it.each<[JsonObject, string]>([
    [{ assignment: { podName: 'a', eni: 'b' } }, 'exactly one'],
    [{ assignment: { privateIPAddress: '10.0.0.999' } }, '"10.0.0.999" is not an IPv4 address'],
    [{ publicIPAddress: '2001:db8::1' }, '"2001:db8::1" is not an IPv4 address'],
  ])('%j is refused, but given back when it is deleted', (spec, message) => {
    expect(awsOperator.claimOf(object(spec), CONTEXT)).toEqual({
      reason: 'InvalidSpec',
      message: expect.stringContaining(message),
    });
    expect(awsOperator.claimOf(object(spec, { deleting: true }), CONTEXT)).toMatchObject({
      assignment: { kind: 'none' },
    });
  });

  it('refuses in a few words what EC2 would never take', () => {
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 'v']));
    const long = 'x'.repeat(100_000);
    for (const spec of [
      { tags: many },
      { tags: { [`eni-agent.io/${long}`]: 'x' } },
      { publicIPAddress: long },
      { assignment: { privateIPAddress: long } },
    ]) {
      const refusal = awsOperator.claimOf(object(spec), CONTEXT);
      expect(refusal).toMatchObject({ reason: 'InvalidSpec' });
      expect('message' in refusal && refusal.message.length).toBeLessThan(300);
      const deleted = awsOperator.claimOf(object(spec, { deleting: true }), CONTEXT);
      expect('tags' in deleted && Object.keys(deleted.tags).length).toBeLessThan(60);
    }
  });

  it('marks its EIP with the uid and prunes tags only if it lists some', () => {
    const listed = awsOperator.claimOf(object({ tags: { owner: 'My team' } }), CONTEXT);
    expect(listed).toMatchObject({
      tags: {
        owner: 'My team',
        team: 'media',
        'eni-agent.io/object-uid': 'uid-a',
        'eni-agent.io/object': 'apps/a',
        'eni-agent.io/cluster': 'test',
      },
      identity: { 'eni-agent.io/object-uid': 'uid-a' },
      prunesTagsBut: ['eni-agent.io/', 'aws:'],
    });
    expect(awsOperator.claimOf(object({}), CONTEXT)).toMatchObject({ prunesTagsBut: undefined });
    expect(awsOperator.ownerOf('tags' in listed ? listed.tags : {}, 'test')).toEqual({
      uid: 'uid-a',
      namespace: 'apps',
    });
    expect(awsOperator.ownerOf('tags' in listed ? listed.tags : {}, 'other')).toBeUndefined();
  });

  it('writes the status of its operator', () => {
    const claim = awsOperator.claimOf(object({ assignment: { podName: 'web' } }), CONTEXT);
    if ('reason' in claim) throw new Error(claim.message);
    expect(awsOperator.statusOf(claim, BOUND)).toEqual({
      state: 'assigned',
      allocationId: 'eipalloc-1',
      publicIPAddress: '198.51.100.1',
      associationId: 'eipassoc-1',
      assignment: { podName: 'web', privateIPAddress: '10.0.0.10' },
      podUUID: 'uid-web',
    });
  });
});

describe('Eip of k8s-eip-operator', () => {
  it.each<[JsonObject, object, unknown]>([
    [
      { podName: 'web' },
      { kind: 'pod', name: 'web' },
      { podName: null, selector: { pod: { podName: 'web' }, node: null } },
    ],
    [{ selector: { pod: { podName: 'web' } } }, { kind: 'pod', name: 'web' }, undefined],
    [{ selector: { node: { selector: { role: 'egress' } } } }, { kind: 'node', labels: { role: 'egress' } }, undefined],
  ])('%j is assigned to %j', (spec, assignment, upgrade) => {
    expect(eipOperator.claimOf(object(spec), CONTEXT)).toMatchObject({ assignment, upgrade });
  });

  it.each<[JsonObject]>([
    [{}],
    [{ selector: {} }],
    [{ selector: { pod: { podName: 'a' }, node: { selector: { b: 'c' } } } }],
    [{ selector: { node: { selector: {} } } }],
  ])('%j is refused', (spec) => {
    expect(eipOperator.claimOf(object(spec), CONTEXT)).toMatchObject({ reason: 'InvalidSpec' });
  });

  it('tags nodes by their selector', () => {
    const claim = eipOperator.claimOf(object({ selector: { node: { selector: { role: 'egress' } } } }), CONTEXT);
    expect(claim).toMatchObject({
      tags: {
        team: 'media',
        Name: 'eip-operator:test:apps:a',
        'eip.materialize.cloud/node_selector': '{"role":"egress"}',
      },
    });
  });

  it('writes the status of its operator', () => {
    const claim = eipOperator.claimOf(object({ podName: 'web' }), CONTEXT);
    if ('reason' in claim) throw new Error(claim.message);
    expect(eipOperator.statusOf(claim, BOUND)).toEqual({
      allocationId: 'eipalloc-1',
      publicIpAddress: '198.51.100.1',
      eni: 'eni-1',
      privateIpAddress: '10.0.0.10',
      resourceId: 'web',
      associationId: 'eipassoc-1',
    });
  });
});

describe('the handover annotation', () => {
  const pod = (text: string) => ({
    namespace: 'apps',
    name: 'web',
    uid: 'u',
    nodeName: 'n',
    phase: 'Running' as const,
    terminating: false,
    hostNetwork: false,
    podIps: [],
    labels: {},
    annotations: { 'eni-agent.io/eip-handover': text },
    conditions: [],
    finalizers: [],
  });
  const context = { clusterName: 'test', nodeName: 'n' };

  it('becomes fixed claims that outlive the pod under its name', () => {
    expect(handover.requests(pod('eipalloc-1, net1=eipalloc-2'), context).claims).toMatchObject([
      {
        id: 'handover|apps/web|eth0',
        source: { kind: 'fixed', allocationId: 'eipalloc-1' },
        tags: { 'eni-agent.io/handover-pod': 'apps/web' },
      },
      { id: 'handover|apps/web|net1', source: { kind: 'fixed', allocationId: 'eipalloc-2' } },
    ]);
  });

  it('takes allocation ids only', () => {
    const { claims, refusals } = handover.requests(pod('auto'), context);
    expect(claims).toEqual([]);
    expect(refusals).toMatchObject([{ reason: 'InvalidAnnotation' }]);
  });

  const ours = (id: string) => id !== 'eipalloc-9';
  it.each<[string | undefined, string | undefined, string | null]>([
    [undefined, 'eipalloc-1', 'eipalloc-1'],
    ['eipalloc-1', 'eipalloc-1', 'eipalloc-1'],
    ['eipalloc-2', 'eipalloc-1', 'eipalloc-1'],
    ['eipalloc-1', undefined, null],
    ['eipalloc-9', undefined, 'eipalloc-9'],
    ['net1=eipalloc-9', 'eipalloc-1', 'eipalloc-1, net1=eipalloc-9'],
    ['net1=eipalloc-1', 'eipalloc-1', 'eipalloc-1'],
    [undefined, undefined, null],
  ])('%s with %s becomes %s', (before, wanted, after) => {
    expect(withPrimary(before, wanted, ours)).toBe(after);
  });
});

describe('mergePatch', () => {
  it.each<[JsonObject, JsonObject, JsonObject | undefined]>([
    [{}, { a: 1 }, { a: 1 }],
    [{ a: 1 }, { a: 1 }, undefined],
    [{ a: 1, b: 2 }, { a: undefined }, { a: null }],
    [{}, { a: undefined }, undefined],
    [{ a: { x: 1, y: 2 } }, { a: { x: 1, z: 3 } }, { a: { y: null, z: 3 } }],
    [{ a: { x: 1 } }, { a: { x: 1 } }, undefined],
    [{ a: [1] }, { a: [1, 2] }, { a: [1, 2] }],
    [{ other: 1 }, {}, undefined],
  ])('from %j to %j is %j', (current, wanted, patch) => {
    expect(mergePatch(current, wanted)).toEqual(patch);
  });
});

describe('choosePool', () => {
  const pool = (id: string, available: number) => ({ id, total: 16, available, tags: {} });
  it.each([
    [['a', 'b'], [pool('a', 1), pool('b', 9)], 'b'],
    [['a', 'b'], [pool('a', 4), pool('b', 4)], 'a'],
    [['a', 'unknown'], [pool('a', 1)], 'a'],
    [['amazon'], [], 'amazon'],
    [[], [], undefined],
  ])('of %j is %#', (named, known, expected) => {
    expect(choosePool(named, known)).toBe(expected);
  });
});
