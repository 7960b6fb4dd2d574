import { describe, expect, it } from 'vitest';
import { startControllerRig } from './rig.ts';

const EIP = (name: string) => ({ kind: 'EIP', name }) as const;
const Eip = (name: string) => ({ kind: 'Eip', name }) as const;

describe('an EIP of k8s-aws-operator', () => {
  it('is allocated with its tags, assigned to a pod through the node agent, unassigned and released', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController();
    await rig.create(EIP('my-eip'), { tags: { owner: 'My team' } });

    const allocated = await rig.state(EIP('my-eip'), 'allocated');
    expect(allocated.metadata.finalizers).toEqual(['aws.k8s.logmein.com']);
    expect(rig.tagsOf(rig.eips()[0])).toMatchObject({ owner: 'My team' });
    expect(allocated.status).toEqual({
      state: 'allocated',
      allocationId: rig.eips()[0].allocationId,
      publicIPAddress: rig.eips()[0].publicIp,
    });

    const pod = rig.startPod('some-pod', 'node-a', {});
    await rig.patch(EIP('my-eip'), { spec: { assignment: { podName: 'some-pod' } } });
    const assigned = await rig.state(EIP('my-eip'), 'assigned');
    const [bound] = rig.eips();
    expect(bound).toMatchObject({ networkInterfaceId: pod.eni, privateIpAddress: pod.address });
    expect(assigned.status).toMatchObject({
      associationId: bound.associationId,
      assignment: { podName: 'some-pod', privateIPAddress: pod.address },
      podUUID: pod.uid,
    });
    expect((await rig.pod('some-pod')).metadata.annotations).toMatchObject({
      'eni-agent.io/eip-handover': bound.allocationId,
    });

    await rig.patch(EIP('my-eip'), { spec: { assignment: null } });
    const free = await rig.state(EIP('my-eip'), 'allocated');
    expect(rig.eips()[0].associationId).toBeUndefined();
    expect(free.status).toEqual({
      state: 'allocated',
      allocationId: bound.allocationId,
      publicIPAddress: bound.publicIp,
    });
    expect((await rig.pod('some-pod')).metadata.annotations['eni-agent.io/eip-handover']).toBeUndefined();

    await rig.delete(EIP('my-eip'));
    await rig.until('release', async () => (await rig.find(EIP('my-eip'))) === undefined);
    expect(rig.eips()).toEqual([]);
    expect(rig.mutations().filter((action) => action === 'AllocateAddress')).toHaveLength(1);
  });

  it('follows its pod when it is rescheduled, and moves when podName changes', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController();
    rig.startPod('web-0', 'node-a', {});
    await rig.create(EIP('web'), { assignment: { podName: 'web-0' } });
    await rig.state(EIP('web'), 'assigned');
    const { publicIp } = rig.eips()[0];

    rig.endPod('web-0');
    const moved = rig.startPod('web-0', 'node-b', {});
    await rig.until('the EIP at the new place', () => rig.eips()[0].privateIpAddress === moved.address);
    await rig.until('the status', async () => (await rig.get(EIP('web'))).status.podUUID === moved.uid);

    const other = rig.startPod('web-1', 'node-a', {});
    await rig.patch(EIP('web'), { spec: { assignment: { podName: 'web-1' } } });
    await rig.until('the EIP at the other pod', () => rig.eips()[0].privateIpAddress === other.address);
    await rig.until('the status', async () => (await rig.get(EIP('web'))).status.podUUID === other.uid);
    expect((await rig.pod('web-0')).metadata.annotations['eni-agent.io/eip-handover']).toBeUndefined();
    expect(rig.eips().map((eip) => eip.publicIp)).toEqual([publicIp]);
  });

  it('is released with its pod by ownerReferences', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController();
    const pod = rig.startPod('owned', 'node-a', {});
    await rig.create(
      EIP('owned'),
      { assignment: { podName: 'owned' } },
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'owned', uid: pod.uid, blockOwnerDeletion: true }] },
    );
    await rig.state(EIP('owned'), 'assigned');
    rig.endPod('owned');
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until('the object gone', async () => (await rig.find(EIP('owned'))) === undefined);
    expect(rig.mutations().filter((action) => action === 'ReleaseAddress')).toHaveLength(1);
  });
});

