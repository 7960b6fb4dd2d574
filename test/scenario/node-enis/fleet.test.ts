import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

const SECOND = 1_000;
const NODES = 500;
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

function counts(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { action } of rig.world.calls) found[action] = (found[action] ?? 0) + 1;
  return found;
}

describe('500 nodes that join at once', () => {
  it('all get their interface at the rate of EC2; EC2 never has to refuse a call', async () => {
    rig = new NodeEniRig({ throttled: true });
    const { cloud, logs } = rig.world;
    cloud.knobs.networkInterfaceQuota = 5_000;
    for (const zone of ['a', 'b'])
      cloud.addSubnet({
        id: `subnet-big-${zone}`,
        vpcId: 'vpc-1',
        cidr: `10.0.${zone === 'a' ? 128 : 144}.0/20`,
        zone: `us-east-1${zone}`,
        tags: { purpose: 'fleet' },
      });
    rig.create('multus', { subnets: [{ tags: { purpose: 'fleet' } }] });
    rig.controller.start();
    await rig.clock.advance(15 * SECOND);
    for (let n = 0; n < NODES; n += 1) rig.addNode(`n${n}`, { zone: n % 2 === 0 ? 'a' : 'b' });
    let seconds = 0;
    for (; rig.interfaces().filter(({ attachment }) => attachment?.deleteOnTermination === true).length < NODES; ) {
      expect((seconds += 1)).toBeLessThan(200);
      await rig.clock.advance(SECOND);
    }
    await rig.clock.advance(30 * SECOND);

    expect(rig.status('multus')).toMatchObject({ desired: NODES, attached: NODES, failed: 0 });
    expect(rig.interfaces()).toHaveLength(NODES);
    // Three and a half a second after the burst: (500 − 30) ÷ 3.5 = 134 s.
    expect(seconds).toBeLessThan(145);
    expect(logs.filter(({ message }) => message.includes('throttling'))).toEqual([]);
    const { CreateNetworkInterface, AttachNetworkInterface, ModifyNetworkInterfaceAttribute, ...others } = counts();
    expect([CreateNetworkInterface, AttachNetworkInterface, ModifyNetworkInterfaceAttribute]).toEqual([500, 500, 500]);
    const { DescribeNetworkInterfaces = 0, DescribeInstances = 0, DescribeSubnets = 0 } = others;
    expect(DescribeNetworkInterfaces).toBeLessThan(100);
    expect(DescribeInstances).toBeLessThan(20);
    expect(DescribeSubnets).toBeLessThan(10);
  }, 300_000);
});
