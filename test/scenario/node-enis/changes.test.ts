import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

const MINUTE = 60_000;
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

async function served(spec: object = {}, node: Parameters<NodeEniRig['addNode']>[1] = {}): Promise<void> {
  rig = new NodeEniRig();
  rig.addNode('a', node);
  rig.create('multus', spec);
  rig.controller.start();
  await rig.until(() => rig.ready('multus')?.status === 'True');
}

/** A pod of node `a` whose Multus interface sits on the interface with this MAC address. */
function runPod(name: string, mac: string | undefined): void {
  const { kubelet } = rig.world;
  kubelet.createPod({ name, node: 'a', annotations: { 'k8s.v1.cni.cncf.io/networks': 'n' } });
  kubelet.run(name, '10.0.1.9');
  kubelet.setNetworkStatus(name, [{ name: 'default/n', interface: 'net1', ips: ['10.0.64.20'], ...(mac && { mac }) }]);
}

function endPod(name: string): void {
  rig.world.kubelet.delete(name);
  rig.world.kubelet.confirmDeletion(name);
}

const detached = () => rig.world.calls.filter(({ action }) => action === 'DetachNetworkInterface').length;

describe('a change of the spec', () => {
  it('reaches groups, description, tags and check of the interface in place', async () => {
    rig = new NodeEniRig();
    rig.world.cloud.addSecurityGroup({ id: 'sg-1', name: 'multus', vpcId: 'vpc-1' });
    rig.world.cloud.addSecurityGroup({ id: 'sg-2', name: 'x', vpcId: 'vpc-1', tags: { team: 'core' } });
    rig.addNode('a');
    rig.create('multus', { securityGroups: [{ name: 'multus' }] });
    rig.controller.start();
    await rig.until(() => rig.ready('multus')?.status === 'True');
    const [before] = rig.on('a');
    expect(before?.groups).toEqual(['sg-1']);

    const securityGroups = [{ name: 'multus' }, { tags: { team: 'core' } }];
    rig.change('multus', { securityGroups, description: 'new', tags: { a: 'b' }, sourceDestCheck: false });
    await rig.until(() => rig.on('a')[0]?.sourceDestCheck === false && rig.on('a')[0]?.description === 'new');

    const [after] = rig.on('a');
    expect(after).toMatchObject({ id: before?.id, groups: ['sg-1', 'sg-2'] });
    expect(after?.tags.get('a')).toBe('b');
    expect(detached()).toBe(0);
  });

  it('is made again when somebody changed the interface by hand, at the next look', async () => {
    await served({ sourceDestCheck: false });
    await rig.until(() => rig.on('a')[0]?.sourceDestCheck === false);
    const [own] = rig.on('a');
    rig.world.cloud.modifyNetworkInterfaceAttribute({ networkInterfaceId: own?.id ?? '', sourceDestCheck: true });

    await rig.until(() => rig.on('a')[0]?.sourceDestCheck === false, 11 * MINUTE);
    expect(rig.on('a')[0]?.id).toBe(own?.id);
  });

  it('replaces an interface that must be elsewhere only when no pod uses it, and says who does', async () => {
    await served();
    rig.world.cloud.addSubnet({ id: 'subnet-mc', vpcId: 'vpc-1', cidr: '10.0.66.0/24' });
    const [before] = rig.on('a');
    runPod('user', before?.mac);

    rig.change('multus', { subnets: [{ id: 'subnet-mc' }] });
    await rig.until(() => rig.ready('multus')?.reason === 'InUse', 2 * MINUTE);
    expect(rig.ready('multus')?.message).toContain('default/user');
    expect(rig.announced('a')?.interfaces[0]?.state).toBe('attached');
    await rig.clock.advance(5 * MINUTE);
    expect(detached()).toBe(0);

    endPod('user');
    await rig.until(() => rig.on('a')[0]?.subnetId === 'subnet-mc', 3 * MINUTE);
    await rig.until(() => rig.ready('multus')?.status === 'True');
    expect(rig.interfaces()).toHaveLength(1);
  });
});

