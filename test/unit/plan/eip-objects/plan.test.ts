import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsOperator } from '../../../../lib/dialect/aws-operator.ts';
import { eipOperator } from '../../../../lib/dialect/eip-operator.ts';
import { objectAdapter } from '../../../../lib/dialect/handover-adapter.ts';
import type { CustomObject, ObjectClaim } from '../../../../lib/model/eip-objects/eip-object.ts';
import type { ControllerNode, ControllerPod, ControllerSnapshot } from '../../../../lib/model/eip-objects/plan.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { planObjects } from '../../../../lib/plan/eip-objects/plan.ts';
import { elasticIp } from '../../../support/builders.ts';

const CONTEXT = { clusterName: 'test', defaultTags: {} };
const NOW = 1_000_000;

function object(name: string, fields: Partial<CustomObject> = {}): CustomObject {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    deleting: false,
    finalizers: ['aws.k8s.logmein.com'],
    owners: [],
    spec: {},
    status: {},
    ...fields,
  };
}

function claim(name: string, fields: Partial<CustomObject> = {}): ObjectClaim {
  const result = awsOperator.claimOf(object(name, fields), CONTEXT);
  if ('reason' in result) throw new Error(result.message);
  return result;
}

function nodeClaim(name: string): ObjectClaim {
  const spec = { selector: { node: { selector: { role: 'egress' } } } };
  const result = eipOperator.claimOf(object(name, { spec, finalizers: ['eip.materialize.cloud/destroy'] }), CONTEXT);
  if ('reason' in result) throw new Error(result.message);
  return result;
}

function eip(number: number, fields: Partial<ElasticIp> = {}): ElasticIp {
  return elasticIp({ allocationId: `eipalloc-${number}`, publicIp: ip(`198.51.100.${number}`), ...fields });
}

const at = (privateIp: string, eni = 'eni-1') => ({
  associationId: `eipassoc-${privateIp}`,
  eni,
  privateIp: ip(privateIp),
});

function pod(name: string, fields: Partial<ControllerPod> = {}): ControllerPod {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    nodeName: 'node-a',
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    podIps: [ip('10.0.0.10')],
    labels: {},
    annotations: {},
    conditions: [],
    finalizers: [],
    ...fields,
  };
}

function node(name: string, fields: Partial<ControllerNode> = {}): ControllerNode {
  return {
    name,
    resourceVersion: '1',
    labels: { role: 'egress' },
    finalizers: [],
    ready: true,
    deleting: false,
    instanceId: `i-${name}`,
    internalIp: undefined,
    ...fields,
  };
}

interface Scene extends Partial<Omit<ControllerSnapshot, 'claims' | 'pods'>> {
  readonly claims?: readonly ObjectClaim[];
  readonly pods?: readonly ControllerPod[];
  readonly eipsAfter?: number;
}

function plan({ claims = [], pods = [], eipsAfter = 0, ...rest }: Scene) {
  return planObjects(
    {
      now: NOW,
      claimsComplete: true,
      claimsRefused: false,
      podsKnown: true,
      nodes: [],
      nodesKnown: true,
      eniObjects: new Map(),
      eniObjectsKnown: true,
      eips: [],
      eipsAt: NOW,
      places: new Map(),
      backoffs: new Map(),
      endings: new Map(claims.map(({ object: { uid } }) => [uid, 'object'])),
      misplacedSince: new Map(),
      ...rest,
      claims: claims.map((one) => ({ claim: one, eipsAfter })),
      pods: new Map(pods.map((one) => [`default/${one.name}`, one])),
    },
    objectAdapter,
  );
}

const kinds = (scene: Scene) => plan(scene).steps.map(({ kind }) => kind);
const toPod = { spec: { assignment: { podName: 'web' } } };
const leftFor = (name: string) => ({
  'eni-agent.io/cluster': 'test',
  'eni-agent.io/retained-for': `EIP/default/${name}`,
});
const owned = (name: string) => ({ ...claim(name).tags, 'eni-agent.io/object-pod': 'web' });
const FOR_NEXT = { 'eni-agent.io/object-pod': 'next' };
const HANDED = { 'eni-agent.io/handover-cluster': 'test', 'eni-agent.io/handover-pod': 'default/web' };

