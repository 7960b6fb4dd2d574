import { beforeAll, describe, expect, it } from 'vitest';
import { SUBNET } from '../../support/world/surroundings.ts';
import { warmUp } from '../../support/world/warm-up.ts';
import { EIP, Eip, EipObjectRig, ENI } from './rig.ts';

beforeAll(warmUp);

describe('objects of the replaced operators', () => {
  it('keep their Elastic IPs: nothing is allocated, released or bound again', async () => {
    const rig = new EipObjectRig();
    const [left, right] = [rig.startPod('left', 'a', {}), rig.startPod('right', 'b')];
    const named = rig.allocate({ owner: 'My team' }, left);
    const tagged = rig.allocate({ Name: 'old' }, right);
    const before = rig.eips().map(({ associationId }) => associationId);
    rig.create(
      EIP('left'),
      { tags: { owner: 'My team' }, assignment: { podName: 'left' } },
      { metadata: { finalizers: ['aws.k8s.logmein.com'] } },
    );
    rig.patch(EIP('left'), {
      status: {
        state: 'assigned',
        allocationId: named.allocationId,
        publicIPAddress: named.publicIp,
        assignment: { podName: 'left', privateIPAddress: left.address },
      },
    });
    const old = rig.create(
      Eip('right'),
      { selector: { pod: { podName: 'right' } } },
      { metadata: { finalizers: ['eip.materialize.cloud/destroy'] } },
    );
    rig.tag(tagged.allocationId, { 'eip.materialize.cloud/eip_uid': old.metadata.uid });
    // k8s-aws-operator wrote no tags of its own: whoever may tag in EC2 says which address is which object's.
    rig.tag(named.allocationId, { 'eni-agent.io/cluster': 'test', 'eni-agent.io/retained-for': 'EIP/default/left' });
    rig.patch({ kind: 'Pod', name: 'right' }, { metadata: { finalizers: ['eip.materialize.cloud/disassociate'] } });

    rig.startAgents();
    rig.controller.start();
    await rig.until('the first assigned', () => rig.status(EIP('left')).associationId);
    await rig.until('the second assigned', () => rig.status(Eip('right'))?.associationId);
    await rig.until('the tags of the agents', () =>
      rig.eips().every((eip) => 'eni-agent.io/handover-pod' in rig.tagsOf(eip)),
    );

    expect(rig.eips().map(({ associationId }) => associationId)).toEqual(before);
    expect(rig.status(EIP('left')).allocationId).toBe(named.allocationId);
    expect(rig.status(Eip('right')).allocationId).toBe(tagged.allocationId);
    await rig.until('the finalizer gone', () => !rig.find({ kind: 'Pod', name: 'right' })?.metadata.finalizers?.length);
    expect(rig.mutations().filter((action) => !action.endsWith('Tags'))).toEqual([]);
  });

  it('whose Elastic IP is not in this account get no new one: an Event says so', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('lost'), {}, { metadata: { finalizers: ['aws.k8s.logmein.com'] } });
    rig.patch(EIP('lost'), { status: { state: 'allocated', allocationId: 'eipalloc-0elsewhere' } });
    await rig.until('the Event', () => rig.event('EipNotFound', 'lost'));

    expect(rig.mutations()).toEqual([]);
    expect(rig.status(EIP('lost'))).toEqual({ state: 'allocated', allocationId: 'eipalloc-0elsewhere' });
    rig.delete(EIP('lost'));
    await rig.until('deletion', () => rig.find(EIP('lost')) === undefined);
  });
});

