import { describe, expect, it } from 'vitest';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import { diagnoseRoutes } from '../../../../lib/plan/doctor/diagnose-routes.ts';
import type { Evidence, RoutesFound } from '../../../../lib/plan/doctor/evidence.ts';
import { paragraphOf } from '../../../../lib/plan/doctor/topics.ts';
import { eni, table } from '../routed-ips/routes.ts';

const DECLARED = {
  where: 'pod default/web',
  addresses: { any: false, addresses: [ip('10.99.0.1')], networks: [cidr('10.98.0.0/24')] },
  tables: [{ kind: 'default' }],
} as const;

function checks(routes: Partial<RoutesFound> = {}, more: Partial<Evidence> = {}) {
  const found: RoutesFound = {
    declared: [DECLARED],
    defaultTag: { key: 'eni-agent.io/routed-ips', value: undefined },
    tables: [table('rtb-1', 'eni-1'), table('rtb-2', undefined, { tags: {}, subnetIds: ['subnet-2'] })],
    subnets: [],
    permissions: new Map(),
    ...routes,
  };
  const evidence = {
    enis: { kind: 'known', value: [eni('eni-1')] },
    sourceChecks: { kind: 'known', value: [{ eni: 'eni-1', enabled: false }] },
    routes: { kind: 'known', value: found },
    ...more,
  } as unknown as Evidence;
  return diagnoseRoutes(evidence);
}

const only = (name: string, ...given: Parameters<typeof checks>) => checks(...given).find((each) => each.name === name);

describe('routed IPs', () => {
  it('are one line where no pod declares any', () => {
    const routes = { kind: 'skipped', message: 'no pod declares any' } as const;
    expect(checks({}, { routes })).toEqual([
      { name: 'routed IPs', verdict: 'skipped', finding: 'no pod declares any' },
    ]);
  });

  it('ask for permission to look', () => {
    const routes = { kind: 'denied', message: 'DescribeRouteTables: denied' } as const;
    expect(checks({}, { routes })).toMatchObject([{ verdict: 'skipped', fix: /DescribeRouteTables/ }]);
  });

  it('pass when the tables are there, their routes lead to somebody and the check is off', () => {
    expect(checks().map(({ name, verdict, finding }) => [name, verdict, finding])).toEqual([
      ['routed IPs: route tables', 'pass', 'rtb-1'],
      ['routed IPs: routes', 'pass', '1 to declared addresses, all active'],
      ['routed IPs: source/destination check', 'pass', 'off on every ENI for pods'],
    ]);
  });

  it('fail when a selector selects nothing, and name who wrote it', () => {
    const declared = [{ ...DECLARED, tables: [{ kind: 'id', id: 'rtb-9' } as const] }];
    expect(only('routed IPs: route tables', { declared })).toMatchObject({
      verdict: 'fail',
      finding: expect.stringMatching(/^pod default\/web: rtb-9 does not exist/) as string,
    });
  });

  it('tell of a route to a declared address on which nobody answers, and of no other', () => {
    const dead = { eni: undefined, blackhole: true, target: 'eni-gone' };
    const foreign = { destination: cidr('10.1.0.0/16'), ...dead };
    const routes = [{ destination: cidr('10.98.0.0/24'), ...dead }, foreign];
    expect(only('routed IPs: routes', { tables: [table('rtb-1', undefined, { routes })] })).toMatchObject({
      verdict: 'warn',
      finding: '10.98.0.0/24 leads to eni-gone in rtb-1, where nobody is (blackhole)',
    });
  });

  it('warn when an ENI for pods drops what is not its own', () => {
    const sourceChecks = { kind: 'known', value: [{ eni: 'eni-1', enabled: true }] } as const;
    expect(only('routed IPs: source/destination check', {}, { sourceChecks })).toMatchObject({
      verdict: 'warn',
      finding: expect.stringContaining('on for eni-1') as string,
    });
  });

  it.each([
    ['allowed', 'pass'],
    ['denied', 'fail'],
    [{ unknown: 'InvalidParameterValue: what' }, 'skipped'],
  ] as const)('read a dry run that was answered with %j', (answer, verdict) => {
    expect(only('IAM ReplaceRoute', { permissions: new Map([['ReplaceRoute', answer]]) })?.verdict).toBe(verdict);
  });

  it('have a paragraph', () => {
    expect(checks().map(({ name }) => paragraphOf(name))).toEqual(Array(3).fill('docs/doctor.md#routed-ips'));
  });
});
