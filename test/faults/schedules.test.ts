import { describe, expect, it } from 'vitest';
import { liveSchedule } from './schedule.ts';

/** How many; `FAULT_SCHEDULES=1000 npm run test:faults` before a release. */
const SCHEDULES = Number(process.env['FAULT_SCHEDULES'] ?? 60);
const GROUP = 20;

describe('random lives of a cluster with tenants that lie', () => {
  it.each(Array.from({ length: Math.ceil(SCHEDULES / GROUP) }, (_, index) => 1 + index * GROUP))(
    'seeds from %i on end well, and nobody else is ever touched',
    async (first) => {
      const failures: string[] = [];
      for (let seed = first; seed < first + GROUP && seed <= SCHEDULES; seed += 1) {
        const wrong = await liveSchedule(seed);
        if (wrong.length > 0) failures.push(`seed ${seed}: ${wrong.slice(0, 5).join('; ')}`);
      }
      expect(failures).toEqual([]);
    },
  );
});
