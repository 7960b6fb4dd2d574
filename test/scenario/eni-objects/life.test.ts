import { describe, expect, it } from 'vitest';
import { ENI_FINALIZER } from '../../../lib/model/eni-objects/eni-object.ts';
import { MINUTE, rig, SECOND } from './rig.ts';

const baseSpec = {
  subnetId: 'subnet-1',
  securityGroups: ['sg-1'],
  secondaryAddresses: 2,
  description: 'mine',
  podName: 'web-0',
};

describe('an ENI object', () => {
  it('gets an interface that is marked, described and attached at a free place, in two calls', async () => {
    const { clock, objects, ec2, start, ours, schedule, isReady } = rig();
    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    start();

    await clock.until(() => isReady('web'), 10 * SECOND);

    const [eni] = ours();
    expect(ec2.writes()).toEqual(['CreateNetworkInterface', 'AttachNetworkInterface']);
    expect(eni).toMatchObject({
      description: 'mine',
      groups: ['sg-1'],
      attachment: { instanceId: 'i-a', deviceIndex: 1 },
    });
    expect(eni?.tags.get('node.k8s.amazonaws.com/no_manage')).toBe('true');
    expect(objects.get('web')).toMatchObject({
      finalizers: [ENI_FINALIZER],
      status: {
        networkInterfaceId: eni?.id,
        macAddress: eni?.mac,
        privateIPAddresses: eni?.addresses.map(({ ip }) => ip),
        attachment: { podName: 'web-0', instanceId: 'i-a', deviceIndex: 1, networkCard: 0 },
      },
    });
  });

  it('follows its pod to another node, with its addresses, and stays while the pod is between two nodes', async () => {
    const { clock, objects, ec2, start, ours, schedule, isReady } = rig();
    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    const [before] = ours();
    ec2.calls.splice(0);

    schedule('web-0', undefined);
    await clock.advance(MINUTE);
    expect(ours()[0]?.attachment?.instanceId).toBe('i-a');
    expect(objects.get('web')?.status.ready).toMatchObject({ status: 'False', reason: 'PodMissing' });
    schedule('web-0', 'b');
    await clock.until(() => ours()[0]?.attachment?.instanceId === 'i-b' && isReady('web'), 20 * SECOND);

    expect(ec2.writes()).toEqual(['DetachNetworkInterface', 'AttachNetworkInterface']);
    expect(ours().map(({ id, addresses }) => ({ id, addresses }))).toEqual([
      { id: before?.id, addresses: before?.addresses },
    ]);
  });

  it('is kept to its spec: description, groups and number of addresses, one call each', async () => {
    const { clock, objects, ec2, start, ours, isReady } = rig();
    objects.create('web', { ...baseSpec, podName: undefined });
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    ec2.calls.splice(0);

    objects.change('web', { description: 'new', securityGroups: ['sg-2', 'sg-3'], secondaryAddresses: 4 });
    await clock.until(() => ec2.writes().length === 3 && isReady('web'), 10 * SECOND);

    expect(ec2.writes()).toEqual([
      'ModifyNetworkInterfaceAttribute',
      'ModifyNetworkInterfaceAttribute',
      'AssignPrivateIpAddresses',
    ]);
    expect(ours()[0]).toMatchObject({ description: 'new', groups: ['sg-2', 'sg-3'] });
    expect(objects.get('web')?.status.privateIPAddresses).toEqual(ours()[0]?.addresses.map(({ ip }) => ip));
    expect(ours()[0]?.addresses).toHaveLength(5);
  });

  it('gives surplus addresses back, but none that has an Elastic IP or is in use', async () => {
    const { clock, cloud, objects, ec2, start, ours, isReady, inUse } = rig();
    objects.create('web', { ...baseSpec, podName: undefined, secondaryAddresses: 3 });
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    const [, first, second, third] = ours()[0]?.addresses ?? [];
    const { allocationId } = cloud.allocateAddress({});
    cloud.associateAddress({ allocationId, networkInterfaceId: ours()[0]?.id ?? '', privateIpAddress: first?.ip });
    if (second) inUse.add(second.ip);

    objects.change('web', { secondaryAddresses: 0 });
    // For ten seconds an Elastic IP that came a moment ago may be missing from EC2's describes.
    await clock.advance(10 * SECOND);
    expect(ec2.writes()).not.toContain('UnassignPrivateIpAddresses');
    await clock.until(() => ec2.writes().includes('UnassignPrivateIpAddresses'), 10 * SECOND);
    await clock.advance(MINUTE);

    expect(ours()[0]?.addresses.map(({ ip }) => ip)).not.toContain(third?.ip);
    expect(ours()[0]?.addresses).toHaveLength(3);
    expect(objects.get('web')?.status.ready).toMatchObject({ status: 'False', reason: 'AddressesInUse' });
  });

  it('leaves the instance and then EC2 when it is deleted, and only then vanishes', async () => {
    const { clock, objects, ec2, start, ours, schedule, isReady } = rig();
    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    ec2.calls.splice(0);

    objects.delete('web');
    await clock.until(() => objects.get('web') === undefined, 30 * SECOND);

    expect(ec2.writes()).toEqual(['DetachNetworkInterface', 'DeleteNetworkInterface']);
    expect(ours()).toEqual([]);
  });

  it('says what keeps it from its instance, and calls nothing in vain', async () => {
    const { clock, objects, ec2, start, schedule, events } = rig();
    objects.create('one', baseSpec);
    objects.create('two', baseSpec);
    objects.create('away', { ...baseSpec, podName: 'far-0' });
    objects.create('many', { ...baseSpec, secondaryAddresses: 10, podName: 'web-1' });
    schedule('web-0', 'a');
    schedule('web-1', 'b');
    schedule('far-0', 'far');
    start();
    await clock.advance(MINUTE);
    const reasonOf = (name: string) => objects.get(name)?.status.ready?.reason;

    expect(new Set([reasonOf('one'), reasonOf('two')])).toEqual(new Set(['InstanceFull', 'Ready']));
    expect(reasonOf('away')).toBe('ZoneMismatch');
    expect(reasonOf('many')).toBe('TooManyAddresses');
    expect(ec2.writes().filter((action) => action === 'AttachNetworkInterface')).toHaveLength(1);
    expect(events).toContain('away ZoneMismatch');
  });

  it('asks EC2 nothing while there are no objects, and next to nothing once all are as they should be', async () => {
    const { clock, objects, ec2, start, schedule, isReady } = rig();
    start();
    await clock.advance(30 * MINUTE);
    expect(ec2.calls).toEqual([]);

    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    await clock.until(() => isReady('web'), 10 * SECOND);
    await clock.advance(MINUTE);
    ec2.calls.splice(0);
    objects.writes.splice(0);
    await clock.advance(60 * MINUTE);

    expect(ec2.calls.length).toBeLessThanOrEqual(7);
    expect(objects.writes).toEqual([]);
  });
});

