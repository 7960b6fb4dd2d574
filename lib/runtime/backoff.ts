export interface BackoffOptions {
  /** Pause after the first failure, ms. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * The pause after the n-th failure in a row (n ≥ 1), ms: doubles up to `maxMs`, half of it random, so that nodes that failed
 * together do not come back together and none waits much longer than its peers.
 */
export function backoffMs(failures: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (ceiling / 2) * options.random();
}
