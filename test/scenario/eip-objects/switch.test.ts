import { describe, expect, it } from 'vitest';
import { startControllerRig } from './rig.ts';

const EIP = (name: string) => ({ kind: 'EIP', name }) as const;
const Eip = (name: string) => ({ kind: 'Eip', name }) as const;

describe('objects of the replaced operators', () => {
  it('keep their Elastic IPs: nothing is allocated, released or bound again', async () => {
    await using rig = await startControllerRig();
    const [left, right] = [rig.startPod('left', 'node-a', {}), rig.startPod('right', 'node-b')];
    const never = { signal: new AbortController().signal };
    const named = await rig.ec2.elasticIps.allocate({ tags: { owner: 'My team' } }, never);
    const tagged = await rig.ec2.elasticIps.allocate({ tags: { Name: 'old' } }, never);
    await rig.ec2.elasticIps.associate(
      { allocationId: named.allocationId, eni: left.eni, privateIp: left.address as never, allowReassociation: false },
      never,
    );
    await rig.ec2.elasticIps.associate(
      {
        allocationId: tagged.allocationId,
        eni: right.eni,
        privateIp: right.address as never,
        allowReassociation: false,
      },
      never,
    );
    const before = rig.eips().map(({ associationId }) => associationId);
    await rig.create(
      EIP('left'),
      { tags: { owner: 'My team' }, assignment: { podName: 'left' } },
      { finalizers: ['aws.k8s.logmein.com'] },
    );
    await rig.patch(EIP('left'), {
      status: {
        state: 'assigned',
        allocationId: named.allocationId,
        publicIPAddress: named.publicIp,
        assignment: { podName: 'left', privateIPAddress: left.address },
      },
    });
    const old = await rig.create(
      Eip('right'),
      { selector: { pod: { podName: 'right' } } },
      { finalizers: ['eip.materialize.cloud/destroy'] },
    );
    await rig.ec2.elasticIps.tag([tagged.allocationId], { 'eip.materialize.cloud/eip_uid': old.metadata.uid }, never);
    // k8s-aws-operator wrote no tags of its own: whoever may tag in EC2 says which address is which object's.
    await rig.ec2.elasticIps.tag(
      [named.allocationId],
      { 'eni-agent.io/cluster': 'test', 'eni-agent.io/retained-for': 'EIP/default/left' },
      never,
    );
    await rig.request('PATCH', '/api/v1/namespaces/default/pods/right', {
      metadata: { finalizers: ['eip.materialize.cloud/disassociate'] },
    });

    rig.startAgents();
    rig.startController();
    await rig.until('the first assigned', async () => (await rig.get(EIP('left'))).status.associationId);
    await rig.until('the second assigned', async () => (await rig.get(Eip('right'))).status?.associationId);
    await rig.until('the marks of the agents', () =>
      rig.eips().every((eip) => 'eni-agent.io/handover-pod' in rig.tagsOf(eip)),
    );

    expect(rig.eips().map(({ associationId }) => associationId)).toEqual(before);
    expect((await rig.get(EIP('left'))).status.allocationId).toBe(named.allocationId);
    expect((await rig.get(Eip('right'))).status.allocationId).toBe(tagged.allocationId);
    await rig.until('the finalizer gone', async () => !(await rig.pod('right')).metadata.finalizers?.length);
    expect(rig.mutations().filter((action) => !action.endsWith('Tags'))).toEqual([
      'AllocateAddress',
      'AllocateAddress',
      'AssociateAddress',
      'AssociateAddress',
    ]);
  });

  it('whose Elastic IP is not in this account get no new one: an Event says so', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('lost'), {}, { finalizers: ['aws.k8s.logmein.com'] });
    await rig.patch(EIP('lost'), { status: { state: 'allocated', allocationId: 'eipalloc-0elsewhere' } });
    await rig.until('the Event', () =>
      rig.events.find(({ reason, name }) => reason === 'EipNotFound' && name === 'lost'),
    );

    expect(rig.mutations()).toEqual([]);
    expect((await rig.get(EIP('lost'))).status).toEqual({ state: 'allocated', allocationId: 'eipalloc-0elsewhere' });
    await rig.delete(EIP('lost'));
    await rig.until('deletion', async () => (await rig.find(EIP('lost'))) === undefined);
  });
});

