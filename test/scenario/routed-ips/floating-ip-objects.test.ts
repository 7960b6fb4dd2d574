import { afterEach, describe, expect, it } from 'vitest';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import { MINUTE, open, routeCalls, SECOND, target, VIP } from './rig.ts';

const API_VERSION = 'eni-agent.io/v1alpha1';
const SPEC = { addresses: [VIP], routeTables: ['tag:eni-agent.io/routed-ips'] };

const worlds: World[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

/** Both agents run, nobody serves anything yet. */
async function rig(spec: object = SPEC) {
  const opened = await open({ start: false });
  const { world, clock, a, b } = opened;
  worlds.push(world);
  applyDefinitions(world);
  a.start();
  b.start();
  await clock.advance(10 * SECOND);
  world.calls.length = 0;
  const create = (name = 'ingress') =>
    world.kubeState.api.create(world.resource('floatingips', API_VERSION), undefined, {
      apiVersion: API_VERSION,
      kind: 'FloatingIP',
      metadata: { name },
      spec,
    });
  const served = (eni: string) => ['rtb-1', 'rtb-2'].every((table) => target(world, table) === eni);
  const onInterface = () =>
    world.nodes.filter(({ addresses }) => addresses.configured.some(({ address }) => address === VIP));
  const holder = () => world.nodes.find((node) => served(node.eni()) && onInterface().includes(node));
  return { ...opened, create, holder, onInterface };
}

/** An object is served, by `first`. */
async function serving() {
  const opened = await rig();
  opened.create();
  await opened.clock.advance(20 * SECOND);
  const first = opened.holder()!;
  opened.world.calls.length = 0;
  return { ...opened, first };
}

/** The node that served is dead, and `second` serves. */
async function failedOver() {
  const { first: lost, ...opened } = await serving();
  const { clock, holder } = opened;
  lost.kill();
  await clock.until(() => holder() !== undefined && holder() !== lost, 10 * SECOND);
  const second = holder()!;
  opened.world.calls.length = 0;
  return { ...opened, lost, second };
}

function status(world: World, name = 'ingress') {
  const object = world.objects('floatingips', API_VERSION).find(({ metadata }) => metadata.name === name);
  return object?.['status'] as {
    node?: string;
    routeTables?: { table: string; state: string; reason?: string }[];
    conditions?: { status: string; reason: string; message: string }[];
  };
}

/** Somebody else writes the route. */
function lead(cloud: World['cloud'], routeTableId: string, networkInterfaceId: string): void {
  cloud.replaceRoute({ routeTableId, destinationCidrBlock: `${VIP}/32`, networkInterfaceId });
}

const ready = (world: World) => status(world)?.conditions?.[0];

describe('a FloatingIP with route tables', () => {
  it('is on one interface, every table leads there, no ENI has it, and the object says so', async () => {
    const { world, clock, create, holder, onInterface } = await rig();

    create();
    await clock.advance(10 * SECOND);

    expect(holder()).toBeDefined();
    expect(onInterface()).toHaveLength(1);
    expect(world.calls.filter(({ action }) => action.startsWith('Assign'))).toEqual([]);
    expect(ready(world)).toMatchObject({ status: 'True', reason: 'Serving' });
    expect(status(world).node).toBe(holder()?.name);
    expect(status(world).routeTables).toEqual([
      { table: 'rtb-1', state: 'assigned' },
      { table: 'rtb-2', state: 'assigned' },
    ]);
  });

  it('finds its interface by the name that a NodeENI gives it, whatever the kernel calls it, as soon as it has it', async () => {
    const { world, clock, create, holder, onInterface } = await rig({ ...SPEC, interface: 'multus' });
    create();
    await clock.advance(20 * SECOND);
    expect(ready(world)).toMatchObject({ status: 'False', reason: 'NoMatchingInterface' });

    for (const { addresses } of world.nodes) addresses.alias('eth1', 'multus');
    await clock.advance(20 * SECOND);

    expect(ready(world)).toMatchObject({ status: 'True', reason: 'Serving' });
    expect(holder()?.addresses.configured).toMatchObject([{ device: 'eth1', address: VIP }]);
    expect(onInterface()).toHaveLength(1);
  });

  it('is elsewhere within five seconds when its node dies: one call for each table', async () => {
    const { world, clock, cloud, holder, first: lost } = await serving();

    lost.kill();
    cloud.setInstanceState(lost.instanceId, 'terminated');
    await clock.advance(5 * SECOND);

    expect(holder()?.name).toBe(lost.name === 'a' ? 'b' : 'a');
    expect(routeCalls(world)).toHaveLength(2);
    await clock.advance(5 * MINUTE);
    expect(routeCalls(world)).toHaveLength(2);
  });

  it('moves when its node is cordoned, and nothing moves for minutes afterwards', async () => {
    const { world, clock, holder, onInterface, first } = await serving();

    const patch = { spec: { unschedulable: true } };
    world.kubeState.api.patch(world.resource('nodes'), 'main', undefined, first.name, { format: 'merge', patch });
    await clock.advance(5 * MINUTE);

    expect(holder()?.name).toBe(first.name === 'a' ? 'b' : 'a');
    expect(onInterface()).toHaveLength(1);
    expect(routeCalls(world).map((call) => call.split(' ')[1])).toEqual(['ReplaceRoute', 'ReplaceRoute']);
    const told = world
      .events()
      .filter(({ involvedObject }) => (involvedObject as { kind: string }).kind === 'FloatingIP');
    const routed = told.map(({ message }) => /routed to (\S+) by (.*) after/.exec(String(message))?.slice(1));
    const from = `\\(from ${first.eni()}\\)`;
    expect(routed).toContainEqual([
      holder()?.eni(),
      expect.stringMatching(new RegExp(`^rtb-1 ${from}, rtb-2 ${from}$`)),
    ]);
    expect(told.map(({ reason }) => reason)).toContain('AddressMoved');
  });

  it('stays where it is when the agent is killed and comes back, and what it wrote is not written again', async () => {
    const { world, clock, holder, first } = await serving();

    first.kill();
    await clock.advance(SECOND);
    first.start();
    await clock.advance(5 * MINUTE);

    expect(holder()).toBe(first);
    expect(routeCalls(world)).toEqual([]);
  });

  it('loses its routes when it is deleted', async () => {
    const { world, clock, create, onInterface } = await rig();
    create();
    await clock.advance(20 * SECOND);

    world.kubeState.api.delete(world.resource('floatingips', API_VERSION), undefined, 'ingress');
    await clock.advance(2 * MINUTE);

    expect(onInterface()).toEqual([]);
    expect(['rtb-1', 'rtb-2'].map((table) => target(world, table))).toEqual([undefined, undefined]);
  });

  it('serves by the other tables while one may not be written, and by that one, too, once it may', async () => {
    const { world, clock, create, holder } = await rig();
    world.faults = ({ action, parameters }) =>
      action.endsWith('Route') && parameters.get('RouteTableId') === 'rtb-2' ? 'denied' : undefined;

    create();
    await clock.advance(20 * SECOND);
    const half = [status(world).routeTables, ready(world)];
    world.faults = () => undefined;
    await clock.advance(15 * MINUTE);

    expect(half).toMatchObject([
      [
        { table: 'rtb-1', state: 'assigned' },
        { table: 'rtb-2', state: 'refused', reason: 'Unauthorized' },
      ],
      { status: 'False', reason: 'Unauthorized' },
    ]);
    expect(holder()?.name).toBe(status(world).node);
    expect(ready(world)).toMatchObject({ status: 'True' });
  });

  it('goes to the other node when the API server is away for its own, and stays there', async () => {
    const { world, clock, holder, onInterface, first } = await serving();

    world.partitioned.add(`agent-${first.name}`);
    await clock.advance(10 * SECOND);
    const second = world.nodes.find(({ name }) => name !== first.name);
    const moved = ['rtb-1', 'rtb-2'].map((table) => target(world, table));
    await clock.advance(MINUTE);
    world.partitioned.clear();
    await clock.advance(5 * MINUTE);

    expect(moved).toEqual([second?.eni(), second?.eni()]);
    expect(holder()).toBe(second);
    expect(onInterface()).toEqual([second]);
    expect(routeCalls(world)).toHaveLength(2);
  });

  it.each(['2 s', '4 s'])(
    'is back within seconds when a write of the holder before arrives late, after %s',
    async (when) => {
      const { world, clock, cloud, holder, lost, second } = await failedOver();

      await clock.advance(Number.parseInt(when) * SECOND - SECOND / 2);
      for (const id of ['rtb-1', 'rtb-2']) lead(cloud, id, lost.eni());
      await clock.advance(7 * SECOND);
      const restored = holder();
      await clock.advance(5 * MINUTE);

      expect([restored, holder()]).toEqual([second, second]);
      expect(routeCalls(world)).toHaveLength(2);
    },
  );

  it('does not fight with somebody who writes other routes again and again', async () => {
    const { world, clock, cloud, lost } = await failedOver();

    for (let minute = 0; minute < 5; minute += 1) {
      for (let time = 0; time < MINUTE; time += 3 * SECOND) {
        lead(cloud, 'rtb-1', lost.eni());
        await clock.advance(3 * SECOND);
      }
    }

    expect(routeCalls(world).length).toBeLessThanOrEqual(2);
    expect(ready(world)).toMatchObject({ status: 'False', reason: 'HeldElsewhere' });
  });

  it('keeps its routes while the API server is away for all', async () => {
    const { world, clock, holder, first } = await serving();

    for (const { name } of world.nodes) world.partitioned.add(`agent-${name}`);
    await clock.advance(5 * MINUTE);
    world.partitioned.clear();
    await clock.advance(5 * MINUTE);

    expect(holder()).toBeDefined();
    expect(routeCalls(world).filter((call) => call.includes('DeleteRoute'))).toEqual([]);
    expect(routeCalls(world).length).toBeLessThanOrEqual(holder() === first ? 0 : 2);
  });

  it('leads to the primary ENI where the object names its interface, and assigns nothing there', async () => {
    const { world, clock, a, b, create, onInterface } = await rig({ ...SPEC, interface: 'eth0' });

    create();
    await clock.advance(10 * SECOND);

    expect([a.primaryEni, b.primaryEni]).toContain(target(world, 'rtb-1'));
    expect(target(world, 'rtb-2')).toBe(target(world, 'rtb-1'));
    expect(onInterface()).toHaveLength(1);
    expect(ready(world)).toMatchObject({ status: 'True' });
    expect(world.calls.filter(({ action }) => action.startsWith('Assign'))).toEqual([]);
  });

  it('says which table is missing, and serves by the others', async () => {
    const { world, clock, a, b, create } = await rig({ ...SPEC, routeTables: ['rtb-1', 'rtb-0gone'] });

    create();
    await clock.advance(20 * SECOND);

    expect([a.eni(), b.eni()]).toContain(target(world, 'rtb-1'));
    expect(ready(world)).toMatchObject({ status: 'False', reason: 'RouteTableNotFound' });
    expect(status(world).routeTables).toEqual([
      { table: 'rtb-0gone', state: 'refused', reason: 'RouteTableNotFound' },
      { table: 'rtb-1', state: 'assigned' },
    ]);
  });

  it.each([
    ['an address of the nodes’ subnet', { ...SPEC, addresses: ['10.0.9.80'] }, 'NotRoutable'],
    ['an Elastic IP', { ...SPEC, elasticIP: 'auto' }, 'InvalidSpec'],
    ['what names no table', { ...SPEC, routeTables: ['main'] }, 'InvalidSpec'],
  ])('is refused with %s', async (_what, spec, reason) => {
    const { world, clock, create } = await rig(spec);

    create();
    await clock.advance(20 * SECOND);

    expect(ready(world)).toMatchObject({ status: 'False', reason });
    expect(routeCalls(world)).toEqual([]);
  });
});