describe('what an EIP can be assigned to', () => {
  it('a private address, and another one in one call', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    const [first, second] = rig.nodes;
    rig.create(EIP('bare'), { assignment: { privateIPAddress: first?.ip } });
    const { status } = await rig.state(EIP('bare'), 'assigned');
    expect(status.assignment).toEqual({ privateIPAddress: first?.ip });
    expect(rig.eips()[0].networkInterfaceId).toBe(first?.eni);

    rig.patch(EIP('bare'), { spec: { assignment: { privateIPAddress: second?.ip } } });
    await rig.until('the move', () => rig.status(EIP('bare')).assignment?.privateIPAddress === second?.ip);
    expect(rig.mutations()).toEqual(['AllocateAddress', 'AssociateAddress', 'AssociateAddress']);
  });

  it('an address of an ENI object, by index', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(ENI('my-eni'), { subnetID: SUBNET.id, secondaryPrivateIPAddressCount: 1 });
    const [, second] = await rig.until('the interface', () => rig.status(ENI('my-eni'))?.privateIPAddresses);
    rig.create(EIP('on-eni'), { assignment: { eni: 'my-eni', eniPrivateIPAddressIndex: 1 } });
    const { status } = await rig.state(EIP('on-eni'), 'assigned');

    expect(status.assignment).toEqual({ eni: 'my-eni', eniPrivateIPAddressIndex: 1, privateIPAddress: second });
    const { networkInterfaceID } = rig.status(ENI('my-eni'));
    expect(rig.eips()[0]).toMatchObject({ networkInterfaceId: networkInterfaceID, privateIpAddress: second });
  });

  it('not an address that has another Elastic IP, which EC2 would push off', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    const address = rig.nodes[0]?.ip;
    rig.create(EIP('first'), { assignment: { privateIPAddress: address } });
    await rig.state(EIP('first'), 'assigned');
    rig.create(EIP('second'), { assignment: { privateIPAddress: address } });
    await rig.until('the refusal', () => rig.event('TargetHasOtherEip', 'second'));

    expect(rig.status(EIP('first')).state).toBe('assigned');
    expect(rig.status(EIP('second')).state).toBe('assigning');
  });

  it('one object per pod: the second is reported so, and takes its place when the first goes', async () => {
    const rig = new EipObjectRig();
    rig.startAgents();
    rig.controller.start();
    const pod = rig.startPod('shared');
    rig.create(EIP('one'), { assignment: { podName: 'shared' } });
    await rig.state(EIP('one'), 'assigned');
    rig.create(EIP('a-second'), { assignment: { podName: 'shared' } });
    await rig.until('the refusal', () => rig.event('TargetHasOtherEip', 'a-second'));
    rig.delete(EIP('one'));
    const { status } = await rig.state(EIP('a-second'), 'assigned');
    expect(status.assignment.privateIPAddress).toBe(pod.address);
  });
});

describe('how an EIP is obtained', () => {
  it('from the pool with most free addresses, or as the address that was chosen', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    const small = rig.world.cloud.addPool({ cidr: '198.51.100.0/30' });
    const large = rig.world.cloud.addPool({ cidr: '203.0.113.0/28' });
    rig.create(EIP('pooled'), { publicIPv4Pools: [small.id, large.id] });
    await rig.state(EIP('pooled'), 'allocated');
    expect(rig.eips()[0].publicIpv4Pool).toBe(large.id);
    rig.create(EIP('chosen'), { publicIPv4Pool: large.id, publicIPv4Address: '203.0.113.7' });
    expect((await rig.state(EIP('chosen'), 'allocated')).status.publicIPAddress).toBe('203.0.113.7');
  });

  it('not beyond the quota: the object says so, and has its address when there is room', async () => {
    const rig = new EipObjectRig();
    rig.world.cloud.knobs.elasticIpQuota = 0;
    rig.controller.start();
    rig.create(EIP('waiting'), {});
    await rig.until('the refusal', () => rig.event('EipQuotaReached', 'waiting'));
    expect(rig.status(EIP('waiting')).state).toBe('allocating');
    rig.world.cloud.knobs.elasticIpQuota = 5;
    await rig.state(EIP('waiting'), 'allocated');
  });

  it('not at all for a spec that contradicts itself, and then after it was fixed', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('both'), { assignment: { podName: 'a', privateIPAddress: '10.0.0.9' } });
    await rig.until('the refusal', () => rig.event('InvalidSpec', 'both'));
    expect(rig.mutations()).toEqual([]);
    rig.patch(EIP('both'), { spec: { assignment: null } });
    await rig.state(EIP('both'), 'allocated');
  });
});

describe('tags of k8s-aws-operator objects', () => {
  it('are added, changed and removed; tags of others are removed only if the object lists tags', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('tagged'), { tags: { a: '1', b: '2' } });
    await rig.state(EIP('tagged'), 'allocated');
    rig.patch(EIP('tagged'), { spec: { tags: { a: '3', b: null, c: '4' } } });
    await rig.until('tags', () => {
      const tags = rig.tagsOf(rig.eips()[0]);
      return tags['a'] === '3' && !('b' in tags) && tags['c'] === '4';
    });
    expect(rig.mutations()).toEqual(['AllocateAddress', 'CreateTags', 'DeleteTags']);
  });
});
