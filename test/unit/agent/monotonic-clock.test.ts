import { expect, it } from 'vitest';
import { monotonicClock, toWallClock } from '../../../agent/floating-ips/monotonic-clock.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';

it('is moved by the passing of time only, and its times can be shown as the wall clock has them', () => {
  let [wallMs, uptimeMs] = [1_000_000, 500];
  const wall = { ...systemClock(), now: () => wallMs };
  const clock = monotonicClock(wall, () => uptimeMs);
  const onWall = toWallClock(clock, wall);
  const time = clock.now();
  expect([time, onWall(time), onWall(undefined)]).toEqual([1_000_000, 1_000_000, undefined]);

  wallMs -= 3_600_000;
  uptimeMs += 200;
  wallMs += 200;

  expect(clock.now()).toBe(1_000_200);
  // Ten ms ago, by the clock that was set back.
  expect(onWall(1_000_190)).toBe(1_000_190 - 3_600_000);
});
