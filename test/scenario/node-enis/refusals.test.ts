import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

const MINUTE = 60_000;
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

function start(prepare: (rig: NodeEniRig) => void): void {
  rig = new NodeEniRig();
  prepare(rig);
  rig.controller.start();
}

const entry = (node: string) => rig.entries('multus').find((one) => one.node === node);

describe('what one node cannot have, and the others get', () => {
  it('no subnet in its zone', async () => {
    start((r) => {
      r.addNode('a');
      r.addNode('b', { zone: 'b' });
      r.create('multus', { subnets: [{ id: 'subnet-ma' }] });
    });
    await rig.until(() => rig.on('a').length === 1 && entry('b')?.reason === 'NoSubnetInZone');
    expect(rig.ready('multus')).toMatchObject({ status: 'False', reason: 'NoSubnetInZone' });
    expect(rig.status('multus')).toMatchObject({ desired: 2, failed: 1 });

    await rig.until(() => rig.world.events('NoSubnetInZone').length === 2);
  });

  it('a full subnet; the next free address is used as soon as there is one', async () => {
    start((r) => {
      r.world.cloud.addSubnet({ id: 'subnet-s', vpcId: 'vpc-1', cidr: '10.0.67.0/28' });
      for (let each = 0; each < 10; each += 1) r.world.cloud.addInterface({ id: `eni-f${each}`, subnetId: 'subnet-s' });
      r.addNode('a');
      r.addNode('b');
      r.create('multus', { subnets: [{ id: 'subnet-s' }] });
    });
    await rig.until(() => rig.interfaces().length === 1 && rig.ready('multus')?.reason === 'SubnetFull', MINUTE);
    expect(rig.world.calls.filter(({ action }) => action === 'CreateNetworkInterface')).toHaveLength(1);

    rig.world.cloud.deleteNetworkInterface({ networkInterfaceId: 'eni-f0' });
    await rig.until(() => rig.ready('multus')?.status === 'True', 2 * MINUTE);
  });

  it('an unknown security group, until it exists', async () => {
    start((r) => {
      r.addNode('a');
      r.create('multus', { securityGroups: [{ name: 'later' }] });
    });
    await rig.until(() => entry('a')?.reason === 'SecurityGroupUnknown');
    expect(rig.interfaces()).toHaveLength(0);
    rig.world.cloud.addSecurityGroup({ id: 'sg-9', name: 'later', vpcId: 'vpc-1' });
    await rig.until(() => rig.on('a')[0]?.groups[0] === 'sg-9', 2 * MINUTE);
  });

  it('more interfaces than the type carries: the VPC CNI keeps two', async () => {
    start((r) => {
      r.addNode('a', { type: 'm5.xlarge' });
      r.addNode('b', { type: 't3.micro' });
      r.create('multus', { count: 3 });
    });
    await rig.until(() => rig.on('a').length === 2 && rig.on('b').length === 1);
    await rig.clock.advance(2 * MINUTE);
    expect(rig.on('a').map(({ attachment }) => attachment?.deviceIndex)).toEqual([2, 3]);
    expect(rig.on('b').map(({ attachment }) => attachment?.deviceIndex)).toEqual([1]);
    expect(rig.ready('multus')).toMatchObject({ reason: 'InstanceFull' });
    expect(rig.interfaces()).toHaveLength(3);
  });

  it('the quota of the account', async () => {
    start((r) => {
      r.addNode('a');
      r.create('multus');
      r.world.cloud.knobs.networkInterfaceQuota = r.world.cloud.state.allInterfaces(r.clock.now()).length;
    });
    await rig.until(() => entry('a')?.reason === 'LimitReached');
    rig.world.cloud.knobs.networkInterfaceQuota = 100;
    await rig.until(() => rig.ready('multus')?.status === 'True', 11 * MINUTE);
    expect(rig.interfaces()).toHaveLength(1);
  });

  it('a permission, named in the message', async () => {
    start((r) => {
      r.addNode('a');
      r.create('multus');
      r.world.cloud.knobs.deniedActions = ['AttachNetworkInterface'];
    });
    await rig.until(() => entry('a')?.reason === 'Unauthorized');
    expect(rig.ready('multus')?.message).toContain('ec2:AttachNetworkInterface');
    rig.world.cloud.knobs.deniedActions = [];
    await rig.until(() => rig.ready('multus')?.status === 'True', 11 * MINUTE);
    expect(rig.interfaces()).toHaveLength(1);
  });
});

describe('a node with the startup taint', () => {
  it('that nobody selects is told so, or it would wait for ever', async () => {
    start((r) => {
      r.addNode('a');
      r.addNode('other', { labels: {}, taint: true });
      r.create('multus');
    });
    await rig.until(() => rig.announced('other') !== undefined);
    expect(rig.announced('other')).toEqual({ wanted: 0, interfaces: [] });
  });
});
