import { describe, expect, it } from 'vitest';
import { floatingIpOf } from '../../../../lib/model/floating-ips/floating-ip.ts';
import type { FloatingIpView } from '../../../../lib/model/floating-ips/plan.ts';
import {
  FLOATING_IP_TAG,
  floatingIpTags,
  floatingIpUidOf,
  isAllocatedForFloatingIp,
} from '../../../../lib/model/floating-ips/tags.ts';
import { ownersOf } from '../../../../lib/plan/floating-ips/owners.ts';

function object(name: string, creationTimestamp: string, addresses: readonly string[], deletedAt?: number) {
  const ip = floatingIpOf({ metadata: { name, uid: `uid-${name}`, creationTimestamp }, spec: { addresses } });
  return { ip, deletedAt } as FloatingIpView;
}

const [MONDAY, TUESDAY] = ['2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z'];

describe('ownersOf', () => {
  it.each([
    ['the older one', [object('b', MONDAY, ['10.0.0.1']), object('a', TUESDAY, ['10.0.0.1'])], 'b'],
    [
      'the smaller uid of two that are equally old',
      [object('b', MONDAY, ['10.0.0.1']), object('a', MONDAY, ['10.0.0.1'])],
      'a',
    ],
    ['not one that is deleted', [object('b', MONDAY, ['10.0.0.1'], 1), object('a', TUESDAY, ['10.0.0.1'])], 'a'],
    [
      'not one that nobody can serve',
      [object('b', MONDAY, ['10.0.0.1', 'x']), object('a', TUESDAY, ['10.0.0.1'])],
      'a',
    ],
  ])('the address belongs to %s', (_rule, items, name) => {
    expect([...ownersOf(items)].map(([address, owner]) => `${address} ${owner.name}`)).toEqual([`10.0.0.1 ${name}`]);
    expect([...ownersOf(items.toReversed()).values()].map((owner) => owner.name)).toEqual([name]);
  });
});

describe('the tags of a FloatingIP', () => {
  const tags = floatingIpTags({ clusterName: 'c', name: 'web', uid: 'u' }, 'auto:ipv4pool-ec2-1');

  it('name the owner to its own cluster only', () => {
    expect(floatingIpUidOf(tags, 'c')).toBe('u');
    expect(floatingIpUidOf(tags, 'other')).toBeUndefined();
    expect(floatingIpUidOf({ ...tags, [FLOATING_IP_TAG.uid]: '' }, 'c')).toBeUndefined();
  });

  it.each([
    ['auto', true],
    ['auto:pool', true],
    ['automatic', false],
    ['eipalloc-1', false],
    ['tag:auto', false],
  ])('tell whether it was allocated: %s', (source, expected) => {
    expect(isAllocatedForFloatingIp({ ...tags, [FLOATING_IP_TAG.source]: source })).toBe(expected);
  });
});
