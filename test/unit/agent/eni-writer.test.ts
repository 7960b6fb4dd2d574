import { describe, expect, it } from 'vitest';
import { oneCallPerEni } from '../../../agent/aws/eni-writer.ts';
import { moveIpv6 } from '../../../agent/aws/move-ipv6.ts';
import { assign, unassign } from '../../../agent/floating-ips/address-writer.ts';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { type Ec2Call, eniOf, FakeEc2 } from '../../support/fake-ec2.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const LATENCY_MS = 100;
const [OURS, OTHER] = [eniOf('a', 1), eniOf('b', 1)];

function setUp() {
  const clock = new VirtualClock();
  const ec2 = new FakeEc2({ clock, latencyMs: LATENCY_MS });
  ec2.addNode('a', 2);
  ec2.addNode('b', 1);
  const writer = oneCallPerEni(ec2.api('a'));
  const rateLimit = new RateLimit({ clock, random: () => 0.5 });
  const parts = { clock, ec2: writer, rateLimit };
  const { signal } = new AbortController();
  return { clock, ec2, writer, parts, signal };
}

const arrivals = (calls: readonly Ec2Call[], of: string) =>
  calls.filter(({ eni }) => eni === of).map(({ at, addresses }) => ({ at, addresses }));

/** Times between calls on one ENI; with one in flight, the next arrives a round trip after the one before it. */
function gaps(calls: readonly Ec2Call[], of: string): number[] {
  const times = arrivals(calls, of).map(({ at }) => at);
  return times.slice(1).map((at, index) => at - (times[index] ?? 0));
}

describe('oneCallPerEni', () => {
  it('keeps one call in flight on an ENI, whether pods, a FloatingIP, host-ip or a move of an IPv6 address makes it', async () => {
    const { clock, ec2, writer, parts, signal } = setUp();
    const allowed = () => true;
    const [pod, floating, host, v6] = ['10.0.1.1', '10.0.1.2', '10.0.1.3', '2001:db8:0:1::9'].map(ip) as IpAddress[];
    const takeover = { takeover: false, signal };
    const writes = Promise.all([
      writer.assign(OURS, [pod!], takeover),
      assign(parts, { eni: OURS, addresses: [floating!], takeFrom: undefined, allowed, signal }),
      assign(parts, { eni: OURS, addresses: [host!], takeFrom: new Map(), allowed, signal }),
      moveIpv6(OURS, [{ address: v6!, from: OTHER }], { clock, ec2: writer }, signal),
      unassign(parts, { eni: OURS, addresses: [pod!], allowed, signal }),
    ]);
    await clock.advance(2_000);
    await writes;

    expect(gaps(ec2.writes(), OURS)).toEqual([LATENCY_MS, LATENCY_MS, LATENCY_MS, LATENCY_MS]);
    expect(new Set(ec2.secondariesOf(OURS))).toEqual(new Set([floating, host, v6]));
  });

  it('lets calls on other ENIs go at the same time', async () => {
    const { clock, ec2, writer, signal } = setUp();
    const enis = [OURS, eniOf('a', 2)];
    const writes = Promise.all(
      enis.map((eni, index) => writer.assign(eni, [ip(`10.0.1.${index + 1}`)], { takeover: false, signal })),
    );
    await clock.advance(1_000);
    await writes;

    expect(new Set(ec2.writes().map(({ at }) => at)).size).toBe(1);
  });

  it('sends nothing that is not right any more when its turn has come, and goes on with the next', async () => {
    const { clock, ec2, writer, parts, signal } = setUp();
    let mayCall = true;
    const first = writer.assign(OURS, [ip('10.0.1.1')], { takeover: false, signal });
    const stale = assign(parts, {
      eni: OURS,
      addresses: [ip('10.0.1.2')],
      takeFrom: undefined,
      allowed: () => mayCall,
      signal,
    });
    const last = writer.assign(OURS, [ip('10.0.1.3')], { takeover: false, signal });
    await clock.advance(LATENCY_MS / 2);
    mayCall = false;
    await clock.advance(1_000);
    await Promise.all([first, last]);

    expect(await stale).toMatchObject({ kind: 'again' });
    expect(ec2.secondariesOf(OURS).toSorted()).toEqual(['10.0.1.1', '10.0.1.3']);
  });

  it('lets pods decide what a call carries only when the calls before it have ended', async () => {
    const { clock, writer, signal } = setUp();
    const order: string[] = [];
    const first = writer.assign(OURS, [ip('10.0.1.1')], { takeover: true, signal }).then(() => order.push('answered'));
    const decided = writer.afterOthers(OURS, () => void order.push('decided'));
    await clock.advance(1_000);
    await Promise.all([first, decided]);

    expect(order).toEqual(['answered', 'decided']);
  });

  it('goes on after a call that failed', async () => {
    const { clock, ec2, writer, signal } = setUp();
    ec2.faults = ({ addresses }) => (addresses?.includes(ip('10.0.1.1')) ? 'throttle' : undefined);
    const failed = writer.assign(OURS, [ip('10.0.1.1')], { takeover: false, signal }).catch(() => 'failed');
    const next = writer.assign(OURS, [ip('10.0.1.2')], { takeover: false, signal });
    await clock.advance(1_000);

    expect(await failed).toBe('failed');
    expect((await next).assigned).toEqual(['10.0.1.2']);
  });
});
