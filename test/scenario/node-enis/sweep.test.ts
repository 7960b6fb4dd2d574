import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { warmUp } from '../../support/world/warm-up.ts';
import { NodeEniRig } from './rig.ts';

const MINUTE = 60_000;
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => rig.world.close());

async function served(spec: object = {}): Promise<string> {
  rig = new NodeEniRig();
  rig.addNode('a');
  rig.create('multus', spec);
  rig.controller.start();
  await rig.until(
    () => rig.ready('multus')?.status === 'True' && rig.on('a')[0]?.attachment?.deleteOnTermination !== undefined,
  );
  await rig.clock.advance(MINUTE);
  return rig.on('a')[0]?.id ?? '';
}

/** Somebody takes the finalizer off by hand: the object is gone before its interfaces are. */
async function removeByForce(name: string): Promise<void> {
  rig.controller.kill();
  rig.delete(name);
  rig.stripFinalizers(name);
  expect(rig.object(name)).toBeUndefined();
  rig.controller.start();
}

function runPod(mac: string): void {
  const { kubelet } = rig.world;
  kubelet.createPod({ name: 'user', node: 'a', annotations: { 'k8s.v1.cni.cncf.io/networks': 'n' } });
  kubelet.run('user', '10.0.1.9');
  kubelet.setNetworkStatus('user', [{ name: 'default/n', interface: 'net1', ips: ['10.0.64.20'], mac }]);
}

describe('an interface whose NodeENI is gone', () => {
  it('is announced as leaving, and detached and deleted after the cool-down', async () => {
    const id = await served();
    await removeByForce('multus');
    await rig.until(() => rig.announced('a')?.interfaces[0]?.state === 'leaving');
    await rig.clock.advance(9 * MINUTE);
    expect(rig.on('a').map((one) => one.id)).toEqual([id]);

    await rig.until(() => rig.interfaces().length === 0, 40 * MINUTE);
    await rig.until(() => rig.announced('a') === undefined, 15 * MINUTE);
  });

  it('stays as long as a pod uses it', async () => {
    await served();
    runPod(rig.on('a')[0]?.mac ?? '');
    await removeByForce('multus');
    await rig.clock.advance(90 * MINUTE);
    expect(rig.on('a')).toHaveLength(1);

    rig.world.kubelet.delete('user');
    rig.world.kubelet.confirmDeletion('user');
    await rig.until(() => rig.interfaces().length === 0, 90 * MINUTE);
  });

  it('stays by deletionPolicy: Retain', async () => {
    const id = await served({ deletionPolicy: 'Retain' });
    await removeByForce('multus');
    await rig.clock.advance(90 * MINUTE);
    expect(rig.on('a').map((one) => one.id)).toEqual([id]);
  });

  it('stays while its instance runs without a Node object', async () => {
    await served();
    await removeByForce('multus');
    rig.deleteNode('a');
    await rig.clock.advance(90 * MINUTE);
    expect(rig.interfaces()).toHaveLength(1);
  });

  it('of another cluster is not touched', async () => {
    await served();
    const tags = Object.fromEntries(rig.on('a')[0]?.tags ?? []);
    const foreign = { ...tags, 'eni-agent.io/cluster': 'other', 'eni-agent.io/node-eni-uid': 'somebody' };
    const { id } = rig.world.cloud.addInterface({ subnetId: 'subnet-ma', tags: foreign });
    await rig.clock.advance(90 * MINUTE);
    expect(rig.interfaces().map((one) => one.id)).toContain(id);
  });
});

describe('a controller that takes over', () => {
  it('tells no node and no status less than there is while it reads', async () => {
    await served();
    const before = { announced: rig.announced('a'), attached: rig.status('multus').attached };
    rig.controller.kill();
    rig.controller.start();
    const end = rig.clock.now() + MINUTE;
    while (rig.clock.now() < end) {
      await rig.clock.advance(20);
      expect({ announced: rig.announced('a'), attached: rig.status('multus').attached }).toEqual(before);
    }
  });
});
