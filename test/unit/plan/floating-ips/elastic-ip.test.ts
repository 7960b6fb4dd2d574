import { describe, expect, it } from 'vitest';
import { ownersOf } from '../../../../lib/dialect/eip-owners.ts';
import type { EipSource } from '../../../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import type { EipStep } from '../../../../lib/model/elastic-ips/plan.ts';
import { FLOATING_IP_TAG, floatingIpTags } from '../../../../lib/model/floating-ips/tags.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { decideElasticIp, type ElasticIpGoal } from '../../../../lib/plan/floating-ips/elastic-ip.ts';
import { elasticIp } from '../../../support/builders.ts';

const VIP = ip('10.0.0.201');
const OWNER = { clusterName: 'c', name: 'web', uid: 'u1' };
const OURS = floatingIpTags(OWNER, 'auto');
const TAKEN = floatingIpTags(OWNER, 'eipalloc-7');
const EARLIER = floatingIpTags({ ...OWNER, uid: 'u0' }, 'auto');
const BEFORE_SOURCE = { [FLOATING_IP_TAG.cluster]: 'c', [FLOATING_IP_TAG.name]: 'web' };
const OF_POD = { 'eni-agent.io/cluster': 'c', 'eni-agent.io/pod': 'default/web', 'eni-agent.io/source': 'auto' };
const CONTEXT = { clusterName: 'c', nodeName: '' };
const OTHERS = floatingIpTags({ ...OWNER, name: 'mail', uid: 'u2' }, 'tag:role=web');

function eip(
  id: string,
  tags: Readonly<Record<string, string>>,
  at?: readonly [eni: string, address: string],
): ElasticIp {
  const association = at && { associationId: `assoc-${id}`, eni: at[0], privateIp: ip(at[1]) };
  return elasticIp({ allocationId: `eipalloc-${id}`, publicIp: ip(`203.0.113.${id}`), tags, association });
}

const tagged: EipSource = { kind: 'tagged', key: 'role', value: 'web' };
const auto: EipSource = { kind: 'allocate', pool: 'amazon' };
const fixed: EipSource = { kind: 'fixed', allocationId: 'eipalloc-1' };
const HERE = ['eni-1', '10.0.0.201'] as const;
const THERE = ['eni-2', '10.0.0.9'] as const;
const ELSEWHERE = ['eni-2', '10.0.0.201'] as const;

const TABLE: readonly (readonly [string, EipSource, readonly ElasticIp[], string])[] = [
  ['the fixed one is free', fixed, [eip('1', {})], 'tag 1, associate 1, bound 1'],
  ['the fixed one has moved along', fixed, [eip('1', {}, HERE)], 'tag 1, bound 1'],
  ['the fixed one serves somebody else', fixed, [eip('1', {}, THERE)], 'refused EipInUse'],
  ['there is no such one', fixed, [], 'refused EipNotFound'],
  [
    'a free one with the tag',
    tagged,
    [eip('2', { role: 'web' }), eip('1', { role: 'web' }, THERE)],
    'tag 2, associate 2, bound 2',
  ],
  ['all with the tag are in use', tagged, [eip('1', { role: 'web' }, THERE)], 'refused EipPoolEmpty'],
  ['nothing has the tag', tagged, [eip('1', {})], 'refused EipPoolEmpty'],
  [
    'the tagged one is free and of another object',
    tagged,
    [eip('1', { role: 'web', ...OTHERS })],
    'refused EipPoolEmpty',
  ],
  ['the fixed one is free and of another object', fixed, [eip('1', OTHERS)], 'refused EipInUse'],
  ['the fixed one is free and of a pod', fixed, [eip('1', OF_POD)], 'refused EipInUse'],
  [
    'the fixed one is on our address and of another object',
    fixed,
    [eip('1', OTHERS, HERE)],
    'refused TargetHasOtherEip',
  ],
  [
    'somebody else has one on our address',
    tagged,
    [eip('9', {}, HERE), eip('2', { role: 'web' })],
    'refused TargetHasOtherEip',
  ],
  ['none was allocated yet', auto, [], 'allocate, associate 100, bound 100'],
  ['one was allocated before a crash', auto, [eip('4', OURS)], 'associate 4, bound 4'],
  ['an earlier object of the name left one', auto, [eip('4', EARLIER)], 'tag 4, associate 4, bound 4'],
  ['one was allocated by an earlier version', auto, [eip('4', BEFORE_SOURCE)], 'tag 4, associate 4, bound 4'],
  ['ours is on an address that the object had before', auto, [eip('4', OURS, THERE)], 'move 4, bound 4'],
  ['ours comes along with its address', auto, [eip('4', OURS, ELSEWHERE)], 'move 4, bound 4'],
  [
    'auto became fixed',
    fixed,
    [eip('4', OURS, HERE), eip('1', {})],
    'disassociate 4, tag 1, associate 1, release 4, bound 1',
  ],
  [
    'auto became fixed, and that one is in use: ours serves on',
    fixed,
    [eip('4', OURS, HERE), eip('1', {}, THERE)],
    'refused EipInUse',
  ],
  ['fixed became auto', auto, [eip('7', TAKEN, HERE)], 'disassociate 7, allocate, associate 100, untag 7, bound 100'],
  [
    'auto of another pool: room is made first',
    { kind: 'allocate', pool: 'ipv4pool-ec2-1' },
    [eip('4', { ...OURS, [FLOATING_IP_TAG.source]: 'auto:old' }, HERE)],
    'disassociate 4, release 4, allocate, associate 100, bound 100',
  ],
  ['two were allocated around a crash', auto, [eip('4', OURS, HERE), eip('5', OURS)], 'release 5, bound 4'],
];

