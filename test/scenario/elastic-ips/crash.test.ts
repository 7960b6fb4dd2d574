import { describe, expect, it } from 'vitest';
import type { Fault } from './region.ts';
import { disagreements, MINUTE, MODES, type Mode, rigFor, SECOND } from './rig.ts';

type World = ReturnType<typeof rigFor>;

/** What the world does after the agent has died, before it starts again. */
const MEANWHILE: Readonly<Record<string, (world: World) => void>> = {
  nothing: () => undefined,
  'the pod is deleted': ({ a }) => a.delete('pod'),
  'the pod is recreated here': ({ a, scheduled, addressed }) => {
    a.delete('pod');
    scheduled(a, 'pod');
    addressed(a, 'pod', 21);
  },
  'the pod is recreated on another node': ({ a, b, scheduled, addressed }) => {
    a.delete('pod');
    scheduled(b, 'pod');
    addressed(b, 'pod', 22);
  },
};

/** A pod's life on node a: scheduled, addressed, deleted. One that was recreated stays. */
async function live({ clock, a, scheduled, addressed }: World): Promise<void> {
  const first = scheduled(a, 'pod').uid;
  const stillFirst = () => a.pods.some(({ uid }) => uid === first);
  await clock.advance(300);
  if (stillFirst()) addressed(a, 'pod', 11);
  await clock.advance(10 * SECOND);
  if (stillFirst()) a.delete('pod');
  await clock.advance(5 * SECOND);
}

async function livesWith(mode: Mode, disturb: (world: World) => void): Promise<string[]> {
  const world = rigFor(mode);
  world.a.start();
  world.b.start();
  await world.clock.advance(SECOND);
  disturb(world);
  await live(world);
  await world.clock.advance(15 * MINUTE);
  const faults = disagreements(world, mode);
  world.killAll();
  return faults;
}

async function callsOf(mode: Mode): Promise<number> {
  let calls = 0;
  expect(await livesWith(mode, ({ region }) => (region.done = () => (calls += 1)))).toEqual([]);
  return calls;
}

describe.each(MODES)('an Elastic IP by $name', (mode) => {
  it.each(Object.keys(MEANWHILE))(
    'is neither leaked nor doubled when the agent is killed after any single call and meanwhile %s',
    async (what) => {
      const calls = await callsOf(mode);
      expect(calls).toBeGreaterThanOrEqual(3);
      for (let victim = 1; victim <= calls; victim += 1) {
        const faults = await livesWith(mode, (world) => killAfter(world, victim, MEANWHILE[what] ?? (() => undefined)));
        expect(faults, `killed after call ${victim} of ${calls}`).toEqual([]);
      }
    },
  );

  it.each<Fault>([
    'lost-reply',
    'lost-request',
    'code:RequestLimitExceeded',
    'code:Unavailable',
    'code:InternalError',
    'code:UnauthorizedOperation',
  ])('is neither leaked nor doubled when any single call ends with %s', async (fault) => {
    const calls = await callsOf(mode);
    for (let victim = 1; victim <= calls; victim += 1) {
      let count = 0;
      const faults = await livesWith(
        mode,
        ({ region }) => (region.faults = () => (++count === victim ? fault : undefined)),
      );
      expect(faults, `call ${victim} of ${calls}`).toEqual([]);
    }
  });
});

function killAfter(world: World, victim: number, meanwhile: (world: World) => void): void {
  const { region, clock, a } = world;
  let count = 0;
  region.done = () => {
    count += 1;
    if (count !== victim) return;
    a.kill();
    clock.after(SECOND, () => {
      if (a.pods.length > 0) meanwhile(world);
      clock.after(SECOND, () => a.start());
    });
  };
}
