import { expect, it } from 'vitest';
import { createObject } from '../../support/world/objects.ts';
import { World } from '../../support/world/world.ts';
import { applyDefinitions, WorldController } from '../../support/world/world-controller.ts';

const MINUTE = 60_000;
const ofController = ({ process }: { readonly process: string }) => process === 'controller';

it('a controller with nothing to do keeps quiet: watches, a few reads a minute, and no write to EC2 or Kubernetes', async () => {
  const world = new World();
  applyDefinitions(world);
  const node = world.addNode('a');
  node.start();
  node.runPod({ name: 'web', podIp: '10.0.1.1' });
  createObject(world, { kind: 'EIP', name: 'calm' }, { assignment: { podName: 'web' } });
  new WorldController(world).start();
  await world.clock.advance(10 * MINUTE);
  expect(world.cloud.describeAddresses().addressesSet).toMatchObject([{ privateIpAddress: '10.0.1.1' }]);
  world.calls.length = 0;
  world.requests.length = 0;

  await world.clock.advance(30 * MINUTE);

  const actions = world.calls.filter(ofController).map(({ action }) => action);
  const made = world.requests.filter(ofController).filter(({ method }) => method !== undefined);
  // The quota is looked at each minute; the objects' loop looks each ten, the sweep now and then.
  expect(actions.filter((action) => !action.startsWith('Describe'))).toEqual([]);
  expect(actions.length).toBeLessThanOrEqual(40);
  expect(made.filter(({ method }) => method !== 'GET')).toEqual([]);
  // Five definitions, looked at each one to three minutes.
  expect(made.length).toBeLessThanOrEqual(100);
  world.close();
});
