import { describe, expect, it } from 'vitest';
import type { InterfaceFault } from './fake-interfaces.ts';
import { MINUTE, rig, SECOND } from './rig.ts';

const baseSpec = {
  subnetId: 'subnet-1',
  securityGroups: ['sg-1'],
  secondaryAddresses: 2,
  description: 'mine',
  podName: 'web-0',
};

/** A whole life: made, attached, changed, moved, deleted. */
async function live(world: ReturnType<typeof rig>): Promise<void> {
  const { clock, objects, schedule, start, ours, isReady } = world;
  objects.create('web', baseSpec);
  schedule('web-0', 'a');
  start();
  await clock.until(() => isReady('web') && ours()[0]?.attachment?.instanceId === 'i-a', 5 * MINUTE, 'attached');
  expect(ours()).toHaveLength(1);
  objects.change('web', { secondaryAddresses: 1, description: 'changed', securityGroups: ['sg-2'] });
  schedule('web-0', 'b');
  const isChanged = () =>
    ours()[0]?.description === 'changed' && ours()[0]?.addresses.length === 2 && ours()[0]?.groups[0] === 'sg-2';
  await clock.until(
    () => isReady('web') && isChanged() && ours()[0]?.attachment?.instanceId === 'i-b',
    5 * MINUTE,
    'moved',
  );
  expect(ours()).toHaveLength(1);
  objects.delete('web');
  await clock.until(() => objects.get('web') === undefined, 5 * MINUTE, 'gone');
}

/** What must not have changed: interfaces that the controller did not make. */
function strangers({ cloud, clock, ours }: ReturnType<typeof rig>): string[] {
  const mine = new Set(ours().map(({ id }) => id));
  return cloud.state
    .allInterfaces(clock.now())
    .flatMap(({ id, attachment }) => (mine.has(id) ? [] : [`${id} ${attachment?.deviceIndex}`]));
}

describe('nothing leaks, doubles or is taken from others', () => {
  const calls = Array.from({ length: 22 }, (_, index) => index + 1);
  const cases = calls.flatMap((nth) =>
    (['lost-reply', 'lost-request', 'throttle'] as const).map((fault) => [fault, nth] as const),
  );

  it.each(cases)('when EC2 answers call %s number %i so', async (fault: InterfaceFault, nth: number) => {
    const world = rig();
    const before = strangers(world);
    let hit = false;
    world.ec2.faults = (_, index) => {
      hit ||= index === nth;
      return index === nth ? fault : undefined;
    };

    await live(world);

    expect(world.ours()).toEqual([]);
    expect(strangers(world)).toEqual(before);
    expect(hit || world.ec2.calls.length < nth).toBe(true);
  });

  it.each(calls.flatMap((nth) => ([0, 5 * SECOND] as const).map((lag) => [nth, lag] as const)))(
    'when the controller is killed at call %i and another takes over (describes lag %i ms)',
    async (nth, lag) => {
      const world = rig();
      world.cloud.knobs.describeLagMs = lag;
      const before = strangers(world);
      world.ec2.faults = (_, index) => {
        if (index !== nth) return undefined;
        // The call is done, its reply is never read, and all that the process remembered is lost.
        world.clock.after(1, () => {
          world.kill();
          world.start();
        });
        return 'lost-reply';
      };

      await live(world);
      // One that was made right before the end may show up late: the sweep's business, checked there.
      expect(world.ours()).toEqual([]);
      expect(strangers(world)).toEqual(before);
    },
  );

  it('when half of all calls go wrong', async () => {
    const world = rig();
    const before = strangers(world);
    const kinds: readonly (InterfaceFault | undefined)[] = [
      'lost-reply',
      undefined,
      'lost-request',
      undefined,
      undefined,
      'throttle',
    ];
    world.ec2.faults = (_, index) => kinds[(index * 7) % kinds.length];

    await live(world);

    expect(world.ours()).toEqual([]);
    expect(strangers(world)).toEqual(before);
  });

  it('when the status is lost right after the interface was made', async () => {
    const world = rig();
    const { clock, objects, ec2, start, isReady, ours, schedule } = world;
    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    const [before] = ours();

    world.kill();
    objects.forgetStatus('web');
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);

    expect(ours().map(({ id }) => id)).toEqual([before?.id]);
    expect(ec2.writes().filter((action) => action === 'CreateNetworkInterface')).toHaveLength(1);
  });

  it('when somebody deletes the interface: another is made, but only after a minute of absence', async () => {
    const { clock, cloud, objects, start, isReady, ours } = rig();
    objects.create('web', { ...baseSpec, podName: undefined });
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    const id = ours()[0]?.id ?? '';
    cloud.deleteNetworkInterface({ networkInterfaceId: id });

    await clock.advance(10 * MINUTE);
    await clock.until(() => isReady('web') && ours().length === 1, 3 * MINUTE);

    expect(ours()[0]?.id).not.toBe(id);
    expect(objects.get('web')?.status.networkInterfaceId).toBe(ours()[0]?.id);
  });

  it('when the node goes away forever: the interface is free at once and follows its pod', async () => {
    const { clock, cloud, objects, start, isReady, ours, schedule } = rig();
    objects.create('web', baseSpec);
    schedule('web-0', 'a');
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);

    cloud.setInstanceState('i-a', 'terminated');
    schedule('web-0', 'b');
    await clock.until(() => isReady('web') && ours()[0]?.attachment?.instanceId === 'i-b', MINUTE);

    expect(ours()).toHaveLength(1);
  });
});

