import { describe, expect, it } from 'vitest';
import { RETAINED_TAG } from '../../../lib/model/retention.ts';
import { parseTenantPolicy } from '../../../lib/model/tenant-policy.ts';
import { MINUTE, rig, SECOND } from './rig.ts';

const baseSpec = { subnetId: 'subnet-1', securityGroups: ['sg-1'], secondaryAddresses: 1, podName: 'web-0' };

/** An object `web` whose interface is attached under its pod. */
async function served() {
  const world = rig();
  const { clock, objects, ec2, start, schedule, isReady } = world;
  objects.create('web', baseSpec);
  schedule('web-0', 'a');
  start();
  await clock.until(() => isReady('web'), 10 * SECOND);
  ec2.calls.splice(0);
  return world;
}

describe('the interface of an ENI object', () => {
  it.each(['namespace', 'definition'] as const)(
    'stays attached, marked for an object of its name, when that goes with its %s',
    async (ending) => {
      const { world, clock, objects, ec2, ours, events } = await served();
      const [before] = ours();
      world.ending = ending;

      objects.delete('web');
      await clock.until(() => objects.get('web') === undefined, MINUTE);
      await clock.advance(MINUTE);

      expect(ec2.writes()).toEqual(['CreateTags']);
      expect(ours()[0]).toMatchObject({ id: before?.id, attachment: { instanceId: 'i-a' } });
      expect(ours()[0]?.tags.get(RETAINED_TAG)).toBe('ENI/ns/web');
      expect(events).toContain('web InterfaceRetained');
    },
  );

  it('is adopted by the next object of that name, goes to its pod, and is deleted with it', async () => {
    const { world, clock, objects, ec2, ours, schedule, isReady } = await served();
    const [before] = ours();
    world.ending = 'namespace';
    objects.delete('web');
    await clock.until(() => objects.get('web') === undefined, MINUTE);
    world.ending = 'object';
    schedule('web-0', 'b');

    objects.create('web', baseSpec, { uid: 'uid-second' });
    await clock.until(() => isReady('web'), MINUTE);

    expect(ours().map(({ id, attachment }) => [id, attachment?.instanceId])).toEqual([[before?.id, 'i-b']]);
    expect(ours()[0]?.tags.get('eni-agent.io/eni-uid')).toBe('uid-second');
    objects.delete('web');
    await clock.until(() => objects.get('web') === undefined, MINUTE);
    expect(ours()).toEqual([]);
    expect(ec2.writes().filter((call) => call === 'CreateNetworkInterface')).toEqual([]);
  });

  it('is not touched while nobody says why its object goes', async () => {
    const { world, clock, objects, ec2, ours, events } = await served();
    world.ending = undefined;

    objects.delete('web');
    await clock.advance(5 * MINUTE);

    expect(ec2.writes()).toEqual([]);
    expect(ours()).toHaveLength(1);
    expect(events).toContain('web Unauthorized');
    world.ending = 'object';
    await clock.until(() => objects.get('web') === undefined, 5 * MINUTE);
    expect(ours()).toEqual([]);
  });

  it.each([
    ['Retain', 'object', 1],
    ['Release', 'namespace', 0],
  ] as const)('has its deletion policy %s obeyed when the %s is deleted', async (deletionPolicy, ending, left) => {
    const { clock, objects, world, ours, start, isReady } = rig();
    objects.create('web', { ...baseSpec, podName: undefined }, { deletionPolicy });
    start();
    await clock.until(() => isReady('web'), 10 * SECOND);
    world.ending = ending;

    objects.delete('web');
    await clock.until(() => objects.get('web') === undefined, MINUTE);

    expect(ours()).toHaveLength(left);
  });
});

describe('the tenant policy for ENI objects', () => {
  const policy = (entries: Record<string, string>) => parseTenantPolicy(new Map(Object.entries(entries))).policy;

  it('lets no call be made for an object that it does not cover, and says what is missing', async () => {
    const { world, clock, objects, ec2, start, schedule } = rig();
    world.tenants = policy({ 'ns.enis': 'subnet-2, sg-1' });
    schedule('web-0', 'a');
    objects.create('web', baseSpec);
    start();

    await clock.advance(MINUTE);

    expect(ec2.writes()).toEqual([]);
    expect(objects.get('web')).toMatchObject({ finalizers: [], status: { ready: { reason: 'NotAllowed' } } });
    expect(objects.get('web')?.status.ready?.message).toContain('add subnet-1 to ns.enis');
    objects.delete('web');
    expect(objects.get('web')).toBeUndefined();
  });

  it('leaves alone what an object has when its grant ends, and lets it be deleted with the object', async () => {
    const { world, clock, objects, ec2, ours, schedule, trigger } = await served();
    world.tenants = policy({ 'ns.enis': 'subnet-1' });
    trigger();
    schedule('web-0', 'b');
    objects.change('web', { secondaryAddresses: 4 });
    await clock.advance(MINUTE);

    expect(ec2.writes()).toEqual([]);
    expect(ours()[0]?.attachment?.instanceId).toBe('i-a');
    expect(objects.get('web')?.status.ready).toMatchObject({ reason: 'NotAllowed' });
    objects.delete('web');
    await clock.until(() => objects.get('web') === undefined, MINUTE);
    expect(ours()).toEqual([]);
  });
});
