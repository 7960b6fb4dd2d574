import { afterEach, describe, expect, it } from 'vitest';
import { createObject, deleteObject, findObject, type ObjectRef, patchObject } from '../../support/world/objects.ts';
import { World } from '../../support/world/world.ts';
import { applyDefinitions, WorldController } from '../../support/world/world-controller.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const worlds: World[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

function open(): World {
  const world = new World();
  worlds.push(world);
  applyDefinitions(world);
  return world;
}

const eips = (world: World) => world.cloud.describeAddresses().addressesSet;

const eip = (name: string) => ({ kind: 'EIP', name }) as const;
const statusOf = (world: World, ref: ObjectRef) => findObject(world, ref)?.status;

describe('more than one controller', () => {
  it('that act at once, as after a pause longer than the lease, allocate one Elastic IP per object', async () => {
    const world = open();
    new WorldController(world).start();
    new WorldController(world).start();
    await world.clock.advance(30 * SECOND);
    const refs = Array.from(
      { length: 8 },
      (_, index): ObjectRef => ({ kind: index % 2 ? 'EIP' : 'Eip', name: `twin-${index}` }),
    );
    for (const ref of refs) createObject(world, ref, ref.kind === 'Eip' ? { podName: ref.name } : {});
    await world.clock.advance(2 * MINUTE);

    for (const ref of refs) expect(statusOf(world, ref)).toHaveProperty('allocationId');
    expect(eips(world)).toHaveLength(refs.length);

    for (const ref of refs) deleteObject(world, ref);
    await world.clock.advance(5 * MINUTE);
    expect(eips(world)).toEqual([]);
  });

  it('that follows one killed right after allocating finds the Elastic IP although describes lag', async () => {
    const world = open();
    world.cloud.knobs.describeLagMs = 4 * SECOND;
    const controller = new WorldController(world);
    world.faults = ({ action }) => {
      if (action !== 'AllocateAddress') return undefined;
      world.faults = () => undefined;
      return 'kill-after';
    };
    world.onKilled = () => world.clock.after(100, () => controller.start());
    controller.start();
    createObject(world, eip('life'));
    await world.clock.advance(5 * MINUTE);

    expect(world.calls.filter(({ fault }) => fault === 'kill-after')).toHaveLength(1);
    expect(world.calls.filter(({ action }) => action === 'AllocateAddress')).toHaveLength(1);
    expect(eips(world)).toMatchObject([{ allocationId: statusOf(world, eip('life'))?.allocationId }]);
  });

  it('that may not act any more sends nothing', async () => {
    const world = open();
    const controller = new WorldController(world);
    controller.start();
    createObject(world, eip('life'));
    await world.clock.advance(MINUTE);
    expect(statusOf(world, eip('life'))).toMatchObject({ state: 'allocated' });
    controller.leads = false;
    const before = world.writes().length;
    patchObject(world, eip('life'), { spec: { tags: { late: 'change' } } });
    await world.clock.advance(5 * MINUTE);

    expect(world.writes()).toHaveLength(before);
  });
});
