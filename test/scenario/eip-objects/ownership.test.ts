import { describe, expect, it } from 'vitest';
import { type ControllerRig, startControllerRig } from './rig.ts';

const EIP = (name: string) => ({ kind: 'EIP', name }) as const;
const never = { signal: new AbortController().signal };
const APPS = '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/apps/eips';

/** What EC2 was made to do since, describes left out. */
async function callsDuring(rig: ControllerRig, act: () => Promise<unknown>): Promise<string[]> {
  const before = rig.mutations().length;
  await act();
  await rig.quiet();
  return rig.mutations().slice(before);
}

async function foreignEip(rig: ControllerRig) {
  const pod = rig.startPod('somebody-elses', 'node-a', {});
  const eip = await rig.ec2.elasticIps.allocate({ tags: { owner: 'another team' } }, never);
  const place = { eni: pod.eni, privateIp: pod.address as never };
  await rig.ec2.elasticIps.associate({ allocationId: eip.allocationId, ...place, allowReassociation: false }, never);
  return eip;
}

describe('an object whose status names an Elastic IP', () => {
  it('that its tags do not make the object’s gets a reason and no call, also when it is deleted', async () => {
    await using rig = await startControllerRig();
    const victim = await foreignEip(rig);
    const before = rig.eips();
    rig.startAgents();
    rig.startController();
    const calls = await callsDuring(rig, async () => {
      await rig.create(EIP('forged'), { tags: { mine: 'yes' }, assignment: { privateIPAddress: rig.nodes[1]?.ip } });
      await rig.patch(EIP('forged'), { status: { state: 'assigned', allocationId: victim.allocationId } });
    });
    // The object was created first: it may have got an address of its own by then, which its tags name.
    const own = rig.eips().filter(({ allocationId }) => allocationId !== victim.allocationId);
    expect(own.every((eip) => 'eni-agent.io/object-uid' in rig.tagsOf(eip))).toBe(true);
    expect(calls.filter((action) => action === 'AllocateAddress').length).toBe(own.length);
    await rig.delete(EIP('forged'));
    await rig.until('deletion', async () => (await rig.find(EIP('forged'))) === undefined);

    expect(rig.eips()).toEqual(before);
  });

  it('is refused when it is made with that status at once', async () => {
    await using rig = await startControllerRig();
    const victim = await foreignEip(rig);
    const before = rig.eips();
    rig.startController();
    const forged = {
      apiVersion: 'aws.k8s.logmein.com/v1alpha1',
      kind: 'EIP',
      metadata: { name: 'forged', finalizers: ['aws.k8s.logmein.com'] },
      spec: {},
      status: { state: 'allocated', allocationId: victim.allocationId },
    };
    const calls = await callsDuring(rig, async () => {
      await rig.request('POST', '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips', forged);
      await rig.until('the refusal', () => rig.events.find(({ reason }) => reason === 'EipInUse'));
      await rig.delete(EIP('forged'));
      await rig.until('deletion', async () => (await rig.find(EIP('forged'))) === undefined);
    });

    expect([calls, rig.eips()]).toEqual([[], before]);
  });

  it('as a copy of another object takes nothing from the original', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('original'), { assignment: { privateIPAddress: rig.nodes[0]?.ip } });
    const original = await rig.state(EIP('original'), 'assigned');
    const before = rig.eips();
    const calls = await callsDuring(rig, async () => {
      const metadata = { name: 'copy', finalizers: original.metadata.finalizers };
      await rig.request('POST', '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips', {
        ...original,
        metadata,
      });
      await rig.until('the refusal', () => rig.events.find(({ name }) => name === 'copy'));
      await rig.delete(EIP('copy'));
      await rig.until('deletion', async () => (await rig.find(EIP('copy'))) === undefined);
    });

    expect([calls, rig.eips()]).toEqual([[], before]);
    expect((await rig.get(EIP('original'))).status.state).toBe('assigned');
  });
});

describe('an ENI object whose status names an interface', () => {
  it('that its tags do not make its own leads no Elastic IP there', async () => {
    await using rig = await startControllerRig();
    const [victim] = rig.nodes;
    rig.startController();
    await rig.create({ kind: 'ENI', name: 'forged' }, { subnetID: rig.subnet.id });
    const status = { networkInterfaceID: victim?.eni, privateIPAddresses: [victim?.ip] };
    await rig.patch({ kind: 'ENI', name: 'forged' }, { status });
    const calls = await callsDuring(rig, async () => {
      await rig.create(EIP('greedy'), { assignment: { eni: 'forged' } });
      await rig.until('the refusal', () => rig.events.find(({ reason }) => reason === 'EipTargetMissing'));
    });

    expect(calls).toEqual(['AllocateAddress']);
    expect(rig.eips().filter(({ associationId }) => associationId !== undefined)).toEqual([]);
  });
});

