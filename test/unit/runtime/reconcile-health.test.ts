import { describe, expect, it } from 'vitest';
import { ReconcileHealth } from '../../../lib/runtime/reconcile-health.ts';

function failing(): void {
  throw new RangeError('Maximum call stack size exceeded');
}

describe('ReconcileHealth', () => {
  it('counts rounds that fail in a row, and is unhealthy after a minute without a good one', () => {
    let now = 0;
    const counts: number[] = [];
    const health = new ReconcileHealth({
      clock: { now: () => now },
      onReconcile: (_loop, failed) => counts.push(failed),
    });
    const errors: unknown[] = [];
    const round = (run: () => void) => health.run('addresses', run, (error) => errors.push(error));

    round(failing);
    now = 59_999;
    round(failing);
    expect(health.faults()).toEqual([]);
    expect(health.failing()).toEqual([
      'the loop for addresses has failed 2 times in a row: Maximum call stack size exceeded',
    ]);
    now = 60_000;
    expect(health.faults()).toHaveLength(1);
    round(() => undefined);
    expect(health.faults()).toEqual([]);
    expect(counts).toEqual([1, 2, 0]);
    expect(errors).toHaveLength(2);
  });
});
