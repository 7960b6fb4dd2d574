import type { CallFault, WorldCall } from '../support/world/ec2-transport.ts';
import type { VirtualProcess } from '../support/world/process.ts';
import { World } from '../support/world/world.ts';
import { WorldController } from '../support/world/world-controller.ts';
import { bystanders } from './bystanders.ts';
import { forbiddenAct } from './forbidden-acts.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** The call that goes wrong: the nth of a life, reads included. */
export interface Disturbance {
  readonly nth: number;
  readonly fault: CallFault;
}

/** A life of addresses, told in virtual time, with what must be true at its end whatever single call went wrong. */
export interface FaultStory {
  readonly name: string;
  /** Nodes, pods and objects that are there before the first agent starts. */
  readonly prepare?: (world: World) => void;
  readonly controller?: boolean;
  /** Node `b` is in another zone than `a`, and so in another subnet. @default false */
  readonly twoZones?: boolean;
  readonly tell: (world: World) => Promise<void>;
  /** What is wrong at the end, in words. `disturbed` is the call that went wrong, undefined in the undisturbed life. */
  readonly wrong: (world: World, disturbed: WorldCall | undefined) => string[];
}

export interface Outcome {
  readonly calls: readonly WorldCall[];
  /** Calls up to the last thing that the story told; what follows are reads that keep watch. */
  readonly told: number;
  readonly wrong: readonly string[];
}

/** Machines, subnets and ENIs are older than any lag of a describe, ms. */
export const AGE_MS = 60_000;
/** A killed process is started again after this time, ms: a kubelet's first restart. */
const RESTART_MS = SECOND;
/** Long enough for cool-downs, back-offs and sweeps to end, ms. */
const SETTLE_MS = 20 * MINUTE;

/** Lives a story once. Leaves nothing behind. */
export async function live(story: FaultStory, disturbance?: Disturbance): Promise<Outcome> {
  const world = new World();
  const controller = story.controller === true ? new WorldController(world) : undefined;
  const acts: string[] = [];
  let disturbed: WorldCall | undefined;
  try {
    const untouched = bystanders(world);
    world.addNode('a');
    world.addNode('b', { zone: story.twoZones === true ? 'b' : 'a' });
    story.prepare?.(world);
    await world.clock.advance(AGE_MS);
    let count = 0;
    world.faults = (call) => {
      count += 1;
      if (count !== disturbance?.nth) return undefined;
      disturbed = call;
      return disturbance.fault;
    };
    world.beforeAct = (call) => acts.push(...forbiddenAct(world, call));
    world.onKilled = (process) => restart(world, controller, process);
    for (const node of world.nodes) node.start();
    controller?.start();
    await world.clock.advance(2 * SECOND);
    await story.tell(world);
    const told = world.calls.length;
    await world.clock.advance(SETTLE_MS);
    return { calls: [...world.calls], told, wrong: [...acts, ...untouched(), ...story.wrong(world, disturbed)] };
  } finally {
    controller?.kill();
    world.close();
  }
}

function restart(world: World, controller: WorldController | undefined, process: VirtualProcess): void {
  if (controller?.process === process) {
    controller.kill();
    world.clock.after(RESTART_MS, () => controller.start());
    return;
  }
  const node = world.nodes.find((candidate) => candidate.process === process);
  node?.noteKilled();
  world.clock.after(RESTART_MS, () => node?.start());
}
