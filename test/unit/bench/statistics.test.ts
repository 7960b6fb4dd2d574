import { expect, it } from 'vitest';
import { CEILINGS, passedCeilings } from '../../../bench/ceilings.ts';
import { type Measurement, quantile } from '../../../bench/measurement.ts';
import { linePlot } from '../../../bench/plot.ts';
import { renderTable } from '../../../bench/table.ts';

it.each([
  { of: [3, 1, 2], share: 0.5, is: 2 },
  { of: [4, 1, 2, 3], share: 0.5, is: 2 },
  { of: [1, 2, 3, 4], share: 0.51, is: 3 },
  { of: [7], share: 0.99, is: 7 },
  { of: Array.from({ length: 100 }, (_, index) => index + 1), share: 0.99, is: 99 },
  { of: [], share: 0.5, is: Number.NaN },
])('quantile $share of $of is $is', ({ of, share, is }) => expect(quantile(of, share)).toBe(is));

const burst: Measurement = { name: 'burst', title: 'calls', unit: 'calls', samples: [6, 10], bar: { max: 9 } };

it('names a ceiling that was passed, by which statistic and by how much', () => {
  expect(passedCeilings(burst)).toEqual(['burst: max is 10.0 calls, the ceiling is 9']);
  expect(passedCeilings({ ...burst, samples: [6, 9] })).toEqual([]);
});

it('compares the median with the floor of the same rig', () => {
  const row: Measurement = { name: 'pod-to-assign', title: '', unit: 'ms', samples: [30], floor: 9 };
  expect(CEILINGS['pod-to-assign']?.timesFloor).toBeLessThan(30 / 9);
  expect(passedCeilings(row)).toEqual([expect.stringContaining('timesFloor is 3.3')]);
  expect(passedCeilings({ ...row, floor: 15 })).toEqual([]);
});

it('prints what could not be measured with its reason, below the table', () => {
  const text = renderTable([burst, { name: 'floating', skipped: 'no namespaces here' }]);
  expect(text).toMatch(/calls +\| 6 calls \| 10 calls \| 10 calls \| max ≤ 9 calls \| 1\.11/);
  expect(text.split('\n').at(-1)).toBe('floating: no namespaces here');
});

it('draws every point, names every line, and begins both axes at 0', () => {
  const svg = linePlot({
    title: 'a < b',
    x: 'x',
    y: 'y',
    lines: [
      {
        name: 'one',
        points: [
          [1, 10],
          [5, 42],
        ],
      },
    ],
  });
  expect(svg.match(/<circle/g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('>one</text>');
  expect(svg.match(/>0<\/text>/g)).toHaveLength(2);
});
