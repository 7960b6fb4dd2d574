import { describe, expect, it } from 'vitest';
import type { EipSource } from '../../../lib/model/eip-claim.ts';
import type { ElasticIp } from '../../../lib/model/elastic-ip.ts';
import { ip } from '../../../lib/model/ip.ts';
import { chooseElasticIp } from '../../../lib/plan/floating/elastic-ip.ts';

const VIP = ip('10.0.0.201');
const OURS = { 'eni-agent.io/floating-ip': 'web' };

function eip(id: string, tags: Record<string, string>, at?: readonly [eni: string, address: string]): ElasticIp {
  const association = at && { associationId: `assoc-${id}`, eni: at[0], privateIp: ip(at[1]) };
  return {
    allocationId: `eipalloc-${id}`,
    publicIp: ip(`203.0.113.${id}`),
    pool: 'amazon',
    tags,
    serviceManaged: false,
    association,
  };
}

const tagged: EipSource = { kind: 'tagged', key: 'role', value: 'web' };
const auto: EipSource = { kind: 'allocate', pool: 'amazon' };
const fixed: EipSource = { kind: 'fixed', allocationId: 'eipalloc-1' };
const HERE = ['eni-1', '10.0.0.201'] as const;
const THERE = ['eni-2', '10.0.0.9'] as const;

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
    'somebody else has one on our address',
    tagged,
    [eip('9', {}, HERE), eip('2', { role: 'web' })],
    'refused TargetHasOtherEip',
  ],
  ['none was allocated yet', auto, [], 'allocate'],
  ['one was allocated before a crash', auto, [eip('4', OURS)], 'associate 203.0.113.4'],
];

describe('chooseElasticIp', () => {
  it.each(TABLE)('%s', (_situation, source, inventory, expected) => {
    const choice = chooseElasticIp({ source, tags: OURS, privateIp: VIP, eni: 'eni-1' }, inventory);
    const text =
      choice.kind === 'refused'
        ? `refused ${choice.refusal.reason}`
        : choice.kind === 'allocate'
          ? 'allocate'
          : `${choice.kind} ${choice.eip.publicIp}`;

    expect(text).toBe(expected);
  });
});
