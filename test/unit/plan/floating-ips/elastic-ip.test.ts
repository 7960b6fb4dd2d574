import { describe, expect, it } from 'vitest';
import type { EipSource } from '../../../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import { FLOATING_IP_TAG, floatingIpTags } from '../../../../lib/model/floating-ips/tags.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { endOf, planElasticIp } from '../../../../lib/plan/floating-ips/elastic-ip.ts';
import { elasticIp } from '../../../support/builders.ts';

const VIP = ip('10.0.0.201');
const OWNER = { clusterName: 'c', name: 'web', uid: 'u1' };
const OURS = floatingIpTags(OWNER, 'auto');
const TAKEN = floatingIpTags(OWNER, 'eipalloc-7');
const EARLIER = floatingIpTags({ ...OWNER, uid: 'u0' }, 'auto');
const BEFORE_SOURCE = { [FLOATING_IP_TAG.cluster]: 'c', [FLOATING_IP_TAG.name]: 'web' };
const OTHERS = floatingIpTags({ ...OWNER, name: 'mail', uid: 'u2' }, 'tag:role=web');

function eip(id: string, tags: Record<string, string>, at?: readonly [eni: string, address: string]): ElasticIp {
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
  ['the fixed one is free', fixed, [eip('1', {})], 'associate 203.0.113.1'],
  ['the fixed one has moved along', fixed, [eip('1', {}, HERE)], 'bound 203.0.113.1'],
  ['the fixed one serves somebody else', fixed, [eip('1', {}, THERE)], 'refused EipInUse'],
  ['there is no such one', fixed, [], 'refused EipNotFound'],
  [
    'the first free one with the tag',
    tagged,
    [eip('3', { role: 'web' }), eip('2', { role: 'web' }), eip('1', { role: 'web' }, THERE)],
    'associate 203.0.113.2',
  ],
  ['all with the tag are in use', tagged, [eip('1', { role: 'web' }, THERE)], 'refused EipPoolEmpty'],
  [
    'the tagged one is free and of another object',
    tagged,
    [eip('1', { role: 'web', ...OTHERS })],
    'refused EipPoolEmpty',
  ],
  ['the fixed one is free and of another object', fixed, [eip('1', OTHERS)], 'refused EipInUse'],
  [
    'somebody else has one on our address',
    tagged,
    [eip('9', {}, HERE), eip('2', { role: 'web' })],
    'refused TargetHasOtherEip',
  ],
  ['none was allocated yet', auto, [], 'allocate'],
  ['one was allocated before a crash', auto, [eip('4', OURS)], 'associate 203.0.113.4'],
  ['an earlier object of the name left one', auto, [eip('4', EARLIER)], 'associate 203.0.113.4'],
  ['one was allocated by an earlier version', auto, [eip('4', BEFORE_SOURCE)], 'associate 203.0.113.4'],
  ['ours is on an address that the object had before', auto, [eip('4', OURS, THERE)], 'associate 203.0.113.4'],
  ['ours comes along with its address', auto, [eip('4', OURS, ELSEWHERE)], 'refused EipInUse'],
  ['auto became fixed', fixed, [eip('4', OURS, HERE), eip('1', {})], 'associate 203.0.113.1, back 203.0.113.4'],
  [
    'auto became fixed, and that one is in use: ours serves on',
    fixed,
    [eip('4', OURS, HERE), eip('1', {}, THERE)],
    'refused EipInUse',
  ],
  ['fixed became auto', auto, [eip('7', TAKEN, HERE)], 'allocate, back 203.0.113.7'],
  [
    'two were allocated around a crash',
    auto,
    [eip('4', OURS, HERE), eip('5', OURS)],
    'bound 203.0.113.4, back 203.0.113.5',
  ],
];

describe('planElasticIp', () => {
  it.each(TABLE)('%s', (_situation, source, eips, expected) => {
    const request = { owner: OWNER, text: 'auto', source, privateIp: VIP, eni: 'eni-1' };
    const { choice, giveBack } = planElasticIp(request, eips);
    const what =
      choice.kind === 'refused'
        ? `refused ${choice.refusal.reason}`
        : choice.kind === 'allocate'
          ? 'allocate'
          : `${choice.kind} ${choice.eip.publicIp}`;

    expect([what, ...giveBack.map(({ publicIp }) => `back ${publicIp}`)].join(', ')).toBe(expected);
  });

  it.each([
    ['allocated for the object', OURS, 'release'],
    ['allocated by an earlier version', BEFORE_SOURCE, 'release'],
    ['taken from a pool', TAKEN, 'untag'],
  ] as const)('gives back what was %s', (_what, tags, end) => {
    expect(endOf(eip('1', tags))).toBe(end);
  });
});
