import { describe, expect, it } from 'vitest';
import type { RoutedState } from '../../../../lib/model/floating-ips/plan.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { tableStatuses } from '../../../../lib/plan/floating-ips/table-statuses.ts';

const [ONE, TWO] = [ip('10.99.0.1'), ip('10.99.0.2')];
const FULL = { reason: 'RouteLimitExceeded', message: 'full' } as const;

describe('what a FloatingIP says of its route tables', () => {
  it('is the worst of its addresses, in the order of the ids', () => {
    const routed = new Map<typeof ONE, RoutedState>([
      [
        ONE,
        {
          state: 'assigned',
          tables: [
            { table: 'rtb-2', state: 'assigned' },
            { table: 'rtb-1', state: 'assigned' },
          ],
        },
      ],
      [
        TWO,
        {
          state: 'refused',
          refusal: FULL,
          tables: [
            { table: 'rtb-2', state: 'refused', refusal: FULL },
            { table: 'rtb-1', state: 'pending' },
          ],
        },
      ],
    ]);
    expect(tableStatuses([{ address: ONE }, { address: TWO }], routed)).toEqual([
      { table: 'rtb-1', state: 'pending', reason: '' },
      { table: 'rtb-2', state: 'refused', reason: 'RouteLimitExceeded' },
    ]);
    expect(tableStatuses([{ address: ONE }], routed).map(({ state }) => state)).toEqual(['assigned', 'assigned']);
  });

  it('is nothing for an address on an ENI', () => {
    expect(tableStatuses([{ address: ONE }])).toEqual([]);
  });
});
