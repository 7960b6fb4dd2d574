import { describe, expect, it } from 'vitest';
import { grantsOf, parseTenantPolicy } from '../../../lib/model/tenant-policy.ts';

const read = (entries: Record<string, string>) => parseTenantPolicy(new Map(Object.entries(entries)));

describe('the tenant policy', () => {
  it('is open without an entry, and closed for namespaces without one as soon as there is any', () => {
    expect(grantsOf(read({}).policy, 'media')).toBeUndefined();
    expect(grantsOf(read({ 'media.elastic-ips': 'auto' }).policy, 'other')).toMatchObject({ elasticIps: [] });
  });

  it('grants what the entries of a namespace list, and to the others what _others lists', () => {
    const { policy, faults } = read({
      'media.floating-ips': '10.0.1.96/28, 10.0.2.4',
      'media.elastic-ips': 'auto auto:ipv4pool-ec2-1 tag:team=media, tag:free eipalloc-0ab',
      'media.eip-targets': 'nodes 10.0.3.0/24',
      'media.enis': 'subnet-0ab, sg-1 sg-2',
      '_others.floating-ips': '*',
    });

    expect(faults).toEqual([]);
    expect(grantsOf(policy, 'media')).toEqual({
      floatingIps: { any: false, addresses: ['10.0.2.4'], networks: ['10.0.1.96/28'] },
      routedIps: { any: false, addresses: [], networks: [] },
      elasticIps: [
        { kind: 'allocate', pool: 'amazon' },
        { kind: 'allocate', pool: 'ipv4pool-ec2-1' },
        { kind: 'tagged', key: 'team', value: 'media' },
        { kind: 'tagged', key: 'free', value: undefined },
        { kind: 'fixed', allocationId: 'eipalloc-0ab' },
      ],
      eipTargets: { nodes: true, enis: false, networks: ['10.0.3.0/24'] },
      enis: { any: false, subnets: ['subnet-0ab'], securityGroups: ['sg-1', 'sg-2'] },
    });
    expect(grantsOf(policy, 'games')).toMatchObject({ floatingIps: { any: true }, elasticIps: [] });
  });

  it('tells every mistake at once; a faulty element grants nothing, the others count', () => {
    const { policy, faults } = read({
      'media.floating-ips': '10.0.1.0/33, 10.0.2.4',
      'media.elastic-ips': 'any, auto:, auto',
      'media.eip-targets': 'pods',
      'media.enis': 'eni-1, subnet-',
      media: 'auto',
      'media.floatingips': '*',
      'Media.floating-ips': '*',
      'a.b.floating-ips': '*',
    });

    expect(faults).toHaveLength(10);
    expect(faults.filter((fault) => fault.includes('is not an entry'))).toHaveLength(4);
    expect(faults.join('\n')).toMatch(/media\.floating-ips.*10\.0\.1\.0\/33/);
    expect(grantsOf(policy, 'media')).toEqual({
      floatingIps: { any: false, addresses: ['10.0.2.4'], networks: [] },
      routedIps: { any: false, addresses: [], networks: [] },
      elasticIps: [{ kind: 'allocate', pool: 'amazon' }],
      eipTargets: { nodes: false, enis: false, networks: [] },
      enis: { any: false, subnets: [], securityGroups: [] },
    });
  });
});