describe('a step that waited for EC2’s permission', () => {
  it('takes the interface from no pod that has come back meanwhile', async () => {
    const { clock, cloud, objects, ec2, schedule, start, isReady } = rig();
    objects.create('front', { ...baseSpec, podName: 'front-0' });
    schedule('front-0', 'a');
    start();
    await clock.until(() => isReady('front'), MINUTE);
    ec2.faults = ({ action }) => (action === 'DetachNetworkInterface' ? 'throttle' : undefined);
    const detachments = () => ec2.calls.filter(({ action }) => action === 'DetachNetworkInterface').length;
    schedule('front-0', 'b');
    await clock.until(() => detachments() >= 2, 5 * MINUTE);
    const refused = detachments();
    schedule('front-0', 'a');
    ec2.faults = () => undefined;
    await clock.advance(5 * MINUTE);

    expect(detachments()).toBe(refused);
    const eni = objects.get('front')?.status.networkInterfaceId ?? '';
    expect(cloud.state.requireInterfaceNow(eni).attachment?.instanceId).toBe('i-a');
  });
});

describe('a call for more addresses', () => {
  it('that acts although its answer was lost, and later than any patience, leaves none too many', async () => {
    const { clock, cloud, objects, ec2, start, ours, isReady, inUse } = rig();
    objects.create('web', { ...baseSpec, podName: undefined, secondaryAddresses: 1 });
    start();
    await clock.until(() => isReady('web'), MINUTE);
    const eni = ours()[0]?.id ?? '';
    let lost = 0;
    ec2.faults = ({ action }) => {
      if (action !== 'AssignPrivateIpAddresses' || (lost += 1) > 1) return undefined;
      // It is on its way for 20 s; by then the second call has been answered.
      clock.after(20 * SECOND, () => {
        cloud.assignPrivateIpAddresses({ networkInterfaceId: eni, secondaryPrivateIpAddressCount: 1 });
      });
      return 'lost-request';
    };
    objects.change('web', { secondaryAddresses: 2 });
    await clock.until(() => isReady('web') && lost === 2, MINUTE);
    // Meanwhile a node's agent puts a pod's address on the interface, which is nobody else's to take.
    cloud.assignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: ['10.0.1.77'] });
    inUse.add('10.0.1.77' as never);
    const listed = () => objects.get('web')?.status.privateIPAddresses.toSorted();
    const before = listed();
    await clock.advance(30 * SECOND);
    expect(ours()[0]?.addresses).toHaveLength(5);
    await clock.advance(5 * MINUTE);

    expect(
      ours()[0]
        ?.addresses.map(({ ip }) => ip)
        .toSorted(),
    ).toEqual([...(before ?? []), '10.0.1.77'].toSorted());
    expect(listed()).toEqual(before);
  });
});
