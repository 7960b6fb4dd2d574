import { describe, expect, it } from 'vitest';
import {
  type AddressHolder,
  type InstanceOwner,
  type OwnClusters,
  whyNotTake,
} from '../../../lib/model/addresses/holder.ts';
import { ip } from '../../../lib/model/ip.ts';

const NATURE = {
  deviceIndex: 1,
  networkCard: 0,
  description: '',
  interfaceType: 'interface',
  requesterManaged: false,
  tags: {},
};
const HOLDER: AddressHolder = { eni: 'eni-9', instanceId: 'i-9', primary: false, nature: NATURE };
const blue = { tags: { 'kubernetes.io/cluster/blue': 'owned' } };
const red = { tags: { 'eks:cluster-name': 'red' } };
const OURS: OwnClusters = { byInstance: ['blue'], others: [] };
const NAMELESS: OwnClusters = { byInstance: [], others: [] };

describe('whyNotTake', () => {
  const table: [
    name: string,
    holder: Partial<AddressHolder>,
    owner: InstanceOwner | undefined,
    own: OwnClusters,
    reason: string | undefined,
  ][] = [
    ['a node of our cluster', {}, blue, OURS, undefined],
    ['a node of another cluster', {}, red, OURS, 'ProtectedInterface'],
    ['a machine of no cluster, where ours has tags', {}, { tags: { Name: 'db' } }, OURS, 'ProtectedInterface'],
    ['a machine of no cluster, where ours has none either', {}, { tags: {} }, NAMELESS, undefined],
    ['a tagged machine, where ours has none', {}, red, NAMELESS, 'ProtectedInterface'],
    ['a tagged machine of the cluster that --cluster-name names', {}, red, { ...NAMELESS, others: ['red'] }, undefined],
    ['a machine that EC2 does not tell of', {}, 'unanswered', OURS, undefined],
    ['a machine that we may not ask about', {}, 'forbidden', OURS, 'ProtectedInterface'],
    ['a detached ENI', { instanceId: undefined }, undefined, OURS, undefined],
    [
      'a detached ENI of another cluster',
      { instanceId: undefined, nature: { ...NATURE, tags: red.tags } },
      undefined,
      OURS,
      'ProtectedInterface',
    ],
    ['a primary address', { primary: true }, blue, OURS, 'PrimaryAddress'],
    ['the primary ENI', { nature: { ...NATURE, deviceIndex: 0 } }, blue, OURS, 'ProtectedInterface'],
  ];
  it.each(table)('%s', (_name, holder, owner, own, reason) => {
    const refusal = whyNotTake(ip('10.0.1.5'), { ...HOLDER, ...holder }, owner, own);

    expect(refusal?.reason).toBe(reason);
    expect(refusal?.message ?? 'eni-9').toContain('eni-9');
  });
});