/** The steps until nothing is left to do, each decided on what the one before has made of the Elastic IPs. */
function stepsOf(goal: ElasticIpGoal, eips: readonly ElasticIp[]): string {
  const decision = decideElasticIp(goal, { eips, ownersOf: (tags) => ownersOf(tags, CONTEXT) });
  if (decision.kind === 'refused') return `refused ${decision.refusal.reason}`;
  if (decision.kind === 'settled')
    return decision.publicIp === undefined ? 'none' : `bound ${nameOf(decision.publicIp)}`;
  const { step } = decision;
  const others = 'eip' in step ? eips.filter((one) => one !== step.eip) : eips;
  const how = step.kind === 'associate' && step.allowReassociation ? 'move' : step.kind;
  const what = 'eip' in step ? `${how} ${nameOf(step.eip.publicIp)}` : how;
  return `${what}, ${stepsOf(goal, [...others, ...after(step)])}`;
}

function after(step: EipStep): readonly ElasticIp[] {
  switch (step.kind) {
    case 'allocate':
      return [{ ...eip('100', step.tags), pool: step.pool }];
    case 'tag':
      return [{ ...step.eip, tags: { ...step.eip.tags, ...step.tags } }];
    case 'untag':
      return [{ ...step.eip, tags: {} }];
    case 'associate':
      return [{ ...step.eip, association: { associationId: 'new', eni: step.eni, privateIp: step.privateIp } }];
    case 'disassociate':
      return [{ ...step.eip, association: undefined }];
    case 'release':
      return [];
  }
}

const nameOf = (publicIp: string) => publicIp.split('.').at(-1);

describe('decideElasticIp', () => {
  it.each(TABLE)('%s', (_situation, source, eips, expected) => {
    const wanted = { text: 'auto', source, privateIp: VIP, eni: 'eni-1' };

    expect(stepsOf({ owner: OWNER, wanted }, eips)).toBe(expected);
  });

  it.each([
    ['was allocated for the object', OURS, 'release 1, none'],
    ['was allocated for an earlier object of the name', EARLIER, 'release 1, none'],
    ['was allocated by an earlier version', BEFORE_SOURCE, 'release 1, none'],
    ['was taken from a pool', TAKEN, 'untag 1, none'],
    ["is another object's", OTHERS, 'none'],
    ["is a pod's", OF_POD, 'none'],
  ] as const)('gives back what %s, if it is to be given back', (_what, tags, expected) => {
    expect(stepsOf({ owner: OWNER, wanted: undefined }, [eip('1', tags)])).toBe(expected);
  });

  it('writes the tags of its owner and no others, also where an earlier version did not', () => {
    const wanted = { text: 'auto', source: auto, privateIp: VIP, eni: 'eni-1' };
    const decision = decideElasticIp(
      { owner: OWNER, wanted },
      { eips: [eip('4', BEFORE_SOURCE, HERE)], ownersOf: () => [] },
    );

    expect(decision).toMatchObject({
      kind: 'step',
      step: { kind: 'tag', tags: { [FLOATING_IP_TAG.uid]: 'u1', [FLOATING_IP_TAG.source]: 'auto' } },
    });
  });
});
