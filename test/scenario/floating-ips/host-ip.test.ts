import { describe, expect, it } from 'vitest';
import { oneCallPerEni } from '../../../agent/aws/eni-writer.ts';
import { HostAddresses } from '../../../agent/floating-ips/host-addresses.ts';
import { HostIpReconciler } from '../../../agent/host-ip/reconciler.ts';
import { mac } from '../../../lib/model/eni.ts';
import type { HostAddress } from '../../../lib/model/floating-ips/floating-ip.ts';
import type { ConfiguredAddress } from '../../../lib/model/floating-ips/plan.ts';
import { ip } from '../../../lib/model/ip.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { noMetrics } from '../../../lib/runtime/metrics.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { eniOf, FakeEc2, instanceOf, macOf } from '../../support/fake-ec2.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const VIP = ip('10.0.9.201');
const SIX = ip('2001:db8:0:1::201');
const WANTED: HostAddress[] = [
  { address: VIP, prefixLength: 24 },
  { address: SIX, prefixLength: 128 },
];

function open(wanted: readonly HostAddress[] = WANTED, name = 'eth1') {
  const clock = new VirtualClock();
  const ec2 = new FakeEc2({ clock });
  for (const node of ['a', 'b']) ec2.addNode(node, 1);
  const primaryMac = (node: string) => mac(ec2.cloud.state.interfacesOf(instanceOf(node), clock.now())[0]?.mac ?? '');
  const copy = (node: string) => {
    let configured: ConfiguredAddress[] = [];
    const host = new HostAddresses(
      {
        interfaces: () => [
          {
            name,
            ifindex: 3,
            mac: name === 'eth1' ? macOf(eniOf(node, 1)) : primaryMac(node),
            addresses: configured.map(({ address, prefixLength }) => ({ ip: address, prefixLength })),
          },
        ],
        add: async (place) => void configured.push(place),
        remove: async (place) => void (configured = configured.filter(({ address }) => address !== place.address)),
      },
      clock,
    );
    const rateLimit = new RateLimit({ clock, random: () => 0.5 });
    const stop = new AbortController();
    const keeper = new HostIpReconciler({
      process: { clock, random: () => 0.5, log: silentLogger, metrics: noMetrics },
      rateLimit,
      host,
      instanceId: instanceOf(node),
      wanted,
      ec2: oneCallPerEni(ec2.api(node)),
      interface: name === 'eth1' ? name : undefined,
    });
    const run = async () => {
      if (await keeper.take(stop.signal)) await keeper.keep((signal) => clock.sleep(15_000, signal), stop.signal);
    };
    return {
      keeper,
      stop,
      run,
      on: () => configured.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      clear: () => (configured = []),
    };
  };
  return { clock, ec2, a: copy('a'), b: copy('b') };
}

describe('host-ip', () => {
  it('takes both families over, confirms them, and has them on the interface as they were written', async () => {
    const { clock, ec2, a } = open();
    const running = a.run();
    await clock.advance(5_000);

    expect(a.on()).toEqual([`${VIP}/24`, `${SIX}/128`]);
    expect([ec2.holderOf(VIP), ec2.holderOf(SIX)]).toEqual(['eni-a-1', 'eni-a-1']);
    a.stop.abort();
    await running;
    await a.keeper.leave(new AbortController().signal);
    expect(a.on()).toEqual([]);
    expect(ec2.holderOf(VIP)).toBe('eni-a-1');
  });

  it('puts back on the interface what somebody removed there', async () => {
    const { clock, a } = open();
    void a.run();
    await clock.advance(5_000);
    a.clear();
    await clock.advance(16_000);

    expect(a.on()).toHaveLength(2);
    a.stop.abort();
  });

  it('two copies by mistake do not fight: the one that was started later has it, one takeover each', async () => {
    const { clock, ec2, a, b } = open([{ address: VIP, prefixLength: 32 }]);
    void a.run();
    await clock.advance(10_000);
    void b.run();
    await clock.advance(1_800_000);
    const accepted = ec2.writes().filter(({ outcome }) => outcome === 'ok');

    expect(ec2.holderOf(VIP)).toBe('eni-b-1');
    expect([a.on(), b.on()]).toEqual([[], [`${VIP}/32`]]);
    expect(accepted.map(({ node }) => node)).toEqual(['a', 'b']);
    a.stop.abort();
    b.stop.abort();
  });

  it('is taken from the primary ENI of the node that had it, and put on the primary ENI: there the NodePort helper has its address', async () => {
    const { clock, ec2, a, b } = open([{ address: VIP, prefixLength: 32 }], 'eth0');
    const first = a.run();
    await clock.advance(5_000);
    expect(ec2.holderOf(VIP)).toBe(ec2.cloud.state.interfacesOf('i-a', clock.now())[0]?.id);
    a.stop.abort();
    await first;
    const second = b.run();
    await clock.advance(5_000);

    expect(ec2.holderOf(VIP)).toBe(ec2.cloud.state.interfacesOf('i-b', clock.now())[0]?.id);
    expect(b.on()).toEqual([`${VIP}/32`]);
    b.stop.abort();
    await second;
  });

  it('leaves the address to whoever took it while its own answer was lost', async () => {
    const { clock, ec2, a } = open([{ address: VIP, prefixLength: 32 }]);
    ec2.faults = ({ action }) => {
      if (action !== 'assign') return undefined;
      ec2.faults = () => undefined;
      clock.after(5, () => {
        ec2.cloud.addInterface({ id: 'eni-later', subnetId: 'subnet-1' });
        ec2.cloud.assignPrivateIpAddresses({
          networkInterfaceId: 'eni-later',
          privateIpAddresses: [VIP],
          allowReassignment: true,
        });
      });
      return 'lost-reply';
    };
    void a.run();
    await clock.advance(600_000);

    expect(ec2.holderOf(VIP)).toBe('eni-later');
    expect(a.on()).toEqual([]);
    a.stop.abort();
  });

  it('asks EC2 less and less often while it is throttled', async () => {
    const { clock, ec2, a } = open([{ address: VIP, prefixLength: 32 }]);
    ec2.faults = () => 'throttle';
    const taking = a.keeper.take(a.stop.signal);
    await clock.advance(600_000);
    a.stop.abort();

    expect(await taking).toBe(false);
    expect(ec2.calls.length).toBeLessThan(50);
  });

  it('says why it cannot: an address of another subnet', async () => {
    const { clock, ec2, a } = open([{ address: ip('10.0.200.1'), prefixLength: 32 }]);
    const taking = a.keeper.take(a.stop.signal);
    await clock.advance(60_000);
    a.stop.abort();

    expect(await taking).toBe(false);
    expect(a.keeper.fault).toMatch(/^OutsideSubnet: 10.0.200.1/);
    expect(ec2.writes()).toEqual([]);
  });
});
