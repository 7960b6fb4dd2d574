import { describe, expect, it } from 'vitest';
import { floatingIpTags } from '../../../lib/model/floating-ips/tags.ts';
import { allows, type Call } from './iam-policy.ts';

const NODE = 'daemonset/iam/elastic-ips.json';
const ANY = 'daemonset/iam/elastic-ips-any.json';
const CONTROLLER = 'daemonset/controller/iam-policy.json';

const PEC = 'aws-samples.github.com/aws-pod-eip-controller';
const OWN = { 'eni-agent.io/cluster': 'test', 'eni-agent.io/pod': 'a/b', 'eni-agent.io/source': 'auto' };
const TAKEN = { ...OWN, 'eni-agent.io/source': 'tag:pool', 'eni-agent.io/prepared': 'test', pool: '' };
const FLOATING = floatingIpTags({ clusterName: 'test', name: 'vip', uid: 'u' }, 'auto');
const FLOATING_TAKEN = { ...floatingIpTags({ clusterName: 'test', name: 'vip', uid: 'u' }, 'tag:pool'), pool: '' };
const OF_PEC = { [`${PEC}-cluster-name`]: 'test', [`${PEC}-type`]: 'auto', [`${PEC}-pod`]: 'a/b' };
const OBJECT = { 'eni-agent.io/cluster': 'test', 'eni-agent.io/object-uid': 'u' };
const OPERATOR = { 'eip.materialize.cloud/cluster_name': 'test', 'eip.materialize.cloud/eip_uid': 'u' };
const PREPARED = { pool: '', 'eni-agent.io/prepared': 'test' };
const OTHER_CLUSTER = { ...OWN, 'eni-agent.io/cluster': 'other' };
const FOREIGN = { Name: 'nat gateway' };
const HANDOVER = { 'eni-agent.io/handover-cluster': 'test', 'eni-agent.io/handover-pod': 'a/b' };

const eip = (action: string, tags: Call['tags'], requestTags?: Call['requestTags']): Call => ({
  action: `ec2:${action}`,
  resource: 'elastic-ip/eipalloc-1',
  ...(tags && { tags }),
  ...(requestTags && { requestTags }),
});

function withoutPool({ pool: _pool, ...tags }: Readonly<Record<string, string>>) {
  return tags;
}

describe('what the role of a node may do with Elastic IPs', () => {
  it.each<[string, Call]>([
    ['allocate with our tags', eip('AllocateAddress', undefined, OWN)],
    ['allocate with those of aws-pod-eip-controller', eip('AllocateAddress', undefined, OF_PEC)],
    ['allocate for a FloatingIP', eip('AllocateAddress', undefined, FLOATING)],
    ['write the tags in that call', { ...eip('CreateTags', undefined, OWN), createAction: 'AllocateAddress' }],
    ['bind what it allocated', eip('AssociateAddress', OWN)],
    ['take off what it bound', eip('DisassociateAddress', OWN)],
    ['mark it for the next pod', eip('CreateTags', OWN, { ...OWN, 'eni-agent.io/pod': 'a/c' })],
    ['release it', eip('ReleaseAddress', OWN)],
    ['release that of aws-pod-eip-controller', eip('ReleaseAddress', OF_PEC)],
    ['release that of a FloatingIP', eip('ReleaseAddress', FLOATING)],
    ['bind one that an object hands over', eip('AssociateAddress', OPERATOR)],
    ['mark one that an object hands over', eip('CreateTags', OBJECT, HANDOVER)],
    ['unmark it', eip('DeleteTags', OPERATOR, HANDOVER)],
    ['bind a prepared one', eip('AssociateAddress', PREPARED)],
    ['mark a prepared one', eip('CreateTags', PREPARED, { ...OWN, 'eni-agent.io/source': 'tag:pool' })],
    ['mark a prepared one for a FloatingIP', eip('CreateTags', PREPARED, withoutPool(FLOATING_TAKEN))],
    ['mark that of an earlier FloatingIP of the name', eip('CreateTags', FLOATING, FLOATING)],
    [
      'keep that of a FloatingIP whose definition goes',
      eip('DeleteTags', FLOATING, { 'eni-agent.io/floating-ip-uid': '' }),
    ],
    ['unmark a prepared one', eip('DeleteTags', TAKEN, { 'eni-agent.io/cluster': '', 'eni-agent.io/pod': '' })],
  ])('may %s', (_what, call) => {
    expect(allows(NODE, call)).toBe(true);
    expect(allows(ANY, call)).toBe(true);
  });

  it.each<[string, Call]>([
    ['allocate without tags', eip('AllocateAddress', undefined)],
    ['allocate for another cluster', eip('AllocateAddress', undefined, OTHER_CLUSTER)],
    ['release what nobody tagged', eip('ReleaseAddress', FOREIGN)],
    ['release that of another cluster', eip('ReleaseAddress', OTHER_CLUSTER)],
    ['release that of an object', eip('ReleaseAddress', OBJECT)],
    ['release that of k8s-eip-operator’s objects', eip('ReleaseAddress', OPERATOR)],
    ['release a prepared one', eip('ReleaseAddress', PREPARED)],
    ['release a prepared one that it marked', eip('ReleaseAddress', TAKEN)],
    ['take a foreign one off', eip('DisassociateAddress', FOREIGN)],
    ['bind a foreign one', eip('AssociateAddress', FOREIGN)],
    ['take off that of another cluster', eip('DisassociateAddress', OTHER_CLUSTER)],
    ['claim a foreign one by a tag', eip('CreateTags', FOREIGN, OWN)],
    ['make a prepared one releasable', eip('CreateTags', PREPARED, OWN)],
    ['make an object’s releasable', eip('CreateTags', OBJECT, { 'eni-agent.io/source': 'auto' })],
    ['release a prepared one that a FloatingIP took', eip('ReleaseAddress', FLOATING_TAKEN)],
    ['make an object’s a releasable one of a FloatingIP', eip('CreateTags', OBJECT, FLOATING)],
    ['make it aws-pod-eip-controller’s', eip('CreateTags', OBJECT, { [`${PEC}-type`]: 'auto' })],
    ['write foreign tags', eip('CreateTags', OWN, { Name: 'mine' })],
    ['prepare one itself', eip('CreateTags', OBJECT, { 'eni-agent.io/prepared': 'test' })],
    ['offer an object’s to another', eip('CreateTags', OBJECT, { 'eni-agent.io/retained-for': 'EIP/a/b' })],
    ['take an object’s name off', eip('DeleteTags', OBJECT, { 'eni-agent.io/object-uid': '' })],
    ['remove foreign tags', eip('DeleteTags', PREPARED, { pool: '' })],
  ])('may not %s', (_what, call) => {
    expect(allows(NODE, call)).toBe(false);
  });
});