describe('an ENI object of k8s-aws-operator', () => {
  const status = (networkInterfaceId: string) => ({
    networkInterfaceId,
    macAddress: undefined,
    privateIPAddresses: [],
    attachment: undefined,
    ready: undefined,
  });

  it('keeps the interface that somebody tagged in EC2 for it', async () => {
    const { clock, cloud, objects, ec2, start, isReady, ours } = rig();
    const tags = { 'eni-agent.io/cluster': 'test', 'eni-agent.io/retained-for': 'ENI/ns/old' };
    const eni = cloud.addInterface({ subnetId: 'subnet-1', secondaries: ['10.0.1.200'], tags });
    const spec = { ...baseSpec, podName: undefined, secondaryAddresses: 1, description: undefined, securityGroups: [] };
    objects.create('old', spec, { finalizers: [ENI_FINALIZER], status: status(eni.id) });
    start();

    await clock.until(() => isReady('old'), 10 * SECOND);

    expect(ec2.writes()).toEqual(['CreateTags']);
    expect(ours().map(({ id }) => id)).toEqual([eni.id]);
  });

  it.each([
    ["a node's own", 'eni-of-a', {}],
    ['one without any tags', 'eni-bare', {}],
    [
      'one that was left for another object',
      'eni-left',
      { 'eni-agent.io/cluster': 'test', 'eni-agent.io/retained-for': 'ENI/ns/another' },
    ],
    [
      "the VPC CNI's, even if somebody tagged it",
      'eni-cni-tagged',
      {
        'node.k8s.amazonaws.com/instance_id': 'i-a',
        'eni-agent.io/cluster': 'test',
        'eni-agent.io/retained-for': 'ENI/ns/wrong',
      },
    ],
    ["the VPC CNI's", 'eni-cni', { 'node.k8s.amazonaws.com/instance_id': 'i-a' }],
    [
      "another object's",
      'eni-other',
      { 'eni-agent.io/eni-uid': 'uid-of-another', 'eni-agent.io/cluster': 'elsewhere' },
    ],
  ])('never touches an interface that its status names wrongly: %s', async (_, id, tags) => {
    const { clock, cloud, objects, ec2, start } = rig();
    const primary = cloud.state.interfacesOf('i-a')[0]?.id ?? '';
    if (id !== 'eni-of-a') cloud.addInterface({ id, subnetId: 'subnet-1', tags });
    const named = id === 'eni-of-a' ? primary : id;
    objects.create(
      'wrong',
      { ...baseSpec, podName: undefined },
      { finalizers: [ENI_FINALIZER], status: status(named) },
    );
    start();
    await clock.advance(MINUTE);
    expect(objects.get('wrong')?.status.ready?.reason).toBe('NotOurs');

    objects.delete('wrong');
    await clock.until(() => objects.get('wrong') === undefined, MINUTE);

    expect(ec2.writes()).toEqual([]);
    expect(cloud.state.requireInterfaceNow(named).id).toBe(named);
  });
});
