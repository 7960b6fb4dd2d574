import { disagreements } from '../sim/world/agreement.ts';
import { until } from '../sim/world/until.ts';
import type { World } from '../sim/world/world.ts';
import { renderMap } from './map.ts';
import { mapViewOf } from './map-view.ts';
import type { SceneResult } from './result.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import { Stage, type StageScreen } from './stage.ts';

export interface Play {
  readonly world: World;
  readonly signal: AbortSignal;
  readonly screen: Screen;
  /** Addresses that pods claim in vain, as `pod address`. */
  readonly denied: Set<string>;
  /** Addresses of others, by address the ENI that has them. */
  readonly foreign: ReadonlyMap<string, string>;
}

/** How long EC2 may need after a scene until it agrees with the pods, ms: cool-down, a fresh look, and the 10 s of what was heard of early. */
const SETTLE_MS = 20_000;

/** Plays one scene. What goes wrong in it becomes its verdict; only an abort ends the play. */
export async function playScene(scene: Scene, play: Play): Promise<SceneResult> {
  const { world, signal, denied } = play;
  const stage = new Stage({ world, signal, denied, screen: stageScreen(play) });
  let happened = 'broken off';
  try {
    happened = await scene.play(stage);
    play.screen.wait('EC2 agrees with the pods');
    const wrong = await lastingDisagreements(play);
    for (const difference of wrong) stage.check(difference, false);
  } catch (error) {
    signal.throwIfAborted();
    stage.check(error instanceof Error ? error.message : String(error), false);
  }
  play.screen.wait(undefined);
  drawMap(play);
  const { latenciesMs, faults } = stage;
  return { scene, happened, latenciesMs, calls: stage.calls(), faults };
}

function stageScreen(play: Play): StageScreen {
  const { screen } = play;
  return {
    say: (line) => screen.print(`   ${line}`),
    wrong: (statement) => screen.print(`   WRONG: ${statement}`, screen.paint.bad),
    wait: (what) => screen.wait(what),
    drawMap: () => drawMap(play),
  };
}

function drawMap({ screen, world }: Play): void {
  const controller = world.controller.running ? 'controller: leads, looks after Eip objects and orphans' : '';
  screen.show(['', ...renderMap(mapViewOf(world, controller), screen.paint)]);
}

/** What still differs between EC2 and the pods after some time to settle. */
export async function lastingDisagreements({ world, signal, denied, foreign }: Play): Promise<string[]> {
  const look = () => disagreements(world, { denied, foreign });
  await until('agreement', () => look().length === 0, { signal, timeoutMs: SETTLE_MS }).catch(() =>
    signal.throwIfAborted(),
  );
  return look();
}