describe('an Eip of k8s-eip-operator', () => {
  it('of version 1 is upgraded, bound to its pod, told on the pod, and released', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController({ defaultTags: { team: 'media' } });
    const pod = rig.startPod('my-pod');
    await rig.create(Eip('my-new-eip'), { podName: 'my-pod' });

    const bound = await rig.until('binding', async () => {
      const object = await rig.get(Eip('my-new-eip'));
      return object.status?.associationId ? object : undefined;
    });
    const [eip] = rig.eips();
    expect(bound.spec).toEqual({ selector: { pod: { podName: 'my-pod' } } });
    expect(bound.status).toEqual({
      allocationId: eip.allocationId,
      publicIpAddress: eip.publicIp,
      eni: pod.eni,
      privateIpAddress: pod.address,
      resourceId: 'my-pod',
      associationId: eip.associationId,
    });
    expect(rig.tagsOf(eip)).toMatchObject({
      team: 'media',
      Name: 'eip-operator:test:default:my-new-eip',
      'eip.materialize.cloud/eip_uid': bound.metadata.uid,
      'eip.materialize.cloud/eip_name': 'my-new-eip',
      'eip.materialize.cloud/cluster_name': 'test',
      'eip.materialize.cloud/namespace': 'default',
      'eip.materialize.cloud/pod_name': 'my-pod',
    });
    await rig.until('the annotations', async () => {
      const { annotations } = (await rig.pod('my-pod')).metadata;
      return (
        annotations['eip.materialize.cloud/allocation_id'] === eip.allocationId &&
        annotations['external-dns.alpha.kubernetes.io/target'] === eip.publicIp
      );
    });

    await rig.delete(Eip('my-new-eip'));
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until(
      'the annotation gone',
      async () => (await rig.pod('my-pod')).metadata.annotations['eip.materialize.cloud/allocation_id'] === undefined,
    );
  });

  it('is created and deleted with a pod that has the autocreate label', async () => {
    await using rig = await startControllerRig();
    rig.startAgents();
    rig.startController();
    rig.startPod('auto', 'node-a', {
      'eip.materialize.cloud/manage': 'true',
      'eip.materialize.cloud/autocreate_eip': 'true',
    });
    await rig.until('binding', async () => (await rig.find(Eip('auto')))?.status?.associationId);
    rig.endPod('auto');
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until('the object gone', async () => (await rig.find(Eip('auto'))) === undefined);
    expect(rig.mutations().filter((action) => action === 'ReleaseAddress')).toHaveLength(1);
  });

  it('for nodes is on a Ready one, says so by label, and moves when that is not Ready any more', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(Eip('egress'), { selector: { node: { selector: { role: 'egress' } } } });
    await rig.until('binding', async () => (await rig.find(Eip('egress')))?.status?.resourceId === 'node-a');
    const label = async (name: string) =>
      (await rig.request('GET', `/api/v1/nodes/${name}`)).metadata.labels[
        'egress-gateway.materialize.cloud/ready-status'
      ];
    await rig.until('labels', async () => (await label('node-a')) === 'true' && (await label('node-b')) === 'false');
    expect(rig.eips()[0].privateIpAddress).toBe(rig.nodes[0]?.ip);

    await rig.request('PATCH', '/api/v1/nodes/node-a/status', {
      status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
    });
    await rig.until('the other node', async () => (await rig.find(Eip('egress')))?.status?.resourceId === 'node-b');
    await rig.until('labels', async () => (await label('node-a')) === 'false' && (await label('node-b')) === 'true');
    expect(rig.eips()[0].privateIpAddress).toBe(rig.nodes[1]?.ip);

    await rig.delete(Eip('egress'));
    await rig.until('no label left', async () => (await label('node-b')) === 'false');
    await rig.until('release', () => rig.eips().length === 0);
  });

  it('says on no node any more what a selector left behind while no controller ran', async () => {
    await using rig = await startControllerRig();
    const label = 'egress-gateway.materialize.cloud/ready-status';
    await rig.request('PATCH', '/api/v1/nodes/node-a', { metadata: { labels: { [label]: 'true' } } });
    rig.startController();
    const labels = async () => (await rig.request('GET', '/api/v1/nodes/node-a')).metadata.labels;
    await rig.until('no label left', async () => (await labels())[label] !== 'true');

    expect((await labels())[label]).toBe('false');
  });
});
