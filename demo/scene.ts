import type { Stage } from './stage.ts';

/** One thing that happens in real clusters. */
export interface Scene {
  readonly title: string;
  /** What its latencies measure, for the table; absent when it measures none. */
  readonly measures?: string;
  /** Plays it, says what it does on the way, and returns what happened in one short sentence. */
  readonly play: (stage: Stage) => Promise<string>;
}
