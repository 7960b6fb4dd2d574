import { describe, expect, it } from 'vitest';
import type { AddressHolder, InstanceOwner } from '../../../../lib/model/addresses/holder.ts';
import type { EniNature } from '../../../../lib/model/eni-protection.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { judgeTakeover, mayHaveLeft, oneCall } from '../../../../lib/plan/floating-ips/takeover.ts';

const VIP = ip('10.0.0.201');
const NATURE: EniNature = {
  deviceIndex: 1,
  networkCard: 0,
  description: '',
  interfaceType: 'interface',
  requesterManaged: false,
  tags: {},
};
const CLUSTER = { tags: { 'kubernetes.io/cluster/c': 'owned' } };
const OTHER_CLUSTER = { tags: { 'kubernetes.io/cluster/d': 'owned' } };
const other: AddressHolder = { eni: 'eni-2', instanceId: 'i-2', primary: false, nature: NATURE };
const ours = { ...other, eni: 'eni-1', instanceId: 'i-1' };
const onPrimary = { ...other, nature: { ...NATURE, deviceIndex: 0 } };
const onCni = { ...other, nature: { ...NATURE, description: 'aws-K8S-i-2' } };
const onTrunk = { ...other, nature: { ...NATURE, interfaceType: 'trunk' } };

type Row = readonly [
  situation: string,
  from: string | undefined,
  holder: AddressHolder | undefined,
  expected: string,
  rest?: { readonly onProtected?: true; readonly mayHaveLeft?: true; readonly owner?: InstanceOwner },
];

const TABLE: readonly Row[] = [
  ['nobody has it', undefined, undefined, 'take'],
  ['another node has it', undefined, other, 'take'],
  ['our first call was done and its answer lost', 'eni-2', ours, 'here'],
  ['it is here, and nobody else can have had it since', undefined, ours, 'here'],
  ['it is shown here, and may have left since', undefined, ours, 'take', { mayHaveLeft: true }],
  ['our first call was not done', 'eni-2', other, 'take'],
  ['it was free, our answer was lost, and somebody has taken it since', '', other, 'lost'],
  ['somebody else has taken it since our first call', 'eni-3', other, 'lost'],
  ['it was taken and is free by now', 'eni-2', undefined, 'take'],
  ['it is the primary address of an ENI', undefined, { ...other, primary: true }, 'PrimaryAddress'],
  ['a primary address, knowingly', undefined, { ...onPrimary, primary: true }, 'PrimaryAddress', { onProtected: true }],
  ['it is on the primary ENI of a node', undefined, onPrimary, 'ProtectedInterface'],
  ['it is on an ENI of the VPC CNI', undefined, onCni, 'ProtectedInterface'],
  ['the service is on primary ENIs knowingly', undefined, onPrimary, 'take', { onProtected: true }],
  ['the service is on ENIs of the VPC CNI knowingly', undefined, onCni, 'take', { onProtected: true }],
  ['a trunk ENI, even knowingly', undefined, onTrunk, 'ProtectedInterface', { onProtected: true }],
  ['an instance of another cluster', undefined, other, 'ProtectedInterface', { owner: OTHER_CLUSTER }],
  [
    'the primary ENI of an instance of another cluster, knowingly',
    undefined,
    onPrimary,
    'ProtectedInterface',
    { onProtected: true, owner: OTHER_CLUSTER },
  ],
  ['an instance at which the role may not look', undefined, other, 'take', { owner: 'forbidden' }],
];

describe('judgeTakeover', () => {
  it.each(TABLE.map((row) => ({ situation: row[0], row })))('$situation', ({ row }) => {
    const [, from, holder, expected, { onProtected = false, mayHaveLeft = false, owner = CLUSTER } = {}] = row;
    const request = { address: VIP, eni: 'eni-1', from, mayHaveLeft, onProtected };
    const takeover = judgeTakeover(request, holder, owner, { byInstance: ['c'], others: [] });

    expect(takeover.kind === 'refused' ? takeover.refusal.reason : takeover.kind).toBe(expected);
  });
});

describe('mayHaveLeft', () => {
  const STAY = { eni: 'eni-1', from: undefined, isOurs: false, heldMs: 500 };

  it.each([
    ['this node has just got the right to it', {}, true],
    ['a first look has shown it here, and our call has no answer', { from: 'eni-1' }, true],
    ['our first look has shown it elsewhere, so it has come since', { from: 'eni-2' }, false],
    ['it was free at our first look', { from: '' }, false],
    ['nobody else has had the Lease since it came here', { isOurs: true }, false],
    ['this node has had the right to it for longer than describes lag', { heldMs: 10_000 }, false],
  ])('%s', (_situation, change, expected) => {
    expect(mayHaveLeft({ ...STAY, ...change })).toBe(expected);
  });
});

describe('oneCall', () => {
  const place = (address: string) => ({ address: ip(address), prefixLength: 24, device: 'eth1', eni: 'eni-1' });
  const places = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(place);
  const [free, other, here] = places.map(({ address }) => address);

  it.each([
    ['addresses that others have go first', { [free!]: '', [other!]: 'eni-2', [here!]: 'eni-1' }, [other], true],
    ['then those that are shown here', { [free!]: '', [other!]: '', [here!]: 'eni-1' }, [here], true],
    ['what nobody has is not taken by force', { [free!]: '', [other!]: '', [here!]: '' }, [free, other, here], false],
  ])('%s', (_rule, takeFrom, expected, isForced) => {
    const call = oneCall(places, new Map(places.map(({ address }) => [address, takeFrom[address] ?? ''])));

    expect(call.places.map(({ address }) => address)).toEqual(expected);
    expect(call.held !== undefined).toBe(isForced);
  });
});