describe('what an EIP can be assigned to', () => {
  it('a private address, and another one in one call', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    const [first, second] = rig.nodes;
    await rig.create(EIP('bare'), { assignment: { privateIPAddress: first?.ip } });
    const { status } = await rig.state(EIP('bare'), 'assigned');
    expect(status.assignment).toEqual({ privateIPAddress: first?.ip });
    expect(rig.eips()[0].networkInterfaceId).toBe(first?.eni);

    await rig.patch(EIP('bare'), { spec: { assignment: { privateIPAddress: second?.ip } } });
    await rig.until(
      'the move',
      async () => (await rig.get(EIP('bare'))).status.assignment?.privateIPAddress === second?.ip,
    );
    expect(rig.mutations()).toEqual(['AllocateAddress', 'AssociateAddress', 'AssociateAddress']);
  });

  it('an address of an ENI object, by index', async () => {
    await using rig = await startControllerRig();
    const eni = rig.cloud.addInterface({ subnetId: rig.subnet.id });
    rig.cloud.assignPrivateIpAddresses({ networkInterfaceId: eni.id, privateIpAddresses: ['10.0.9.9'] });
    const primary = eni.addresses[0]?.ip;
    const { metadata } = await rig.create({ kind: 'ENI', name: 'my-eni' }, { subnetID: rig.subnet.id });
    const ownership = { 'eni-agent.io/cluster': 'test', 'eni-agent.io/eni-uid': metadata.uid };
    await rig.ec2.interfaces.tag(eni.id, ownership, { signal: new AbortController().signal });
    await rig.patch(
      { kind: 'ENI', name: 'my-eni' },
      { status: { networkInterfaceID: eni.id, privateIPAddresses: [primary, '10.0.9.9'] } },
    );
    rig.startController();
    await rig.create(EIP('on-eni'), { assignment: { eni: 'my-eni', eniPrivateIPAddressIndex: 1 } });
    const { status } = await rig.state(EIP('on-eni'), 'assigned');

    expect(status.assignment).toEqual({ eni: 'my-eni', eniPrivateIPAddressIndex: 1, privateIPAddress: '10.0.9.9' });
    expect(rig.eips()[0]).toMatchObject({ networkInterfaceId: eni.id, privateIpAddress: '10.0.9.9' });
  });

  it('not an address that has another Elastic IP, which EC2 would push off', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    const address = rig.nodes[0]?.ip;
    await rig.create(EIP('first'), { assignment: { privateIPAddress: address } });
    await rig.state(EIP('first'), 'assigned');
    await rig.create(EIP('second'), { assignment: { privateIPAddress: address } });
    await rig.until('the refusal', () =>
      rig.events.find(({ reason, name }) => reason === 'TargetHasOtherEip' && name === 'second'),
    );

    expect((await rig.get(EIP('first'))).status.state).toBe('assigned');
    expect((await rig.get(EIP('second'))).status.state).toBe('assigning');
  });

  it('one object per pod: the second is reported so, and takes its place when the first goes', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController();
    const pod = rig.startPod('shared');
    await rig.create(EIP('one'), { assignment: { podName: 'shared' } });
    await rig.state(EIP('one'), 'assigned');
    await rig.create(EIP('a-second'), { assignment: { podName: 'shared' } });
    await rig.until('the refusal', () =>
      rig.events.find(({ reason, name }) => reason === 'TargetHasOtherEip' && name === 'a-second'),
    );
    await rig.delete(EIP('one'));
    const { status } = await rig.state(EIP('a-second'), 'assigned');
    expect(status.assignment.privateIPAddress).toBe(pod.address);
  });
});

describe('how an EIP is obtained', () => {
  it('from the pool with most free addresses, or as the address that was chosen', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    const small = rig.cloud.addPool({ cidr: '198.51.100.0/30' });
    const large = rig.cloud.addPool({ cidr: '203.0.113.0/28' });
    await rig.create(EIP('pooled'), { publicIPv4Pools: [small.id, large.id] });
    await rig.state(EIP('pooled'), 'allocated');
    expect(rig.eips()[0].publicIpv4Pool).toBe(large.id);
    await rig.create(EIP('chosen'), { publicIPv4Pool: large.id, publicIPv4Address: '203.0.113.7' });
    expect((await rig.state(EIP('chosen'), 'allocated')).status.publicIPAddress).toBe('203.0.113.7');
  });

  it('not beyond the quota: the object says so, and has its address when there is room', async () => {
    await using rig = await startControllerRig();
    rig.cloud.knobs.elasticIpQuota = 0;
    rig.startController();
    await rig.create(EIP('waiting'), {});
    await rig.until('the refusal', () => rig.events.find(({ reason }) => reason === 'EipQuotaReached'));
    expect((await rig.get(EIP('waiting'))).status.state).toBe('allocating');
    rig.cloud.knobs.elasticIpQuota = 5;
    await rig.state(EIP('waiting'), 'allocated');
  });

  it('not at all for a spec that contradicts itself, and then after it was fixed', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('both'), { assignment: { podName: 'a', privateIPAddress: '10.0.0.9' } });
    await rig.until('the refusal', () => rig.events.find(({ reason }) => reason === 'InvalidSpec'));
    expect(rig.mutations()).toEqual([]);
    await rig.patch(EIP('both'), { spec: { assignment: null } });
    await rig.state(EIP('both'), 'allocated');
  });
});

describe('tags of k8s-aws-operator objects', () => {
  it('are added, changed and removed; tags of others are removed only if the object lists tags', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('tagged'), { tags: { a: '1', b: '2' } });
    await rig.state(EIP('tagged'), 'allocated');
    await rig.patch(EIP('tagged'), { spec: { tags: { a: '3', b: null, c: '4' } } });
    await rig.until('tags', () => {
      const tags = rig.tagsOf(rig.eips()[0]);
      return tags['a'] === '3' && !('b' in tags) && tags['c'] === '4';
    });
    expect(rig.mutations()).toEqual(['AllocateAddress', 'CreateTags', 'DeleteTags']);
  });
});
