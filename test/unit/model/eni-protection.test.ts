import { describe, expect, it } from 'vitest';
import {
  clustersOf,
  type EniNature,
  explainProtection,
  isProtected,
  protectionOf,
} from '../../../lib/model/eni-protection.ts';

const MULTUS: EniNature = {
  deviceIndex: 1,
  networkCard: 0,
  description: '',
  interfaceType: 'interface',
  requesterManaged: false,
  tags: {},
};
const NO_MANAGE = { 'node.k8s.amazonaws.com/no_manage': 'true' };

/** FACTS §13 and the sources that it names. */
describe('protectionOf', () => {
  const table: [name: string, about: Partial<EniNature>, protection: ReturnType<typeof protectionOf>][] = [
    ['a plain secondary ENI', {}, undefined],
    ['a detached ENI', { deviceIndex: undefined }, undefined],
    ['an EFA with addresses', { interfaceType: 'efa' }, undefined],
    ['device 0', { deviceIndex: 0 }, 'primary'],
    ['device 0 of another network card', { deviceIndex: 0, networkCard: 1 }, undefined],
    ['device 0 with no_manage, which the VPC CNI ignores there', { deviceIndex: 0, tags: NO_MANAGE }, 'primary'],
    ['the VPC CNI’s tag', { tags: { 'node.k8s.amazonaws.com/instance_id': 'i-1' } }, 'vpc-cni'],
    ['the VPC CNI’s time stamp', { tags: { 'node.k8s.amazonaws.com/createdAt': '2026-01-01T00:00:00Z' } }, 'vpc-cni'],
    ['the VPC CNI’s owner tag', { tags: { 'eks:eni:owner': 'amazon-vpc-cni' } }, 'vpc-cni'],
    ['the VPC CNI’s description', { description: 'aws-K8S-i-1' }, 'vpc-cni'],
    ['the same with no_manage', { description: 'aws-K8S-i-1', tags: NO_MANAGE }, undefined],
    [
      'no_manage=false',
      { description: 'aws-K8S-i-1', tags: { 'node.k8s.amazonaws.com/no_manage': 'false' } },
      'vpc-cni',
    ],
    ['the cluster’s name alone', { tags: { 'cluster.k8s.amazonaws.com/name': 'c' } }, undefined],
    ['a trunk by type', { interfaceType: 'trunk' }, 'trunk'],
    ['a trunk by description, no_manage or not', { description: 'aws-k8s-trunk-eni', tags: NO_MANAGE }, 'trunk'],
    ['a branch by type', { interfaceType: 'branch' }, 'branch'],
    ['a branch by description', { description: 'aws-k8s-branch-eni' }, 'branch'],
    ['a branch by tag', { tags: { 'vpcresources.k8s.aws/vlan-id': '1' } }, 'branch'],
    ['a branch by owner tag', { tags: { 'eks:eni:owner': 'eks-vpc-resource-controller' } }, 'branch'],
    ['requester-managed', { requesterManaged: true }, 'service'],
    ['a NAT gateway’s', { interfaceType: 'nat_gateway' }, 'service'],
  ];
  it.each(table)('%s', (_name, about, protection) => {
    const eni = { ...MULTUS, ...about };
    expect(protectionOf(eni)).toBe(protection);
    expect(isProtected(eni)).toBe(protection !== undefined);
  });

  it('can be reported in words', () => {
    expect(explainProtection('eni-1', 'vpc-cni')).toBe(
      'eni-1 is managed by the VPC CNI, which gives its addresses to ordinary pods',
    );
  });
});

describe('clustersOf', () => {
  const table: [name: string, tags: Record<string, string>, clusters: string[]][] = [
    ['no tags', {}, []],
    ['tags of other things', { Name: 'web', 'kubernetes.io/role/elb': '1' }, []],
    ['the tag of the cloud provider', { 'kubernetes.io/cluster/blue': 'owned' }, ['blue']],
    ['EKS’ tags, several of them', { 'aws:eks:cluster-name': 'blue', 'eks:cluster-name': 'blue' }, ['blue']],
    [
      'a machine of two clusters',
      { 'kubernetes.io/cluster/b': 'shared', 'kubernetes.io/cluster/a': 'shared' },
      ['a', 'b'],
    ],
    ['an empty name', { 'eks:cluster-name': '', 'kubernetes.io/cluster/': 'owned' }, []],
  ];
  it.each(table)('%s', (_name, tags, clusters) => {
    expect(clustersOf(tags)).toEqual(clusters);
  });
});