describe('what the role of the controller may do with Elastic IPs', () => {
  it.each<[string, Call, boolean]>([
    ['allocate for an object', eip('AllocateAddress', undefined, OBJECT), true],
    ['allocate for one of k8s-eip-operator', eip('AllocateAddress', undefined, OPERATOR), true],
    ['allocate without our tags', eip('AllocateAddress', undefined, FOREIGN), false],
    ['release an object’s', eip('ReleaseAddress', OBJECT), true],
    ['release an orphan of a node', eip('ReleaseAddress', OWN), true],
    ['release an orphan of aws-pod-eip-controller', eip('ReleaseAddress', OF_PEC), true],
    ['release a foreign one', eip('ReleaseAddress', FOREIGN), false],
    ['release that of another cluster', eip('ReleaseAddress', OTHER_CLUSTER), false],
    ['tag a foreign one', eip('CreateTags', FOREIGN, OBJECT), false],
    ['set a foreign one free', eip('DisassociateAddress', FOREIGN), false],
  ])('may %s: %s', (_what, call, expected) => {
    expect(allows(CONTROLLER, call)).toBe(expected);
  });
});

describe('what the role of a node may do with routes', () => {
  const ROUTES = 'daemonset/iam/routed-ips.json';
  const OURS = { 'eni-agent.io/routed-ips': 'test' };
  const MULTUS = { 'node.k8s.amazonaws.com/no_manage': 'true' };
  const table = (action: string, tags: Call['tags']): Call => ({
    action: `ec2:${action}`,
    resource: 'route-table/rtb-1',
    ...(tags && { tags }),
  });
  const eni = (attribute: string, tags: Readonly<Record<string, string>>): Call => ({
    action: 'ec2:ModifyNetworkInterfaceAttribute',
    resource: 'network-interface/eni-1',
    tags,
    attribute,
  });

  it.each<[string, Call, boolean]>([
    ['point a route of a tagged table here', table('ReplaceRoute', OURS), true],
    ['create one', table('CreateRoute', OURS), true],
    ['remove one', table('DeleteRoute', OURS), true],
    ['touch a table without the tag', table('ReplaceRoute', {}), false],
    ['touch a table of another cluster', table('DeleteRoute', { 'eni-agent.io/routed-ips': 'other' }), false],
    ['turn off the check of a Multus ENI', eni('SourceDestCheck', MULTUS), true],
    ['turn off that of another ENI', eni('SourceDestCheck', {}), false],
    ['change the security groups of a Multus ENI', eni('GroupSet', MULTUS), false],
  ])('may %s: %s', (_what, call, expected) => {
    expect(allows(ROUTES, call)).toBe(expected);
  });
});
