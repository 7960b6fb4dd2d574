import type { Sample } from './figures.ts';

export type Figure = Exclude<keyof Sample, 'seconds'>;

/**
 * A figure is flat when its median of the last minute is at most `ratio` times that of the third minute, or `slack` above it. Memory outside
 * of the collected heap comes and goes by megabytes, and connections that a busy moment has opened are kept for the next one: that is a
 * step, and a leak is not; one descriptor or timer for each pod would be a hundred of them by then.
 */
const LIMITS: Readonly<Record<Figure, { readonly ratio: number; readonly slack: number }>> = {
  heapMb: { ratio: 1.15, slack: 1 },
  anonymousMb: { ratio: 1.25, slack: 4 },
  residentMb: { ratio: 1.12, slack: 4 },
  descriptors: { ratio: 1.1, slack: 12 },
  timers: { ratio: 1.2, slack: 8 },
  threads: { ratio: 1, slack: 1 },
};
export const FIGURES = Object.keys(LIMITS) as readonly Figure[];

/** The start is left out: caches fill and code is compiled. */
const SETTLED_S = 120;
const WINDOW_S = 60;
/** Below this the two windows would touch. */
export const SHORTEST_S = SETTLED_S + 2 * WINDOW_S;

export interface Trend {
  readonly figure: Figure;
  readonly before: number;
  readonly after: number;
  readonly flat: boolean;
}

/** Compares the third minute with the last one. @throws {RangeError} when there are no samples of one of them. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const end = samples.at(-1)?.seconds ?? 0;
  const early = samples.filter(({ seconds }) => seconds >= SETTLED_S && seconds < SETTLED_S + WINDOW_S);
  const late = samples.filter(({ seconds }) => seconds > end - WINDOW_S);
  return FIGURES.map((figure) => {
    const [before, after] = [early, late].map((window) => median(window.map((sample) => sample[figure])));
    if (before === undefined || after === undefined)
      throw new RangeError(`no samples of ${figure} in the third or the last minute`);
    const { ratio, slack } = LIMITS[figure];
    return { figure, before, after, flat: after <= Math.max(before * ratio, before + slack) };
  });
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
