import { beforeAll, describe, expect, it } from 'vitest';
import { patchObject } from '../../support/world/objects.ts';
import { warmUp } from '../../support/world/warm-up.ts';
import { EIP, Eip, EipObjectRig } from './rig.ts';

const READY_LABEL = 'egress-gateway.materialize.cloud/ready-status';

beforeAll(warmUp);

describe('an EIP of k8s-aws-operator', () => {
  it('is allocated with its tags, assigned to a pod through the node agent, unassigned and released', async () => {
    const rig = new EipObjectRig();
    rig.startAgents();
    rig.controller.start();
    rig.create(EIP('my-eip'), { tags: { owner: 'My team' } });

    const allocated = await rig.state(EIP('my-eip'), 'allocated');
    expect(allocated.metadata.finalizers).toEqual(['aws.k8s.logmein.com']);
    expect(rig.tagsOf(rig.eips()[0])).toMatchObject({ owner: 'My team' });
    expect(allocated.status).toEqual({
      state: 'allocated',
      allocationId: rig.eips()[0].allocationId,
      publicIPAddress: rig.eips()[0].publicIp,
    });

    const pod = rig.startPod('some-pod', 'a', {});
    rig.patch(EIP('my-eip'), { spec: { assignment: { podName: 'some-pod' } } });
    const assigned = await rig.state(EIP('my-eip'), 'assigned');
    const [bound] = rig.eips();
    expect(bound).toMatchObject({ networkInterfaceId: pod.eni, privateIpAddress: pod.address });
    expect(assigned.status).toMatchObject({
      associationId: bound.associationId,
      assignment: { podName: 'some-pod', privateIPAddress: pod.address },
      podUUID: pod.uid,
    });
    expect(rig.annotations('some-pod')).toMatchObject({
      'eni-agent.io/eip-handover': bound.allocationId,
    });

    rig.patch(EIP('my-eip'), { spec: { assignment: null } });
    const free = await rig.state(EIP('my-eip'), 'allocated');
    expect(rig.eips()[0].associationId).toBeUndefined();
    expect(free.status).toEqual({
      state: 'allocated',
      allocationId: bound.allocationId,
      publicIPAddress: bound.publicIp,
    });
    expect(rig.annotations('some-pod')['eni-agent.io/eip-handover']).toBeUndefined();

    rig.delete(EIP('my-eip'));
    await rig.until('release', () => rig.find(EIP('my-eip')) === undefined);
    expect(rig.eips()).toEqual([]);
    expect(rig.mutations().filter((action) => action === 'AllocateAddress')).toHaveLength(1);
  });

  it('follows its pod when it is rescheduled, and moves when podName changes', async () => {
    const rig = new EipObjectRig();
    rig.startAgents();
    rig.controller.start();
    rig.startPod('web-0', 'a', {});
    rig.create(EIP('web'), { assignment: { podName: 'web-0' } });
    await rig.state(EIP('web'), 'assigned');
    const { publicIp } = rig.eips()[0];

    await rig.endPod('web-0');
    const moved = rig.startPod('web-0', 'b', {});
    await rig.until('the EIP at the new place', () => rig.eips()[0].privateIpAddress === moved.address);
    await rig.until('the status', () => rig.status(EIP('web')).podUUID === moved.uid);

    const other = rig.startPod('web-1', 'a', {});
    rig.patch(EIP('web'), { spec: { assignment: { podName: 'web-1' } } });
    await rig.until('the EIP at the other pod', () => rig.eips()[0].privateIpAddress === other.address);
    await rig.until('the status', () => rig.status(EIP('web')).podUUID === other.uid);
    expect(rig.annotations('web-0')['eni-agent.io/eip-handover']).toBeUndefined();
    expect(rig.eips().map((eip) => eip.publicIp)).toEqual([publicIp]);
  });

  it('is released with its pod by ownerReferences', async () => {
    const rig = new EipObjectRig();
    rig.startAgents();
    rig.controller.start();
    const pod = rig.startPod('owned', 'a', {});
    rig.create(
      EIP('owned'),
      { assignment: { podName: 'owned' } },
      {
        metadata: {
          ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'owned', uid: pod.uid, blockOwnerDeletion: true }],
        },
      },
    );
    await rig.state(EIP('owned'), 'assigned');
    await rig.endPod('owned');
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until('the object gone', () => rig.find(EIP('owned')) === undefined);
    expect(rig.mutations().filter((action) => action === 'ReleaseAddress')).toHaveLength(1);
  });
});

