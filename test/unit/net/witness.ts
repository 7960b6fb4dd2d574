import { PATIENCE_MS } from '../../support/patience.ts';

/** Waits for what an observer's `onChange` makes true, without polling; fails with a name when it does not come true in time. */
export class Witness {
  #waiting: (() => void)[] = [];
  changes = 0;
  readonly problems: string[] = [];

  readonly onChange = () => {
    this.changes += 1;
    for (const look of this.#waiting.splice(0)) look();
  };

  readonly onProblem = (message: string, error?: unknown) => {
    this.problems.push(error instanceof Error ? `${message}: ${error.message}` : message);
  };

  /** Resolves with the ms that it took. */
  async until(what: string, condition: () => boolean, timeoutMs = PATIENCE_MS): Promise<number> {
    const startedAt = performance.now();
    const late = AbortSignal.timeout(timeoutMs);
    while (!condition()) {
      if (late.aborted) throw new Error(`still waiting for: ${what}; problems: ${this.problems.join('; ') || 'none'}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return performance.now() - startedAt;
  }
}

/** `median 2.1 ms, max 3.4 ms (n=20)` */
export function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  return `median ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms (n=${sorted.length})`;
}
