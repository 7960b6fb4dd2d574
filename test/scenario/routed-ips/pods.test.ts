import { afterEach, describe, expect, it } from 'vitest';
import type { World } from '../../support/world/world.ts';
import { condition, MINUTE, open, routeCalls, runPod, SECOND, target, told, VIP } from './rig.ts';

const worlds: World[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

async function rig(options?: Parameters<typeof open>[0]) {
  const opened = await open(options);
  worlds.push(opened.world);
  return opened;
}

describe('an address that route tables lead to its pod', () => {
  it('is routed in every table with the tag at once, and in no other', async () => {
    const { world, clock, a, pods } = await rig();

    a.addAddress(pods.a, VIP);
    await clock.advance(60);

    const sent = (action: string) => [`agent-a ${action} rtb-1`, `agent-a ${action} rtb-2`];
    expect(routeCalls(world)).toEqual(sent('ReplaceRoute'));
    await clock.advance(SECOND);
    expect(routeCalls(world)).toEqual([...sent('ReplaceRoute'), ...sent('CreateRoute')]);
    expect([target(world, 'rtb-1'), target(world, 'rtb-2'), target(world, 'rtb-other')]).toEqual([
      a.eni(),
      a.eni(),
      undefined,
    ]);
    expect(told(world, 'pod-a')).toMatchObject({
      state: 'assigned',
      eni: a.eni(),
      routes: [
        { table: 'rtb-1', state: 'assigned' },
        { table: 'rtb-2', state: 'assigned' },
      ],
    });
    expect(condition(world, 'pod-a')).toMatchObject({ status: 'True' });
    expect(world.events('AddressAssigned').some(({ message }) => String(message).includes('rtb-1, rtb-2'))).toBe(true);
  });

  it('turns off the source/destination check of its ENI, once', async () => {
    const { world, clock, cloud, a, pods } = await rig();

    a.addAddress(pods.a, VIP);
    await clock.advance(MINUTE);

    expect(cloud.state.interfaces.get(a.eni())?.sourceDestCheck).toBe(false);
    expect(world.calls.filter(({ action }) => action === 'ModifyNetworkInterfaceAttribute')).toHaveLength(1);
  });

  it('moves with one ReplaceRoute for each table to whoever adds it last, and back', async () => {
    const { world, clock, a, b, pods } = await rig();
    a.addAddress(pods.a, VIP);
    await clock.advance(20 * SECOND);
    world.calls.length = 0;

    a.removeAddress(pods.a, VIP);
    b.addAddress(pods.b, VIP);
    await clock.advance(20 * SECOND);

    expect(routeCalls(world)).toEqual(['agent-b ReplaceRoute rtb-1', 'agent-b ReplaceRoute rtb-2']);
    expect([target(world, 'rtb-1'), target(world, 'rtb-2')]).toEqual([b.eni(), b.eni()]);
    a.addAddress(pods.a, VIP);
    await clock.advance(MINUTE);
    expect([target(world, 'rtb-1'), target(world, 'rtb-2')]).toEqual([a.eni(), a.eni()]);
  });

  it('stays where it was added last while two pods hold it for ten minutes: one move each, no ping-pong', async () => {
    const { world, clock, a, b, pods } = await rig();

    a.addAddress(pods.a, VIP);
    await clock.advance(5 * SECOND);
    b.addAddress(pods.b, VIP);
    await clock.advance(10 * MINUTE);

    expect(routeCalls(world)).toEqual([
      'agent-a ReplaceRoute rtb-1',
      'agent-a ReplaceRoute rtb-2',
      'agent-a CreateRoute rtb-1',
      'agent-a CreateRoute rtb-2',
      'agent-b ReplaceRoute rtb-1',
      'agent-b ReplaceRoute rtb-2',
    ]);
    expect(told(world, 'pod-a')).toMatchObject({ state: 'refused', reason: 'HeldElsewhere' });
    expect(told(world, 'pod-b')).toMatchObject({ state: 'assigned' });
  });

  it('is taken by the pod that stood down when the node of the holder dies', async () => {
    const { world, clock, cloud, a, b, pods } = await rig();
    a.addAddress(pods.a, VIP);
    await clock.advance(5 * SECOND);
    b.addAddress(pods.b, VIP);
    await clock.advance(MINUTE);

    b.kill();
    cloud.setInstanceState(b.instanceId, 'terminated');
    await clock.advance(MINUTE);

    expect([target(world, 'rtb-1'), target(world, 'rtb-2')]).toEqual([a.eni(), a.eni()]);
    expect(told(world, 'pod-a')).toMatchObject({ state: 'assigned' });
  });

  it('is left alone when nothing declares it', async () => {
    const { world, clock, a } = await rig();
    const pod = a.runPod({
      name: 'undeclared',
      podIp: '10.0.1.9',
      attachments: [{ interface: 'net1', ips: ['10.0.9.9'] }],
    });
    await clock.advance(5 * SECOND);
    a.addAddress(pod, '10.99.0.9');
    await clock.advance(MINUTE);
    expect(routeCalls(world)).toEqual([]);
  });

  it('loses its routes some time after its pod, but never one that leads elsewhere by then', async () => {
    const { world, clock, cloud, a, b, pods } = await rig();
    a.addAddress(pods.a, VIP);
    await clock.advance(20 * SECOND);
    a.removeAddress(pods.a, VIP);
    cloud.replaceRoute({
      routeTableId: 'rtb-2',
      destinationCidrBlock: `${VIP}/32`,
      networkInterfaceId: b.eni(),
    });
    await clock.advance(2 * MINUTE);

    expect([target(world, 'rtb-1'), target(world, 'rtb-2')]).toEqual([undefined, b.eni()]);
    expect(routeCalls(world).filter((call) => call.includes('Delete'))).toEqual(['agent-a DeleteRoute rtb-1']);
  });

  it('keeps its routes over a restart of the agent, and over one that lost its memory', async () => {
    const { world, clock, a, b, pods } = await rig();
    a.addAddress(pods.a, VIP);
    await clock.advance(20 * SECOND);
    b.addAddress(pods.b, VIP);
    await clock.advance(20 * SECOND);
    world.calls.length = 0;

    a.kill();
    a.start();
    b.kill();
    b.loseState();
    b.start();
    await clock.advance(5 * MINUTE);

    expect(routeCalls(world)).toEqual([]);
    expect(target(world, 'rtb-1')).toBe(b.eni());
  });

  it('heals a route that somebody removed by hand', async () => {
    const { world, clock, cloud, a, pods } = await rig();
    a.addAddress(pods.a, VIP);
    await clock.advance(20 * SECOND);
    cloud.deleteRoute({ routeTableId: 'rtb-1', destinationCidrBlock: `${VIP}/32` });
    await clock.advance(11 * MINUTE);
    expect(target(world, 'rtb-1')).toBe(a.eni());
  });
});

describe('ten tables', () => {
  it('are written within three round trips: two for the first route ever, one for a failover', async () => {
    const { world, clock, a, b, pods } = await rig({ tables: 10 });
    const tables = Array.from({ length: 10 }, (_, index) => `rtb-${index + 1}`);
    const leading = (eni: string) => tables.filter((table) => target(world, table) === eni).length;

    a.addAddress(pods.a, VIP);
    await clock.advance(3 * world.latencyMs);
    expect(leading(a.eni())).toBe(10);
    await clock.advance(20 * SECOND);
    world.calls.length = 0;
    b.addAddress(pods.b, VIP);
    await clock.advance(world.latencyMs);

    expect(leading(b.eni())).toBe(10);
    expect(routeCalls(world)).toHaveLength(10);
  });
});

describe('each table stands for itself', () => {
  it('tells why one is not written while the others are', async () => {
    const { world, clock, cloud, a } = await rig({ tables: 1 });
    const other = cloud.addVpc({ cidr: '10.8.0.0/16' });
    cloud.addRouteTable({ id: 'rtb-foreign', vpcId: other.id });
    cloud.addRouteTable({
      id: 'rtb-full',
      vpcId: 'vpc-1',
      routes: { '10.77.0.0/24': a.eni(), '10.78.0.0/24': a.eni() },
    });
    cloud.addRouteTable({ id: 'rtb-late', vpcId: 'vpc-1' });
    cloud.knobs.routeQuota = 2;
    const pod = a.runPod({
      name: 'many',
      podIp: '10.0.1.7',
      annotations: {
        'eni-agent.io/routed-ips': '10.99.0.7',
        'eni-agent.io/route-tables': 'rtb-1, rtb-0gone, rtb-foreign, rtb-full, rtb-late',
      },
      attachments: [{ interface: 'net1', ips: ['10.0.9.7'] }],
    });
    await clock.advance(5 * SECOND);
    cloud.deleteRouteTable('rtb-late');
    a.addAddress(pod, '10.99.0.7');
    await clock.advance(5 * SECOND);

    expect(target(world, 'rtb-1', '10.99.0.7/32')).toBe(a.eni());
    const { routes } = told(world, 'many', '10.99.0.7') as unknown as { routes: unknown[] };
    expect(routes).toEqual(
      expect.arrayContaining([
        { table: 'rtb-1', state: 'assigned' },
        { table: 'rtb-0gone', state: 'refused', reason: 'RouteTableNotFound' },
        { table: 'rtb-foreign', state: 'refused', reason: 'RouteTableOfOtherVpc' },
        { table: 'rtb-full', state: 'refused', reason: 'RouteLimitExceeded' },
        { table: 'rtb-late', state: 'refused', reason: 'RouteTableNotFound' },
      ]),
    );
  });

  it('says so when IAM denies the calls', async () => {
    const { world, clock, cloud, a, pods } = await rig();
    cloud.knobs.deniedActions = ['CreateRoute', 'ModifyNetworkInterfaceAttribute'];
    a.addAddress(pods.a, VIP);
    await clock.advance(10 * SECOND);
    expect(condition(world, 'pod-a')).toMatchObject({ status: 'False', reason: 'Unauthorized' });
    cloud.knobs.deniedActions = ['ModifyNetworkInterfaceAttribute'];
    await clock.advance(2 * MINUTE);
    expect(target(world, 'rtb-1')).toBe(a.eni());
    expect(condition(world, 'pod-a')).toMatchObject({ status: 'False', reason: 'SourceDestCheckOn' });
  });

  it('refuses what cannot be routed: the own subnet, and an address of the VPC in no subnet', async () => {
    const { world, clock, a } = await rig();
    const pod = a.runPod({
      name: 'odd',
      podIp: '10.0.1.8',
      annotations: { 'eni-agent.io/routed-ips': '10.0.250.1, 10.0.9.88' },
      attachments: [{ interface: 'net1', ips: ['10.0.9.8'] }],
    });
    await clock.advance(5 * SECOND);
    a.addAddress(pod, '10.0.250.1');
    a.addAddress(pod, '10.0.9.88');
    await clock.advance(5 * SECOND);
    expect(told(world, 'odd', '10.0.9.88')).toMatchObject({ state: 'refused', reason: 'NotRoutable' });
    expect(routeCalls(world)).toEqual([]);
  });

  it('routes the whole network of a subnet for an address inside it', async () => {
    const { world, clock, a } = await rig();
    const pod = a.runPod({
      name: 'inside',
      podIp: '10.0.1.8',
      annotations: { 'eni-agent.io/routed-ips': '10.0.202.0/24', 'eni-agent.io/route-tables': '*' },
      attachments: [{ interface: 'net1', ips: ['10.0.9.8'] }],
    });
    await clock.advance(5 * SECOND);
    a.addAddress(pod, '10.0.202.20');
    await clock.advance(5 * SECOND);
    expect(target(world, 'rtb-1', '10.0.202.0/24')).toBe(a.eni());
    expect(target(world, 'rtb-other', '10.0.202.0/24')).toBe(a.eni());
  });

  it('leads no traffic of a subnet here that somebody else uses', async () => {
    const { world, clock, a } = await rig();
    world.cloud.addInterface({ id: 'eni-database', subnetId: 'subnet-2' });
    await clock.advance(11 * MINUTE);
    world.calls.length = 0;
    const annotations = { 'eni-agent.io/routed-ips': '10.0.202.0/24', 'eni-agent.io/route-tables': '*' };
    const pod = a.runPod({
      name: 'greedy',
      podIp: '10.0.1.8',
      annotations,
      attachments: [{ interface: 'net1', ips: ['10.0.9.8'] }],
    });
    await clock.advance(5 * SECOND);
    a.addAddress(pod, '10.0.202.20');
    await clock.advance(5 * SECOND);

    expect(told(world, 'greedy', '10.0.202.20')).toMatchObject({ state: 'refused', reason: 'NotRoutable' });
    expect(routeCalls(world)).toEqual([]);
  });

  it('refuses an Elastic IP on a routed address', async () => {
    const { world, clock, a } = await rig();
    const pod = runPod(
      world,
      'a',
      { 'eni-agent.io/routed-ips': '10.99.0.3', 'eni-agent.io/eip': '10.99.0.3=auto' },
      'with-eip',
    );
    await clock.advance(5 * SECOND);
    a.addAddress(pod, '10.99.0.3');
    await clock.advance(10 * SECOND);
    expect(world.calls.some(({ action }) => action === 'AllocateAddress')).toBe(false);
    expect(condition(world, 'with-eip')).toMatchObject({ status: 'False', reason: 'RoutedAddress' });
  });
});