describe('an Eip of k8s-eip-operator', () => {
  it('of version 1 is upgraded, bound to its pod, told on the pod, and released', async () => {
    const rig = new EipObjectRig({ controller: ['--default-tags', '{"team":"media"}'] });
    rig.startAgents();
    rig.controller.start();
    const pod = rig.startPod('my-pod');
    rig.create(Eip('my-new-eip'), { podName: 'my-pod' });

    const bound = await rig.until('binding', () => {
      const object = rig.find(Eip('my-new-eip'));
      return object.status?.associationId && object;
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
    await rig.until('the annotations', () => {
      const annotations = rig.annotations('my-pod');
      return (
        annotations['eip.materialize.cloud/allocation_id'] === eip.allocationId &&
        annotations['external-dns.alpha.kubernetes.io/target'] === eip.publicIp
      );
    });

    rig.delete(Eip('my-new-eip'));
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until(
      'the annotation gone',
      () => rig.annotations('my-pod')['eip.materialize.cloud/allocation_id'] === undefined,
    );
  });

  it('is created and deleted with a pod that has the autocreate label', async () => {
    const rig = new EipObjectRig();
    rig.startAgents();
    rig.controller.start();
    rig.startPod('auto', 'a', {
      'eip.materialize.cloud/manage': 'true',
      'eip.materialize.cloud/autocreate_eip': 'true',
    });
    await rig.until('binding', () => rig.status(Eip('auto'))?.associationId);
    await rig.endPod('auto');
    await rig.until('release', () => rig.eips().length === 0);
    await rig.until('the object gone', () => rig.find(Eip('auto')) === undefined);
    expect(rig.mutations().filter((action) => action === 'ReleaseAddress')).toHaveLength(1);
  });

  it('for nodes is on a Ready one, says so by label, and moves when that is not Ready any more', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(Eip('egress'), { selector: { node: { selector: { role: 'egress' } } } });
    await rig.until('binding', () => rig.status(Eip('egress'))?.resourceId === 'a');
    const label = (name: string) => rig.find({ kind: 'Node', name })?.metadata.labels[READY_LABEL];
    await rig.until('labels', () => label('a') === 'true' && label('b') === 'false');
    expect(rig.eips()[0].privateIpAddress).toBe(rig.nodes[0]?.ip);

    const unknown = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
    patchObject(rig.world, { kind: 'Node', name: 'a' }, unknown, 'status');
    await rig.until('the other node', () => rig.status(Eip('egress'))?.resourceId === 'b');
    await rig.until('labels', () => label('a') === 'false' && label('b') === 'true');
    expect(rig.eips()[0].privateIpAddress).toBe(rig.nodes[1]?.ip);

    rig.delete(Eip('egress'));
    await rig.until('no label left', () => label('b') === 'false');
    await rig.until('release', () => rig.eips().length === 0);
  });

  it('says on no node any more what a selector left behind while no controller ran', async () => {
    const rig = new EipObjectRig();
    const node = { kind: 'Node', name: 'a' } as const;
    rig.patch(node, { metadata: { labels: { [READY_LABEL]: 'true' } } });
    rig.controller.start();
    const label = () => rig.find(node)?.metadata.labels[READY_LABEL];
    await rig.until('no label left', () => label() !== 'true');

    expect(label()).toBe('false');
  });
});
