import { beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { EIP, Eip, EipObjectRig, ENI, MINUTE } from './rig.ts';

beforeAll(warmUp);

/** What EC2 was made to do since, describes left out. */
async function callsDuring(rig: EipObjectRig, act: () => unknown): Promise<string[]> {
  const before = rig.mutations().length;
  await act();
  await rig.quiet();
  return rig.mutations().slice(before);
}

function foreignEip(rig: EipObjectRig) {
  return rig.allocate({ owner: 'another team' }, rig.startPod('somebody-elses', 'a', {}));
}

describe('an object whose status names an Elastic IP', () => {
  it('that its tags do not make the object’s gets a reason and no call, also when it is deleted', async () => {
    const rig = new EipObjectRig();
    const victim = foreignEip(rig);
    const before = rig.eips();
    rig.startAgents();
    rig.controller.start();
    const calls = await callsDuring(rig, () => {
      rig.create(EIP('forged'), { tags: { mine: 'yes' }, assignment: { privateIPAddress: rig.nodes[1]?.ip } });
      rig.patch(EIP('forged'), { status: { state: 'assigned', allocationId: victim.allocationId } });
    });
    // The object was created first: it may have got an address of its own by then, which its tags name.
    const own = rig.eips().filter(({ allocationId }) => allocationId !== victim.allocationId);
    expect(own.every((eip) => 'eni-agent.io/object-uid' in rig.tagsOf(eip))).toBe(true);
    expect(calls.filter((action) => action === 'AllocateAddress').length).toBe(own.length);
    rig.delete(EIP('forged'));
    await rig.until('deletion', () => rig.find(EIP('forged')) === undefined);

    expect(rig.eips()).toEqual(before);
  });

  it('is refused when it is made with that status at once', async () => {
    const rig = new EipObjectRig();
    const victim = foreignEip(rig);
    const before = rig.eips();
    rig.controller.start();
    const calls = await callsDuring(rig, async () => {
      rig.create(
        EIP('forged'),
        {},
        {
          metadata: { finalizers: ['aws.k8s.logmein.com'] },
          status: { state: 'allocated', allocationId: victim.allocationId },
        },
      );
      await rig.until('the refusal', () => rig.event('EipInUse', 'forged'));
      rig.delete(EIP('forged'));
      await rig.until('deletion', () => rig.find(EIP('forged')) === undefined);
    });

    expect([calls, rig.eips()]).toEqual([[], before]);
  });

  it('as a copy of another object takes nothing from the original', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('original'), { assignment: { privateIPAddress: rig.nodes[0]?.ip } });
    const { spec, status, metadata } = await rig.state(EIP('original'), 'assigned');
    const before = rig.eips();
    const calls = await callsDuring(rig, async () => {
      rig.create(EIP('copy'), spec, { metadata: { finalizers: metadata.finalizers }, status });
      await rig.until('the refusal', () => rig.event('EipInUse', 'copy'));
      rig.delete(EIP('copy'));
      await rig.until('deletion', () => rig.find(EIP('copy')) === undefined);
    });

    expect([calls, rig.eips()]).toEqual([[], before]);
    expect(rig.status(EIP('original')).state).toBe('assigned');
  });
});

describe('an ENI object whose status names an interface', () => {
  it('that its tags do not make its own leads no Elastic IP there', async () => {
    const rig = new EipObjectRig();
    const [victim] = rig.nodes;
    rig.controller.start();
    // It gets no interface of its own: there is no such subnet.
    rig.create(ENI('forged'), { subnetID: 'subnet-0123456789abcdef0' });
    rig.patch(ENI('forged'), { status: { networkInterfaceID: victim?.eni, privateIPAddresses: [victim?.ip] } });
    const calls = await callsDuring(rig, async () => {
      rig.create(EIP('greedy'), { assignment: { eni: 'forged' } });
      await rig.until('the refusal', () => rig.event('EipTargetMissing', 'greedy'));
    });

    expect(calls.filter((action) => action !== 'CreateNetworkInterface')).toEqual(['AllocateAddress']);
    expect(rig.eips().filter(({ associationId }) => associationId !== undefined)).toEqual([]);
  });
});

