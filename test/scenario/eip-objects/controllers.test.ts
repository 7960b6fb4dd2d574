import { afterEach, describe, expect, it } from 'vitest';
import { World } from '../../support/world/world.ts';
import { applyDefinitions, WorldController } from '../../support/world/world-controller.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const API_VERSION = { EIP: 'aws.k8s.logmein.com/v1alpha1', Eip: 'materialize.cloud/v2' } as const;
type Kind = keyof typeof API_VERSION;

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
const resource = (world: World, kind: Kind) => world.resource('eips', API_VERSION[kind]);

function create(world: World, kind: Kind, name: string, spec: object = {}): void {
  const manifest = { apiVersion: API_VERSION[kind], kind, metadata: { name }, spec };
  world.kubeState.api.create(resource(world, kind), 'default', manifest);
}

function statusOf(world: World, kind: Kind, name: string): Record<string, unknown> | undefined {
  const object = world.objects('eips', API_VERSION[kind]).find(({ metadata }) => metadata.name === name);
  return object?.['status'] as Record<string, unknown> | undefined;
}

describe('more than one controller', () => {
  it('that act at once, as after a pause longer than the lease, allocate one Elastic IP per object', async () => {
    const world = open();
    new WorldController(world).start();
    new WorldController(world).start();
    await world.clock.advance(30 * SECOND);
    const names = Array.from({ length: 8 }, (_, index) => [index % 2 ? 'EIP' : 'Eip', `twin-${index}`] as const);
    for (const [kind, name] of names) create(world, kind, name, kind === 'Eip' ? { podName: name } : {});
    await world.clock.advance(2 * MINUTE);

    for (const [kind, name] of names) expect(statusOf(world, kind, name)).toHaveProperty('allocationId');
    expect(eips(world)).toHaveLength(names.length);

    for (const [kind, name] of names) world.kubeState.api.delete(resource(world, kind), 'default', name);
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
    create(world, 'EIP', 'life');
    await world.clock.advance(5 * MINUTE);

    expect(world.calls.filter(({ fault }) => fault === 'kill-after')).toHaveLength(1);
    expect(world.calls.filter(({ action }) => action === 'AllocateAddress')).toHaveLength(1);
    expect(eips(world)).toMatchObject([{ allocationId: statusOf(world, 'EIP', 'life')?.['allocationId'] }]);
  });

  it('that may not act any more sends nothing', async () => {
    const world = open();
    const controller = new WorldController(world);
    controller.start();
    create(world, 'EIP', 'life');
    await world.clock.advance(MINUTE);
    expect(statusOf(world, 'EIP', 'life')).toMatchObject({ state: 'allocated' });
    controller.leads = false;
    const before = world.writes().length;
    const patch = { spec: { tags: { late: 'change' } } };
    world.kubeState.api.patch(resource(world, 'EIP'), 'main', 'default', 'life', { format: 'merge', patch });
    await world.clock.advance(5 * MINUTE);

    expect(world.writes()).toHaveLength(before);
  });
});
