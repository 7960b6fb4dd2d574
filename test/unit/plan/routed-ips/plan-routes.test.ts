import { describe, expect, it } from 'vitest';
import { cidr } from '../../../../lib/model/ip.ts';
import type { RouteSnapshot } from '../../../../lib/model/routed-ips/route-plan.ts';
import { planRoutes } from '../../../../lib/plan/routed-ips/plan-routes.ts';
import { claim, eni, NOW, ROUTE, record, snapshot, table } from './routes.ts';

const KEY = `rtb-1 ${ROUTE}`;

/** `verb table` for each call, `read`, and the state of the only claim. */
function outcome(given: RouteSnapshot): string {
  const { steps, statuses, read } = planRoutes(given);
  const calls = steps.map((step) =>
    step.kind === 'move'
      ? `${step.verb} ${step.table}`
      : step.kind === 'release'
        ? `delete ${step.record.table}`
        : step.kind,
  );
  const [status] = statuses;
  return [...calls, ...(read ? ['read'] : []), status?.refusal?.reason ?? status?.state ?? ''].join(', ');
}

describe('planRoutes', () => {
  const doubt = (before: string | undefined, restarted = false) =>
    new Map([[KEY, { at: NOW - 1, before: { askedAt: NOW - 60_000, eni: before }, restarted }]]);
  const looked = { readAt: NOW };

  it.each<[string, RouteSnapshot, string]>([
    [
      'an appearance takes the route from whoever has it',
      snapshot({ tables: [table('rtb-1', 'eni-9')] }),
      'replace rtb-1, pending',
    ],
    [
      'no route is known from before: replaced first, because a failover then takes one call',
      snapshot(),
      'replace rtb-1, pending',
    ],
    ['EC2 has just said that there is none', snapshot({ wroteAt: new Map([[KEY, NOW]]) }), 'create rtb-1, pending'],
    [
      'a read from after the appearance shows it here',
      snapshot({ ...looked, tables: [table('rtb-1', 'eni-1')] }),
      'assigned',
    ],
    [
      'an older read shows it here: it is asked for once more',
      snapshot({ tables: [table('rtb-1', 'eni-1')] }),
      'replace rtb-1, pending',
    ],
    ['a route to a gateway is never touched', snapshot({ tables: [table('rtb-1', 'igw-1')] }), 'read, HeldElsewhere'],
    [
      'had its move, still here',
      snapshot({ records: [record('held')], tables: [table('rtb-1', 'eni-1')] }),
      'assigned',
    ],
    [
      'had its move, leads elsewhere: stands down and looks again',
      snapshot({ records: [record('held')], tables: [table('rtb-1', 'eni-9')] }),
      'read, HeldElsewhere',
    ],
    [
      'had its move, the new holder is dead',
      snapshot({ records: [record('lost')], tables: [table('rtb-1', 'dead-eni-9')] }),
      'replace rtb-1, pending',
    ],
    ['had its move, somebody removed it', snapshot({ ...looked, records: [record('held')] }), 'create rtb-1, pending'],
    [
      'found in place at the start, held by another',
      snapshot({ ...looked, claims: [claim({ inPlace: true })], tables: [table('rtb-1', 'eni-9')] }),
      'HeldElsewhere',
    ],
    [
      'under a Lease, the process before us was killed while it asked: whoever is there had it before us',
      snapshot({
        ...looked,
        claims: [claim({ leased: true })],
        doubts: doubt(undefined, true),
        tables: [table('rtb-1', 'eni-9')],
      }),
      'replace rtb-1, pending',
    ],
    [
      'under a Lease, a late write of the holder before us: it is moved back',
      snapshot({
        ...looked,
        claims: [claim({ leased: true })],
        records: [record('held', { leased: true })],
        tables: [table('rtb-1', 'eni-9')],
      }),
      'replace rtb-1, pending',
    ],
    [
      'under a Lease, a read shows what was there before our write: that may be such a write, and asking again does no harm',
      snapshot({
        ...looked,
        claims: [claim({ leased: true })],
        records: [record('held', { leased: true })],
        tables: [table('rtb-1', 'eni-1')],
        contradicted: new Set([KEY]),
      }),
      'replace rtb-1, pending',
    ],
    [
      'under a Lease, moved back twice: somebody means it',
      snapshot({
        ...looked,
        claims: [claim({ leased: true })],
        records: [record('held', { leased: true, restored: 2 })],
        tables: [table('rtb-1', 'eni-9')],
      }),
      'HeldElsewhere',
    ],
    [
      'under a Lease held for longer than a call takes: somebody means it',
      snapshot({
        ...looked,
        claims: [claim({ leased: true, since: NOW - 31_000 })],
        records: [record('held', { leased: true, claimedAt: NOW - 31_000 })],
        tables: [table('rtb-1', 'eni-9')],
      }),
      'HeldElsewhere',
    ],
    [
      'a Lease in doubt moves nothing',
      snapshot({
        ...looked,
        claims: [claim({ leased: true, inPlace: true })],
        tables: [table('rtb-1', 'dead-eni-9')],
      }),
      'HeldElsewhere',
    ],
    [
      'a Lease in doubt, still here',
      snapshot({
        ...looked,
        claims: [claim({ leased: true, inPlace: true })],
        tables: [table('rtb-1', 'eni-1')],
      }),
      'assigned',
    ],
    [
      'a call went wrong: a read comes first',
      snapshot({ doubts: doubt('eni-9'), tables: [table('rtb-1', 'eni-9')] }),
      'read, pending',
    ],
    [
      '…and shows the holder of before: it is repeated',
      snapshot({ ...looked, doubts: doubt('eni-9'), tables: [table('rtb-1', 'eni-9')] }),
      'replace rtb-1, pending',
    ],
    ['…and shows us', snapshot({ ...looked, doubts: doubt('eni-9'), tables: [table('rtb-1', 'eni-1')] }), 'assigned'],
    [
      'the process before us made the call, and another has it',
      snapshot({ ...looked, doubts: doubt('eni-9', true), tables: [table('rtb-1', 'eni-9')] }),
      'HeldElsewhere',
    ],
    ['…or nobody has it', snapshot({ ...looked, doubts: doubt('eni-9', true) }), 'create rtb-1, pending'],
    [
      'could not act for more than two seconds: a read comes first',
      snapshot({ claims: [claim({ since: NOW - 3_000 })] }),
      'read, pending',
    ],
    [
      '…and another has it by then',
      snapshot({ ...looked, claims: [claim({ since: NOW - 3_000 })], tables: [table('rtb-1', 'eni-9')] }),
      'HeldElsewhere',
    ],
    ['the tables are not known yet', snapshot({ tables: undefined, readAt: undefined }), 'read, pending'],
    ['the address comes and goes', snapshot({ claims: [claim({ calmAt: NOW + 1_000 })] }), 'Flapping'],
    [
      'two tables',
      snapshot({ tables: [table('rtb-1', 'eni-9'), table('rtb-2', 'eni-9')] }),
      'replace rtb-1, replace rtb-2, pending',
    ],
    [
      'the check of the ENI is on',
      snapshot({ enis: [eni('eni-1', { sourceDestCheck: true })] }),
      'replace rtb-1, uncheck, pending',
    ],
    ['no table has the tag', snapshot({ tables: [table('rtb-1', undefined, { tags: {} })] }), 'RouteTableNotFound'],
    [
      'a tagged table that no subnet uses',
      snapshot({ tables: [table('rtb-1', undefined, { subnetIds: [] })] }),
      'RouteTableNotFound',
    ],
    [
      'a tagged subnet uses the main table',
      snapshot({
        tables: [table('rtb-1', undefined, { tags: {}, subnetIds: [], main: true })],
        subnets: [{ id: 'subnet-9', vpcId: 'vpc-1', cidrs: [], tags: { 'eni-agent.io/routed-ips': '' } }],
      }),
      'replace rtb-1, pending',
    ],
  ])('%s', (_name, given, expected) => {
    expect(outcome(given)).toBe(expected);
  });

  it('removes a route that nobody claims after the cool-down and a read, if it still leads here', () => {
    const idle = { claims: [], idleSince: new Map([[KEY, NOW - 31_000]]), records: [record('held')] };
    const here = [table('rtb-1', 'eni-1')];
    expect(outcome(snapshot({ ...idle, tables: here, readAt: NOW - 32_000 }))).toBe('read, ');
    expect(outcome(snapshot({ ...idle, tables: here, readAt: NOW }))).toBe('delete rtb-1, ');
    expect(outcome(snapshot({ ...idle, tables: here, readAt: NOW, claimsComplete: false }))).toBe('');
    const ofHold = { ...idle, records: [record('held', { leased: true })], tables: here, readAt: NOW };
    expect(outcome(snapshot({ ...ofHold, claimsComplete: false }))).toBe('delete rtb-1, ');
    expect(outcome(snapshot({ ...ofHold, holdsComplete: false }))).toBe('');
    const elsewhere = planRoutes(snapshot({ ...idle, tables: [table('rtb-1', 'eni-9')], readAt: NOW }));
    expect([elsewhere.steps, elsewhere.forget]).toEqual([[], [KEY]]);
    const found = planRoutes(snapshot({ ...idle, records: [record('found')], tables: here, readAt: NOW }));
    expect([found.steps, found.forget]).toEqual([[], [KEY]]);
  });

  it('asks for nothing more once its plan is carried out, and does not depend on the order of its input', () => {
    const tables = [table('rtb-2', 'eni-1'), table('rtb-1', 'eni-1')];
    const records = [record('held'), record('held', { table: 'rtb-2' })];
    const done = snapshot({ tables, records, readAt: NOW });
    expect(outcome(done)).toBe('assigned');
    const turned = snapshot({ tables: tables.toReversed(), records: records.toReversed(), readAt: NOW });
    expect(planRoutes(turned)).toEqual(planRoutes(done));
  });

  it('serves only the newest of two pods on different ENIs', () => {
    const second = claim({
      holder: { namespace: 'default', name: 'new', uid: 'u2' },
      mac: eni('eni-2').mac,
      since: NOW,
    });
    const { steps, statuses } = planRoutes(snapshot({ enis: [eni('eni-1'), eni('eni-2')], claims: [claim(), second] }));
    expect(steps).toMatchObject([{ eni: 'eni-2' }]);
    expect(statuses.map(({ refusal }) => refusal?.reason)).toEqual(['DuplicateAddress', undefined]);
  });

  it('takes the network of no subnet that others use, but for one that leads to an ENI already', () => {
    const inside = claim({ address: cidr('10.0.7.7/32').split('/')[0] as never });
    const network = cidr('10.0.7.0/24');
    const subnet = { id: 'subnet-7', vpcId: 'vpc-1', cidrs: [network], tags: {} };
    const used = { subnets: [{ ...subnet, inUse: true as const }], claims: [inside] };
    const route = { destination: network, eni: 'eni-9', blackhole: false, target: 'eni-9' };

    expect(planRoutes(snapshot({ ...used, subnets: [subnet] })).steps).toMatchObject([{ destination: network }]);
    expect(outcome(snapshot(used))).toBe('NotRoutable');
    expect(
      planRoutes(snapshot({ ...used, tables: [table('rtb-1', undefined, { routes: [route] })] })).steps,
    ).toMatchObject([{ destination: network }]);
  });

  it('never makes a route out of an address inside the VPC that is in no subnet', () => {
    const inside = claim({ address: cidr('10.0.7.7/32').split('/')[0] as never });
    expect(outcome(snapshot({ claims: [inside] }))).toBe('NotRoutable');
  });
});
