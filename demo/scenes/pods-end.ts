import { secondaries } from '../../sim/world/agreement.ts';
import { milliseconds, mutations } from '../measure.ts';
import type { Scene } from '../scene.ts';

/** Only what the ledger says the agent assigned is given back, after a cool-down in which the pod might come again. */
export const podsEnd: Scene = {
  title: 'Pods end',
  play: async (stage) => {
    const { world } = stage;
    const ending = world.pods.running().filter(({ name }) => !name.startsWith('web-'));
    const gone = ending.flatMap(({ addresses }) => [...addresses.values()].flatMap((set) => [...set]));
    stage.say(`${ending.length} pods end. The cool-down is set to 2 s here; usually it is 30 s.`);
    const began = Date.now();
    for (const pod of ending) await world.pods.end(pod);
    const kept = new Set(
      world.pods.running().flatMap(({ addresses }) => [...addresses.values()].flatMap((set) => [...set])),
    );
    const left = () => gone.filter((address) => !kept.has(address) && secondaries(world).has(address));
    await stage.until('all their addresses given back', () => left().length === 0, 25_000);
    const calls = mutations(stage.calls());
    stage.say(`Their addresses are given back after ${milliseconds(Date.now() - began)}, by ${calls.length} calls.`);
    stage.check(
      'something was assigned while pods only ended',
      // The routes of a pod go with it, too.
      calls.every(({ action }) => action.startsWith('Unassign') || action === 'DeleteRoute'),
    );
    return `${ending.length} pods’ addresses given back by ${calls.length} calls, nobody else’s touched`;
  },
};
