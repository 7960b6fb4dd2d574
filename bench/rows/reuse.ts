import type { Row } from '../measurement.ts';
import { ROUND_TRIP_MS, reuse as reuseAddresses } from '../scale/reuse.ts';

/** Addresses that move between two nodes because IPAM gives out again what has just become free. */
export const reuse: Row = {
  name: 'reuse',
  beside: true,
  run: async ({ quick }) => {
    const { tookMs, refused } = await reuseAddresses(quick ? 40 : 120);
    const note = 'virtual time';
    return [
      {
        name: 'reuse/time',
        title: `address reused across nodes, EC2 at ${ROUND_TRIP_MS} ms: first call → EC2 has answered`,
        unit: 'ms',
        samples: tookMs,
        bar: { max: 3 * ROUND_TRIP_MS + 50 },
        note,
      },
      {
        name: 'reuse/refused',
        title: '… refused calls per address',
        unit: 'calls',
        samples: refused,
        bar: { max: 1 },
        note,
      },
    ];
  },
};
