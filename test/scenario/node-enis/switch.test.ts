import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

const MINUTE = 60_000;
const LEGACY = 'networking.k8s.aws/v1alpha1';
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

/** What aws-multi-eni-controller leaves behind: an object with its finalizer, and an interface with its tags. */
function leftBehind(spec: object = {}): string {
  rig = new NodeEniRig();
  rig.addNode('a');
  const { cloud, kubeState } = rig.world;
  const { id } = cloud.addInterface({
    subnetId: 'subnet-ma',
    instanceId: rig.instanceOf('a'),
    deviceIndex: 1,
    tags: { NodeENI: 'old', Node: 'a', 'kubernetes.io/cluster/managed-by': 'nodeeni-controller' },
  });
  const manifest = {
    apiVersion: LEGACY,
    kind: 'NodeENI',
    metadata: { name: 'old', finalizers: ['nodeeni.networking.k8s.aws/finalizer'] },
    spec: {
      nodeSelector: { role: 'edge' },
      subnetID: 'subnet-ma',
      securityGroupIDs: ['sg-00000000000000001'],
      ...spec,
    },
  };
  kubeState.api.create(rig.world.resource('nodeenis', LEGACY), undefined, manifest);
  return id;
}

const writes = () => rig.world.calls.filter(({ action }) => !action.startsWith('Describe')).map(({ action }) => action);

describe('the switch from aws-multi-eni-controller', () => {
  it('adopts what is attached by two calls, detaches and creates nothing, and goes on writing its status', async () => {
    const id = leftBehind();
    rig.controller.start();
    await rig.until(() => rig.announced('a') !== undefined && writes().length === 2);
    await rig.clock.advance(10 * MINUTE);

    expect(writes()).toEqual(['CreateTags', 'ModifyNetworkInterfaceAttribute']);
    const [own] = rig.on('a');
    expect(own).toMatchObject({ id, attachment: { deviceIndex: 1, deleteOnTermination: true } });
    expect(own?.tags.get('node.k8s.amazonaws.com/no_manage')).toBe('true');
    const [object] = rig.world.objects('nodeenis', LEGACY);
    expect(object?.['status']).toMatchObject({
      attachments: [{ nodeID: 'a', eniID: id, deviceIndex: 1, status: 'attached' }],
    });
  });

  it('adopts also what comes while the controller is at work for others, and never makes a second one', async () => {
    rig = new NodeEniRig();
    rig.addNode('b');
    rig.create('ours', { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-ma' }] });
    rig.controller.start();
    await rig.until(() => rig.ready('ours')?.status === 'True');
    rig.patchNode('b', { metadata: { labels: { legacy: 'true' } } });
    const { cloud, kubeState } = rig.world;
    const { id } = cloud.addInterface({
      subnetId: 'subnet-ma',
      instanceId: rig.instanceOf('b'),
      deviceIndex: 1,
      tags: { NodeENI: 'old', Node: 'b', 'kubernetes.io/cluster/managed-by': 'nodeeni-controller' },
    });
    kubeState.api.create(rig.world.resource('nodeenis', LEGACY), undefined, {
      apiVersion: LEGACY,
      kind: 'NodeENI',
      metadata: { name: 'old' },
      spec: { nodeSelector: { legacy: 'true' }, subnetID: 'subnet-ma', securityGroupIDs: ['sg-1'] },
    });
    await rig.until(() => rig.on('b').some((one) => one.id === id && one.tags.has('eni-agent.io/node-eni-uid')));
    await rig.clock.advance(10 * MINUTE);

    expect(rig.on('b')).toHaveLength(2);
    expect(writes().filter((action) => action === 'CreateNetworkInterface')).toHaveLength(1);
  });

  it('goes on to an object of ours with the same name without detaching anything', async () => {
    const id = leftBehind({ deleteOnTermination: false });
    rig.controller.start();
    await rig.until(() => rig.on('a')[0]?.tags.has('eni-agent.io/node-eni-uid') === true);
    rig.world.kubeState.api.delete(rig.world.resource('nodeenis', LEGACY), undefined, 'old');
    await rig.until(() => rig.world.objects('nodeenis', LEGACY).length === 0);
    rig.create('old');
    await rig.until(() => rig.ready('old')?.status === 'True');

    expect(rig.interfaces().map((one) => one.id)).toEqual([id]);
    expect(rig.announced('a')?.interfaces[0]).toMatchObject({ id, name: 'multus', state: 'attached' });
    expect(writes()).not.toContain('DetachNetworkInterface');
    expect(writes()).not.toContain('CreateNetworkInterface');
  });
});
