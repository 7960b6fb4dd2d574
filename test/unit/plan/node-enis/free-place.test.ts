import { describe, expect, it } from 'vitest';
import type { InstanceLimits, InstanceRoom, InterfacePlace } from '../../../../lib/model/network-interface.ts';
import { freePlaceFor, type PlaceRequest } from '../../../../lib/plan/node-enis/free-place.ts';

const at = (deviceIndex: number, networkCard = 0): InterfacePlace => ({ deviceIndex, networkCard });
const one = (interfaces: number): InstanceLimits => ({
  interfaces,
  cards: [{ index: 0, interfaces }],
  defaultCard: 0,
  ipv4PerInterface: 10,
});
/** Like p4d: several cards, the second one is the default for further interfaces. */
const cards = (defaultCard: number): InstanceLimits => ({
  interfaces: 5,
  cards: [
    { index: 0, interfaces: 3 },
    { index: 1, interfaces: 2 },
  ],
  defaultCard,
  ipv4PerInterface: 10,
});

function room(limits: InstanceLimits | undefined, taken: readonly InterfacePlace[]): InstanceRoom {
  return { instanceId: 'i-1', type: 'm5.large', zone: 'a', vpcId: 'vpc-1', attachable: true, limits, taken };
}

function place(
  limits: InstanceLimits | undefined,
  taken: InterfacePlace[],
  request: Partial<PlaceRequest> = {},
): string {
  const found = freePlaceFor(room(limits, taken), {
    deviceIndex: undefined,
    networkCard: undefined,
    reserved: 2,
    ours: [],
    ...request,
  });
  return 'full' in found ? found.full : `${found.deviceIndex} on card ${found.networkCard}`;
}

describe('the place of a further interface', () => {
  it.each<[string, string, string]>([
    ['above what the VPC CNI has and will take', place(one(4), [at(0)]), '2 on card 0'],
    ['above one that is ours', place(one(4), [at(0), at(2)], { ours: [at(2)] }), '3 on card 0'],
    ['above one that this plan gives out', place(one(4), [at(0)], { ours: [at(2)] }), '3 on card 0'],
    ['in a gap', place(one(8), [at(0), at(1), at(3)]), '2 on card 0'],
    ['where the spec begins', place(one(8), [at(0), at(1)], { deviceIndex: 5 }), '5 on card 0'],
    [
      'after the one that the spec names, when that is taken',
      place(one(8), [at(0), at(5)], { deviceIndex: 5 }),
      '6 on card 0',
    ],
    ['at 1, where the type has two only', place(one(2), [at(0)]), '1 on card 0'],
    [
      'not where the VPC CNI needs its spare',
      place(one(3), [at(0), at(2)], { ours: [at(2)] }),
      'm5.large has 2 of 3 interfaces; the VPC CNI needs 1 more',
    ],
    ['nowhere when all are taken', place(one(3), [at(0), at(1), at(2)]), 'm5.large has 3 of 3 interfaces'],
    ['on the default card first', place(cards(1), [at(0)]), '1 on card 1'],
    ['on the next card when the default one is full', place(cards(1), [at(0), at(1, 1), at(2, 1)]), '2 on card 0'],
    ['on the card that the spec names', place(cards(0), [at(0)], { networkCard: 1 }), '1 on card 1'],
    [
      'nowhere when that card is full',
      place(cards(0), [at(0), at(1, 1), at(2, 1)], { networkCard: 1 }),
      'm5.large has 3 of 5 interfaces, no free one on network card 1; the VPC CNI needs 1 more',
    ],
    ['where EC2 does not say the limits: EC2 itself will', place(undefined, [at(0)]), '2 on card 0'],
  ])('is %s', (_, found, expected) => {
    expect(found).toBe(expected);
  });
});
