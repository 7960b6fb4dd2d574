import { describe, expect, it, onTestFinished } from 'vitest';
import { watchQuota } from '../../../agent/quota/quota.ts';
import { countedElasticIps, quotaLevel } from '../../../agent/quota/quota-use.ts';
import { Ec2Error } from '../../../lib/model/ec2-error.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { elasticIp } from '../../support/builders.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;

function rig() {
  const clock = new VirtualClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const world = { used: 1, allowed: 10 as number | Error, describes: 0, asked: 0 };
  const reports: string[] = [];
  const warnings: string[] = [];
  void watchQuota(
    {
      process: { clock, log: silentLogger },
      ec2: {
        rateLimit: new RateLimit({ clock, random: () => 0 }),
        elasticIps: {
          describe: () => {
            world.describes += 1;
            return Promise.resolve(Array.from({ length: world.used }, () => elasticIp()));
          },
        },
      },
      quotas: {
        elasticIps: () => {
          world.asked += 1;
          return world.allowed instanceof Error ? Promise.reject(world.allowed) : Promise.resolve(world.allowed);
        },
      },
      report: (used, allowed) => reports.push(`${used}/${allowed}`),
      warn: (level, message) => warnings.push(`${level}: ${message.slice(0, 7)}`),
    },
    stop.signal,
  );
  return { clock, world, reports, warnings };
}

describe('the quota of Elastic IPs', () => {
  it('counts neither own pools nor what a service holds', () => {
    expect(
      countedElasticIps([elasticIp(), elasticIp({ pool: 'ipv4pool-ec2-1' }), elasticIp({ serviceManaged: true })]),
    ).toBe(1);
  });

  it.each([
    [0, 5, 'fine'],
    [4, 5, 'fine'],
    [5, 5, 'reached'],
    [8, 10, 'fine'],
    [9, 10, 'near'],
    [11, 10, 'reached'],
    [0, 0, 'reached'],
  ] as const)('%i of %i is %s', (used, allowed, level) => {
    expect(quotaLevel(used, allowed)).toBe(level);
  });

  it('is reported each minute, asked for each quarter of an hour, and warned of once on the way up', async () => {
    const { clock, world, reports, warnings } = rig();
    await clock.advance(10);
    world.used = 9;
    await clock.advance(10 * MINUTE);
    world.used = 10;
    await clock.advance(4 * MINUTE);
    world.used = 9;
    await clock.advance(2 * MINUTE);
    world.used = 3;
    await clock.advance(2 * MINUTE);
    world.used = 9;
    await clock.advance(MINUTE);

    expect(reports[0]).toBe('1/10');
    expect([world.describes, world.asked]).toEqual([20, 2]);
    expect(warnings).toEqual(['near: 9 of 10', 'reached: 10 of 1', 'near: 9 of 10']);
  });

  it('stays unknown without the permission, and the use is reported all the same', async () => {
    const { clock, world, reports, warnings } = rig();
    world.allowed = new Ec2Error({
      kind: 'unauthorized',
      code: 'AccessDeniedException',
      message: 'no',
      action: 'GetServiceQuota',
    });
    world.used = 50;
    await clock.advance(2 * MINUTE);

    expect(reports.at(-1)).toBe('50/undefined');
    expect(warnings).toEqual([]);
  });
});
