import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../bench/soak/figures.ts';
import { type Figure, trendsOf } from '../../../bench/soak/verdict.ts';

const FLAT: Omit<Sample, 'seconds'> = {
  heapMb: 14,
  anonymousMb: 28,
  residentMb: 84,
  descriptors: 40,
  timers: 12,
  threads: 11,
};

/** Ten minutes with a sample each 5 s. */
function samples(about: (minute: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 120 }, (_, index) => ({ ...FLAT, ...about(index / 12), seconds: index * 5 }));
}

const growing = (given: readonly Sample[]) => trendsOf(given).flatMap(({ figure, flat }) => (flat ? [] : [figure]));

describe('the verdict of a soak', () => {
  it('is good when all figures stay, whatever the start took', () => {
    expect(growing(samples())).toEqual([]);
    expect(growing(samples((minute) => (minute < 2 ? { anonymousMb: 10, descriptors: 20 } : {})))).toEqual([]);
  });

  it('overlooks a peak', () => {
    expect(growing(samples((minute) => (Math.round(minute * 12) % 4 === 0 ? { anonymousMb: 60 } : {})))).toEqual([]);
  });

  const leaks: readonly [figure: Figure, perMinute: number][] = [
    ['heapMb', 0.5],
    ['anonymousMb', 1.2],
    ['residentMb', 1.6],
    ['descriptors', 2],
    ['timers', 1.5],
    ['threads', 0.5],
  ];
  it.each(leaks)('sees that %s grow slowly', (figure, perMinute) => {
    expect(growing(samples((minute) => ({ [figure]: FLAT[figure] + perMinute * minute })))).toEqual([figure]);
  });

  it('refuses to judge a soak that was too short', () => {
    expect(() => trendsOf(samples().slice(0, 20))).toThrow(/no samples of heapMb/);
  });
});
