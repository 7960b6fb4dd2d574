import { describe, expect, it } from 'vitest';
import { cidr } from '../../../../lib/model/ip.ts';
import type { SubnetFacts } from '../../../../lib/model/node-enis/networks.ts';
import type { NetworkSelector } from '../../../../lib/model/node-enis/node-eni.ts';
import { fullestFree, groupsFor, subnetsFor } from '../../../../lib/plan/node-enis/choose-network.ts';

function subnet(id: string, zone: string, freeAddresses: number, more: Partial<SubnetFacts> = {}): SubnetFacts {
  return { id, zone, freeAddresses, vpcId: 'vpc-1', cidrs: [cidr('10.0.0.0/24')], tags: {}, ...more };
}

const subnets = [
  subnet('subnet-a1', 'a', 5, { tags: { purpose: 'multus' } }),
  subnet('subnet-a2', 'a', 9, { tags: { purpose: 'multus', Name: 'second' } }),
  subnet('subnet-b', 'b', 99, { tags: { purpose: 'multus' } }),
  subnet('subnet-c', 'c', 99),
  subnet('subnet-other', 'a', 99, { vpcId: 'vpc-2', tags: { purpose: 'multus' } }),
];

describe('the subnets of a node', () => {
  const find = (selectors: readonly NetworkSelector[], zone: string) => {
    const found = subnetsFor({ subnets: selectors }, { subnets }, { vpcId: 'vpc-1', zone });
    return 'reason' in found ? found.reason : found.map(({ id }) => id).join(' ');
  };

  it.each<[string, readonly NetworkSelector[], string, string]>([
    ['by tags, those of its zone and VPC', [{ tags: { purpose: 'multus' } }], 'a', 'subnet-a1 subnet-a2'],
    ['by tags, in another zone', [{ tags: { purpose: 'multus' } }], 'b', 'subnet-b'],
    ['by id or tags, whichever finds', [{ id: 'subnet-c' }, { tags: { purpose: 'multus' } }], 'c', 'subnet-c'],
    ['by name', [{ name: 'second' }], 'a', 'subnet-a2'],
    ['all tags must be there', [{ tags: { purpose: 'multus', x: 'y' } }], 'a', 'SubnetUnknown'],
    ['in a zone without any', [{ tags: { purpose: 'multus' } }], 'c', 'NoSubnetInZone'],
    ['an id that nobody has', [{ id: 'subnet-x' }], 'a', 'SubnetUnknown'],
  ])('%s', (_, selectors, zone, expected) => {
    expect(find(selectors, zone)).toBe(expected);
  });
});

describe('of several subnets', () => {
  const [first, second] = subnets as [SubnetFacts, SubnetFacts];
  const chosen = (planned: ReadonlyMap<string, number>) => {
    const found = fullestFree([first, second], planned);
    return 'reason' in found ? `${found.reason}: ${found.message}` : found.id;
  };

  it('the one with the most free addresses, less what this plan takes already; none that has none', () => {
    expect(chosen(new Map())).toBe('subnet-a2');
    expect(chosen(new Map([['subnet-a2', 5]]))).toBe('subnet-a1');
    expect(chosen(new Map([['subnet-a2', 4]]))).toBe('subnet-a1');
    expect(
      chosen(
        new Map([
          ['subnet-a1', 5],
          ['subnet-a2', 9],
        ]),
      ),
    ).toBe('SubnetFull: no free address in subnet-a1, subnet-a2');
  });
});

describe('security groups', () => {
  const groups = [
    { id: 'sg-1', name: 'multus', vpcId: 'vpc-1', tags: {} },
    { id: 'sg-2', name: 'core', vpcId: 'vpc-1', tags: { team: 'core' } },
    { id: 'sg-3', name: 'multus', vpcId: 'vpc-2', tags: {} },
  ];
  const find = (selectors: readonly ({ id: string } | { name: string } | { tags: Record<string, string> })[]) =>
    groupsFor({ securityGroups: selectors }, { groups }, 'vpc-1');

  it('are found by id, name and tags in the VPC, each once', () => {
    expect(find([{ name: 'multus' }, { tags: { team: 'core' } }, { id: 'sg-1' }])).toEqual(['sg-1', 'sg-2']);
    expect(find([{ name: 'x' }])).toMatchObject({
      reason: 'SecurityGroupUnknown',
      message: expect.stringContaining('name x'),
    });
  });

  it('need no look where all are named by id, and a look where not', () => {
    expect(groupsFor({ securityGroups: [{ id: 'sg-9' }] }, undefined, 'vpc-1')).toEqual(['sg-9']);
    expect(groupsFor({ securityGroups: [{ name: 'multus' }] }, undefined, 'vpc-1')).toBeUndefined();
  });
});