describe('a node that is not wanted any more', () => {
  it('keeps its interface while a pod or an address is on it, lets no new pod onto it, then loses it', async () => {
    await served();
    const [own] = rig.on('a');
    runPod('user', own?.mac);
    rig.patchNode('a', { metadata: { labels: { role: null } } });

    await rig.until(() => rig.announced('a')?.interfaces[0]?.state === 'leaving');
    await rig.clock.advance(5 * MINUTE);
    expect(detached()).toBe(0);
    expect(rig.entries('multus')[0]).toMatchObject({ state: 'Leaving', reason: 'InUse' });

    rig.world.cloud.assignPrivateIpAddresses({ networkInterfaceId: own?.id ?? '', privateIpAddresses: ['10.0.64.20'] });
    endPod('user');
    await rig.clock.advance(5 * MINUTE);
    expect(detached()).toBe(0);

    rig.world.cloud.unassignPrivateIpAddresses({
      networkInterfaceId: own?.id ?? '',
      privateIpAddresses: ['10.0.64.20'],
    });
    await rig.until(() => rig.interfaces().length === 0, 11 * MINUTE);
    await rig.until(() => rig.announced('a') === undefined);
    await rig.until(() => rig.ready('multus')?.reason === 'NoNodes');
  });

  it('keeps its interface when it is wanted again in time', async () => {
    await served();
    const [own] = rig.on('a');
    rig.patchNode('a', { metadata: { labels: { role: null } } });
    await rig.until(() => rig.announced('a')?.interfaces[0]?.state === 'leaving');
    rig.patchNode('a', { metadata: { labels: { role: 'edge' } } });
    await rig.clock.advance(5 * MINUTE);
    expect(rig.on('a')[0]?.id).toBe(own?.id);
    expect(rig.announced('a')?.interfaces[0]?.state).toBe('attached');
    expect(detached()).toBe(0);
  });

  it('keeps its interface while its instance runs without a Node object; the interface ends with the instance', async () => {
    await served();
    rig.deleteNode('a');
    await rig.clock.advance(10 * MINUTE);
    expect(rig.interfaces()).toHaveLength(1);
    expect(rig.entries('multus')[0]).toMatchObject({ reason: 'NodeGone' });

    rig.world.cloud.setInstanceState(rig.instanceOf('a'), 'terminated');
    await rig.until(() => rig.ready('multus')?.reason === 'NoNodes', 11 * MINUTE);
    expect(rig.interfaces()).toHaveLength(0);
  });
});

describe('the deletion of the object', () => {
  it('waits for pods, then detaches and deletes everything, and the object goes', async () => {
    await served({ count: 2 }, { type: 'm5.xlarge' });
    const [own] = rig.on('a');
    runPod('user', own?.mac);
    rig.delete('multus');
    await rig.clock.advance(3 * MINUTE);
    expect(rig.interfaces().map(({ id }) => id)).toEqual([own?.id]);
    expect(rig.ready('multus')).toMatchObject({ reason: 'Deleting', message: expect.stringContaining('default/user') });

    endPod('user');
    await rig.until(() => rig.object('multus') === undefined, 2 * MINUTE);
    expect(rig.interfaces()).toHaveLength(0);
    await rig.until(() => rig.announced('a') === undefined);
  });

  it('leaves retained interfaces where they are, for an object of the same name', async () => {
    await served({ deletionPolicy: 'Retain' });
    const [own] = rig.on('a');
    expect(own?.attachment?.deleteOnTermination).toBe(false);
    rig.delete('multus');
    await rig.until(() => rig.object('multus') === undefined, 2 * MINUTE);
    expect(rig.on('a')[0]?.id).toBe(own?.id);

    rig.create('multus', {});
    await rig.until(() => rig.ready('multus')?.status === 'True');
    await rig.until(() => rig.on('a')[0]?.attachment?.deleteOnTermination === true);
    expect(rig.interfaces().map(({ id }) => id)).toEqual([own?.id]);
    expect(detached()).toBe(0);
  });
});