describe('tags that an object lists', () => {
  it('may not be those by which owners are known', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    const other = await rig.create({ kind: 'Eip', name: 'other' }, { selector: { pod: { podName: 'nobody' } } });
    await rig.until('its address', () => rig.eips().length === 1);
    await rig.quiet();
    const calls = await callsDuring(rig, async () => {
      await rig.create(EIP('liar'), { tags: { 'eip.materialize.cloud/eip_uid': other.metadata.uid } });
      await rig.until('the refusal', () =>
        rig.events.find(({ reason, name }) => reason === 'InvalidSpec' && name === 'liar'),
      );
    });

    expect([calls, rig.eips().length]).toEqual([[], 1]);
  });
});

describe('an Elastic IP outlives', () => {
  it('the namespace of its object, and comes back to an object of the same name', async () => {
    await using rig = await startControllerRig();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } };
    const object = {
      apiVersion: 'aws.k8s.logmein.com/v1alpha1',
      kind: 'EIP',
      metadata: { name: 'front' },
      spec: { assignment: { privateIPAddress: rig.nodes[0]?.ip } },
    };
    await rig.request('POST', '/api/v1/namespaces', namespace);
    rig.startController();
    await rig.request('POST', APPS, object);
    const assigned = () => rig.request('GET', `${APPS}/front`).then(({ status }) => status?.state === 'assigned');
    await rig.until('assigned', assigned);
    const [{ publicIp, associationId }] = rig.eips();
    const calls = await callsDuring(rig, async () => {
      await rig.request('DELETE', '/api/v1/namespaces/apps');
      await rig.until('the namespace gone', () =>
        rig.request('GET', '/api/v1/namespaces/apps').then(
          () => false,
          () => true,
        ),
      );
    });
    expect(calls).toEqual(['CreateTags']);
    expect(rig.eips()).toMatchObject([{ publicIp, associationId }]);
    expect(rig.events.map(({ reason }) => reason)).toContain('EIPRetained');

    await rig.request('POST', '/api/v1/namespaces', namespace);
    await rig.request('POST', APPS, object);
    await rig.until('assigned again', assigned);
    await rig.quiet();
    expect(rig.eips()).toMatchObject([{ publicIp, associationId }]);
    expect(Object.keys(rig.tagsOf(rig.eips()[0]))).not.toContain('eni-agent.io/retained-for');
    await rig.request('DELETE', `${APPS}/front`);
    await rig.until('released', () => rig.eips().length === 0);
  });

  it('the definition of its object, unless the object says Release', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('kept'), {});
    await rig.create(EIP('given-back'), {}, { annotations: { 'eni-agent.io/deletion-policy': 'Release' } });
    await rig.state(EIP('kept'), 'allocated');
    await rig.state(EIP('given-back'), 'allocated');
    const kept = (await rig.get(EIP('kept'))).status.publicIPAddress;
    await rig.request('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/eips.aws.k8s.logmein.com');
    await rig.until('both gone', async () => !(await rig.find(EIP('kept'))) && !(await rig.find(EIP('given-back'))));

    expect(rig.eips().map(({ publicIp }) => publicIp)).toEqual([kept]);
  });

  it('its object when that says Retain', async () => {
    await using rig = await startControllerRig();
    rig.startController();
    await rig.create(EIP('kept'), {}, { annotations: { 'eni-agent.io/deletion-policy': 'Retain' } });
    await rig.state(EIP('kept'), 'allocated');
    await rig.delete(EIP('kept'));
    await rig.until('gone', async () => !(await rig.find(EIP('kept'))));

    expect(rig.eips().map((eip) => rig.tagsOf(eip)['eni-agent.io/retained-for'])).toEqual(['EIP/default/kept']);
  });
});

describe('a step that waited for EC2’s permission', () => {
  it('carries an Elastic IP nowhere when the object wants it back where it is', async () => {
    await using rig = await startControllerRig({ speed: 5 });
    rig.startController();
    const [p, q] = rig.nodes.map(({ ip }) => ({ spec: { assignment: { privateIPAddress: ip } } }));
    await rig.create(EIP('wanderer'), p?.spec ?? {});
    await rig.state(EIP('wanderer'), 'assigned');
    const [{ associationId }] = rig.eips();
    rig.throttle.action = 'AssociateAddress';
    await rig.patch(EIP('wanderer'), q ?? {});
    const refusals = () =>
      rig.calls.filter(({ action, error }) => action === 'AssociateAddress' && error !== undefined);
    await rig.until('a move that waits for its turn', () => refusals().length >= 4);
    await rig.patch(EIP('wanderer'), p ?? {});
    rig.throttle.action = undefined;
    await rig.passes(20_000);
    await rig.quiet();

    expect(rig.eips()).toMatchObject([{ associationId }]);
    expect(rig.mutations().filter((action) => action === 'AssociateAddress').length).toBe(1 + refusals().length);
  });
});
