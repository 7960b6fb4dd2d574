import { describe, expect, it } from 'vitest';
import { playFailovers, renderReport } from './failovers.ts';

describe('simulated failovers with random pauses', () => {
  it.each([1, 2, 3, 4])(
    'seed %i: EC2 is asked only by the holder, nothing flaps, a dead node is replaced within 5 s',
    async (seed) => {
      const report = await playFailovers(40, seed);
      const deaths = report.byKind.get('node dies')?.takeoverMs ?? [];
      process.stdout.write(`${renderReport(report)}\n`);

      expect(report.faults).toEqual([]);
      expect(deaths.length).toBeGreaterThan(0);
      expect(Math.max(...deaths)).toBeLessThanOrEqual(5_000);
      expect(report.longestOverlapMs).toBeLessThanOrEqual(1_000);
    },
  );
});
