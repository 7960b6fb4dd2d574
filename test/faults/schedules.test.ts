import { describe, expect, it } from 'vitest';
import { liveSchedule } from './schedule.ts';

/** How many, and the first seed: a thousand in pieces of a hundred before a release. */
const SCHEDULES = Number(process.env['FAULT_SCHEDULES'] ?? 60);
const FIRST = Number(process.env['FAULT_FIRST_SEED'] ?? 1);
const GROUP = 20;

describe('random lives of a cluster with tenants that lie', () => {
  it.each(Array.from({ length: Math.ceil(SCHEDULES / GROUP) }, (_, index) => FIRST + index * GROUP))(
    'seeds from %i on end well, and nobody else is ever touched',
    async (first) => {
      const failures: string[] = [];
      for (let seed = first; seed < first + GROUP && seed < FIRST + SCHEDULES; seed += 1) {
        const wrong = await liveSchedule(seed);
        if (wrong.length > 0) failures.push(`seed ${seed}: ${wrong.slice(0, 5).join('; ')}`);
      }
      // A long run shows how far it is, past whatever reporter.
      if (SCHEDULES > 60) process.stderr.write(`seeds ${first} to ${first + GROUP - 1}: ${failures.length} failed\n`);
      expect(failures).toEqual([]);
    },
  );
});
