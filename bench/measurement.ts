/** What one row of the table says. Exactly one row may have several measurements. */
export interface Measurement {
  /** Key of the ceilings: `row` or `row/detail`. */
  readonly name: string;
  readonly title: string;
  readonly unit: 'ms' | 's' | 'MB' | 'kB' | 'calls' | 'requests' | '%' | 'nodes';
  readonly samples: readonly number[];
  /** What must be reached, and by which statistic. */
  readonly bar?: Bar;
  /** Median of the least that could do the work on the same rig: a bare watch and one SDK call. Same unit. */
  readonly floor?: number;
  /** API server that took part. */
  readonly server?: string;
  readonly note?: string;
}

export type Statistic = 'p50' | 'p90' | 'p99' | 'max';

export type Bar = Readonly<Partial<Record<Statistic, number>>>;

/** A row that could not be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

export interface RowOptions {
  /** Fewer samples and shorter waits, for CI: all rows within three minutes. */
  readonly quick: boolean;
}

export interface Row {
  readonly name: string;
  /** It counts, or keeps virtual time, so that it does not mind what else the machine does. @default false */
  readonly beside?: boolean;
  run(options: RowOptions): Promise<readonly (Measurement | Skipped)[]>;
}

/** The smallest sample that at least this share of the samples does not exceed. NaN of nothing. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99, max: 1 } as const;

export function statistic(samples: readonly number[], name: Statistic): number {
  return quantile(samples, SHARES[name]);
}