describe('tags that an object lists', () => {
  it('may not be those by which owners are known', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    const other = rig.create(Eip('other'), { selector: { pod: { podName: 'nobody' } } });
    await rig.until('its address', () => rig.eips().length === 1);
    await rig.quiet();
    const calls = await callsDuring(rig, async () => {
      rig.create(EIP('liar'), { tags: { 'eip.materialize.cloud/eip_uid': other.metadata.uid } });
      await rig.until('the refusal', () => rig.event('InvalidSpec', 'liar'));
    });

    expect([calls, rig.eips().length]).toEqual([[], 1]);
  });
});

describe('an Elastic IP outlives', () => {
  it('the namespace of its object, and comes back to an object of the same name', async () => {
    const rig = new EipObjectRig();
    const apps = { kind: 'Namespace', name: 'apps' } as const;
    const front = { kind: 'EIP', name: 'front', namespace: 'apps' } as const;
    const spec = { assignment: { privateIPAddress: rig.nodes[0]?.ip } };
    rig.create(apps);
    rig.controller.start();
    rig.create(front, spec);
    await rig.state(front, 'assigned');
    const [{ publicIp, associationId }] = rig.eips();
    const calls = await callsDuring(rig, async () => {
      rig.delete(apps);
      await rig.until('the namespace gone', () => rig.find(apps) === undefined);
    });
    expect(calls).toEqual(['CreateTags']);
    expect(rig.eips()).toMatchObject([{ publicIp, associationId }]);
    // No Event can be written in a namespace that is being deleted.
    expect(rig.world.logs.map(({ message }) => message)).toContain('an Elastic IP outlives its object');

    rig.create(apps);
    rig.create(front, spec);
    await rig.state(front, 'assigned');
    await rig.quiet();
    expect(rig.eips()).toMatchObject([{ publicIp, associationId }]);
    expect(Object.keys(rig.tagsOf(rig.eips()[0]))).not.toContain('eni-agent.io/retained-for');
    rig.delete(front);
    await rig.until('released', () => rig.eips().length === 0);
  });

  it('the definition of its object, unless the object says Release', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('kept'));
    rig.create(EIP('given-back'), {}, policy('Release'));
    await rig.state(EIP('kept'), 'allocated');
    await rig.state(EIP('given-back'), 'allocated');
    const kept = rig.status(EIP('kept')).publicIPAddress;
    rig.delete({ kind: 'CustomResourceDefinition', name: 'eips.aws.k8s.logmein.com' });
    await rig.until('both gone', () => !rig.find(EIP('kept')) && !rig.find(EIP('given-back')));

    expect(rig.eips().map(({ publicIp }) => publicIp)).toEqual([kept]);
  });

  it('its object when that says Retain', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    rig.create(EIP('kept'), {}, policy('Retain'));
    await rig.state(EIP('kept'), 'allocated');
    rig.delete(EIP('kept'));
    await rig.until('gone', () => !rig.find(EIP('kept')));

    expect(rig.eips().map((eip) => rig.tagsOf(eip)['eni-agent.io/retained-for'])).toEqual(['EIP/default/kept']);
    expect(rig.event('EIPRetained', 'kept')).toBeDefined();
  });
});

describe('a step that waited for EC2’s permission', () => {
  it('carries an Elastic IP nowhere when the object wants it back where it is', async () => {
    const rig = new EipObjectRig();
    rig.controller.start();
    const [p, q] = rig.nodes.map(({ ip }) => ({ assignment: { privateIPAddress: ip } }));
    rig.create(EIP('wanderer'), p);
    await rig.state(EIP('wanderer'), 'assigned');
    const [{ associationId }] = rig.eips();
    rig.disturb('AssociateAddress', 'throttled');
    rig.patch(EIP('wanderer'), { spec: q });
    const refused = () => rig.world.calls.filter(({ fault }) => fault === 'throttled').length;
    await rig.until('a move that waits for its turn', () => refused() >= 4);
    rig.patch(EIP('wanderer'), { spec: p });
    rig.disturb('AssociateAddress', undefined);
    await rig.clock.advance(2 * MINUTE);

    expect(rig.eips()).toMatchObject([{ associationId }]);
    expect(rig.mutations().filter((action) => action === 'AssociateAddress').length).toBe(1 + refused());
  });
});

function policy(name: 'Release' | 'Retain') {
  return { metadata: { annotations: { 'eni-agent.io/deletion-policy': name } } };
}