describe('planObjects', () => {
  it.each([{ toString: 1, valueOf: 1 }, ['10.0.0.9'], null, 7])(
    'goes on when an ENI object has the address %j',
    (odd) => {
      const status = { networkInterfaceID: 'eni-1', privateIPAddresses: [odd] };
      const claims = [claim('a', { spec: { assignment: { eni: 'e' } } }), claim('b', toPod)];
      const eips = [eip(1, { tags: claims[0]?.tags ?? {} })];

      const { verdicts } = plan({ claims, eips, eniObjects: new Map([['default/e', object('e', { status })]]) });

      expect(
        verdicts.find(
          ({
            claim: {
              object: { name },
            },
          }) => name === 'a',
        )?.outcome.refusal?.reason,
      ).toBe('EipTargetMissing');
    },
  );

  const table: readonly [string, Scene, readonly string[]][] = [
    [
      'puts its finalizer on an object before anything else',
      { claims: [claim('a', { finalizers: [] })] },
      ['write-object'],
    ],
    ['allocates for an object that it holds, and says so', { claims: [claim('a')] }, ['allocate', 'write-status']],
    ['allocates nothing before the first look at EC2', { claims: [claim('a')], eipsAt: undefined }, []],
    ['allocates nothing on a look that may be too old', { claims: [claim('a')], eipsAfter: NOW + 1 }, []],
    [
      'allocates nothing while a refusal lasts',
      {
        claims: [claim('a')],
        backoffs: new Map([['uid-a', { reason: 'EipQuotaReached', message: 'full', until: NOW + 1, failures: 1 }]]),
      },
      ['write-status'],
    ],
    [
      'takes up an EIP that has the uid in its tags',
      { claims: [claim('a')], eips: [eip(1, { tags: owned('a') })] },
      ['write-status'],
    ],
    [
      'leaves an EIP alone that only the status names',
      {
        claims: [
          claim('a', { status: { state: 'allocated', allocationId: 'eipalloc-1', publicIPAddress: '198.51.100.1' } }),
        ],
        eips: [eip(1, { association: at('10.0.0.10') })],
      },
      [],
    ],
    [
      'leaves an EIP alone that the status of a copy names, and lets the copy go without it',
      {
        claims: [claim('copy', { deleting: true, status: { allocationId: 'eipalloc-1' } })],
        eips: [eip(1, { tags: owned('a') })],
      },
      ['write-object'],
    ],
    [
      'leaves an EIP alone that the spec names by its address',
      { claims: [claim('a', { spec: { publicIPAddress: '198.51.100.1' } })], eips: [eip(1)] },
      [],
    ],
    [
      'leaves an EIP alone that has the uid in another cluster',
      {
        claims: [claim('a', { deleting: true })],
        eips: [eip(1, { tags: { ...owned('a'), 'eni-agent.io/cluster': 'copy' } })],
      },
      ['write-object'],
    ],
    [
      'adopts an EIP that was left for an object of its name, and only for that',
      { claims: [claim('a'), claim('b')], eips: [eip(1, { tags: leftFor('a') }), eip(2, { tags: leftFor('c') })] },
      ['tag', 'allocate', 'write-status'],
    ],
    [
      'takes the mark off an EIP that has its object again',
      { claims: [claim('a')], eips: [eip(1, { tags: { ...leftFor('a'), ...owned('a') } })] },
      ['untag', 'write-status'],
    ],
    [
      'asks why an object goes before its EIP goes',
      { claims: [claim('a', { deleting: true })], eips: [eip(1, { tags: owned('a') })], endings: new Map() },
      ['ask-ending'],
    ],
    [
      'marks the EIP of an object that goes with its namespace, and leaves it where it is',
      {
        claims: [claim('a', { deleting: true })],
        eips: [eip(1, { tags: owned('a'), association: at('10.0.0.10') })],
        endings: new Map([['uid-a', 'namespace']]),
      },
      ['tag'],
    ],
    [
      'then lets the object go',
      {
        claims: [claim('a', { deleting: true })],
        eips: [eip(1, { tags: { ...owned('a'), ...leftFor('a') }, association: at('10.0.0.10') })],
        endings: new Map([['uid-a', 'definition']]),
      },
      ['write-object'],
    ],
    [
      'keeps the EIP of an object that says so, whatever deletes it',
      {
        claims: [claim('a', { deleting: true, deletionPolicy: 'Retain' })],
        eips: [eip(1, { tags: owned('a') })],
        endings: new Map(),
      },
      ['tag'],
    ],
    [
      'releases the EIP of an object that says so, whatever deletes it',
      {
        claims: [claim('a', { deleting: true, deletionPolicy: 'Release' })],
        eips: [eip(1, { tags: owned('a') })],
        endings: new Map([['uid-a', 'definition']]),
      },
      ['release', 'write-status'],
    ],
    [
      'allocates nothing in place of an EIP that the status names and EC2 does not know',
      { claims: [claim('a', { status: { allocationId: 'eipalloc-9' } })] },
      [],
    ],
    [
      'releases a surplus twin that is free',
      {
        claims: [
          claim('a', { status: { state: 'allocated', allocationId: 'eipalloc-1', publicIPAddress: '198.51.100.1' } }),
        ],
        eips: [eip(1, { tags: owned('a') }), eip(2, { tags: owned('a') })],
      },
      ['release'],
    ],
    [
      'hands a free EIP to its pod',
      { claims: [claim('a', toPod)], eips: [eip(1, { tags: owned('a') })], pods: [pod('web')] },
      ['write-status', 'write-pod'],
    ],
    [
      'hands an EIP over where it is already',
      {
        claims: [claim('a', toPod)],
        eips: [eip(1, { tags: owned('a'), association: at('10.0.0.10') })],
        pods: [pod('web')],
      },
      ['write-status', 'write-pod'],
    ],
    [
      'ends a stale association that no agent looks after',
      {
        claims: [claim('a', toPod)],
        eips: [eip(1, { tags: owned('a'), association: at('10.0.0.99') })],
        pods: [pod('web')],
      },
      ['disassociate', 'write-status'],
    ],
    [
      'hands an EIP over only with the tag that names the pod, which proves it to the agent',
      {
        claims: [claim('a', toPod)],
        eips: [eip(1, { tags: { ...owned('a'), ...FOR_NEXT } })],
        pods: [pod('web')],
      },
      ['tag', 'write-status'],
    ],
    [
      'waits for a living pod’s agent to let the EIP go',
      {
        claims: [claim('a', { spec: { assignment: { podName: 'next' } } })],
        eips: [eip(1, { tags: { ...owned('a'), ...HANDED, ...FOR_NEXT }, association: at('10.0.0.10') })],
        pods: [pod('web'), pod('next')],
      },
      ['write-status'],
    ],
    [
      'does not wait for a silent agent forever',
      {
        claims: [claim('a', { spec: { assignment: { podName: 'next' } } })],
        eips: [eip(1, { tags: { ...owned('a'), ...HANDED, ...FOR_NEXT }, association: at('10.0.0.10') })],
        pods: [pod('web'), pod('next')],
        misplacedSince: new Map([['eipalloc-1', NOW - 10_000]]),
      },
      ['disassociate', 'write-status'],
    ],
    [
      'leaves everything alone while the pods load',
      { claims: [claim('a', toPod)], eips: [eip(1, { tags: owned('a') })], podsKnown: false },
      [],
    ],
    [
      'looks an address up before binding to it',
      {
        claims: [claim('a', { spec: { assignment: { privateIPAddress: '10.0.0.7' } } })],
        eips: [eip(1, { tags: owned('a') })],
      },
      ['look-up', 'write-status'],
    ],
    [
      'takes the annotation off the pod before it releases',
      {
        claims: [claim('a', { deleting: true, ...toPod })],
        eips: [eip(1, { tags: owned('a') })],
        pods: [pod('web', { annotations: { 'eni-agent.io/eip-handover': 'eipalloc-1' } })],
      },
      ['write-status', 'write-pod'],
    ],
    [
      'releases what is free',
      { claims: [claim('a', { deleting: true })], eips: [eip(1, { tags: owned('a') })] },
      ['release', 'write-status'],
    ],
    [
      'lets the object go when its EIP is gone',
      { claims: [claim('a', { deleting: true, status: { allocationId: 'eipalloc-1' } })] },
      ['write-object'],
    ],
    [
      'keeps the object while EC2’s list may be late',
      { claims: [claim('a', { deleting: true })], eipsAfter: NOW + 1 },
      [],
    ],
    [
      'touches no EIP that no object names',
      { claims: [], eips: [eip(1, { association: at('10.0.0.10') }), eip(2, { tags: owned('gone') })] },
      [],
    ],
  ];

  it.each(table)('%s', (_, scene, expected) => {
    expect(kinds(scene)).toEqual(expected);
  });

  it('gives each node one EIP, skips nodes that are not Ready, and leaves on its node who is there', () => {
    const [first, second] = [nodeClaim('first'), nodeClaim('second')];
    const nodes = [
      node('a', { ready: false }),
      node('b', { internalIp: ip('10.0.0.2') }),
      node('c', { internalIp: ip('10.0.0.3') }),
    ];
    const eips = [eip(1, { tags: first.tags }), eip(2, { tags: second.tags, association: at('10.0.0.2', 'eni-b') })];
    const steps = plan({ claims: [first, second], nodes, eips }).steps.filter(({ kind }) => kind === 'look-up');

    expect(steps).toMatchObject([{ query: { instanceId: 'i-c' } }, { query: { instanceId: 'i-b' } }]);
  });

  const egress = (value: string) => ({ role: 'egress', 'egress-gateway.materialize.cloud/ready-status': value });
  const labels = (scene: Scene) =>
    plan(scene).steps.flatMap((step) =>
      step.kind === 'write-node' ? [`${step.node.name} ${JSON.stringify(step.patch)}`] : [],
    );

  it.each<[string, Scene, number]>([
    ['says no more what a deleted object left on it', {}, 1],
    ['keeps its label while objects load', { claimsComplete: false }, 0],
    ['keeps its label while an object cannot be understood', { claimsRefused: true }, 0],
    [
      'keeps its label with an Elastic IP that outlived its object',
      { eips: [eip(1, { tags: { 'eni-agent.io/retained-for': 'Eip/ns/a' }, association: at('10.0.0.2') })] },
      0,
    ],
  ])('a node that no object chooses %s', (_, scene, count) => {
    const nodes = [
      node('a', { labels: egress('true'), internalIp: ip('10.0.0.2') }),
      node('b', { labels: egress('false') }),
      node('c'),
    ];
    const told = labels({ nodes, ...scene });

    expect(told).toHaveLength(count);
    expect(told.every((text) => text.includes('"egress-gateway.materialize.cloud/ready-status":"false"'))).toBe(true);
  });

  it('decides the same whatever the order of objects, and never hands one EIP to two pods', () => {
    const all = ['a', 'b', 'c', 'd'].map((name, index) =>
      claim(name, { spec: { assignment: { podName: index % 2 ? 'web' : 'other' } } }),
    );
    const eips = all.map((one, index) => eip(index + 1, { tags: one.tags }));
    const pods = [pod('web'), pod('other', { podIps: [ip('10.0.0.11')] })];
    const sorted = (claims: readonly ObjectClaim[]) =>
      plan({ claims, eips, pods })
        .steps.map(({ key, kind }) => `${key} ${kind}`)
        .toSorted();
    const expected = sorted(all);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 4 }), (claims) => {
        expect(sorted(claims)).toEqual(expected);
      }),
    );
    const patches = plan({ claims: all, eips, pods }).steps.flatMap((step) =>
      step.kind === 'write-pod' ? [JSON.stringify(step.patch)] : [],
    );
    expect(new Set(patches).size).toBe(2);
  });
});
