import { afterEach, describe, expect, it } from 'vitest';
import { TAG as AWS_OPERATOR } from '../../../lib/dialect/aws-operator.ts';
import { FLOATING_IP_TAG } from '../../../lib/model/floating-ips/tags.ts';
import { Rig, type SimNode, VIP } from './rig.ts';

const SPEC = { addresses: [VIP], nodeSelector: { ingress: 'yes' } };
let rig: Rig;

afterEach(() => rig.close());

async function served(elasticIP: string | undefined, names?: readonly string[]): Promise<string> {
  rig = new Rig(7, names);
  for (const node of rig.nodes) node.start();
  if (elasticIP !== undefined) rig.apply('web', { ...SPEC, elasticIP });
  else rig.apply('web', SPEC);
  await rig.untilServedBy(() => true, 5_000);
  await rig.clock.advance(2_000);
  return rig.serving() ?? '';
}

/** Each node has served the object; returns the one before the last, which will not serve again. */
async function servedByAll(): Promise<SimNode> {
  let former = await served('auto');
  for (let move = 0; move < 2; move += 1) {
    former = rig.serving() ?? '';
    rig.node(former).cordoned = true;
    rig.trigger();
    await rig.untilServedBy((node) => node !== former, 6_000);
    await rig.clock.advance(2_000);
  }
  for (const node of rig.nodes) node.cordoned = node.name === former;
  return rig.node(former);
}

/** The object goes, and its Elastic IP with it; the node comes to look for that only afterwards. */
async function deletedWhileStopped(node: SimNode): Promise<void> {
  rig.delete('web');
  await rig.clock.advance(1_000);
  node.process?.stop();
  await released();
  await rig.clock.advance(500);
  node.process?.continue();
  await rig.clock.advance(500);
}

const bound = () => rig.eips.publicIpOf(VIP);
const eips = () => rig.eips.eips().map(({ allocationId }) => allocationId);
const released = () => rig.clock.until(() => eips().length === 0, 60_000, 'no Elastic IP left');

describe('the Elastic IP of a FloatingIP', () => {
  it('is allocated once, carries the uid of its object, and moves along with the address', async () => {
    const first = await served('auto');
    const [eip] = rig.eips.eips();
    rig.node(first).die();
    await rig.untilServedBy((node) => node !== first, 6_000);
    await rig.clock.advance(10_000);

    expect(rig.eips.eips()).toHaveLength(1);
    expect(bound()).toBe(eip?.publicIp);
    expect(eip?.tags).toEqual({
      [FLOATING_IP_TAG.cluster]: 'test',
      [FLOATING_IP_TAG.name]: 'web',
      [FLOATING_IP_TAG.uid]: rig.objects[0]?.uid,
      [FLOATING_IP_TAG.source]: 'auto',
    });
  });

  it('is not allocated twice when the address moves before EC2 shows the first', async () => {
    rig = new Rig(7);
    for (const node of rig.nodes) node.start();
    await rig.clock.advance(1_000);
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.clock.until(() => rig.objects[0]?.status.publicIp !== '', 5_000, 'an Elastic IP in the status');
    const first = rig.serving() ?? '';
    rig.ec2.cloud.knobs.describeLagMs = 8_000;
    rig.node(first).cordoned = true;
    rig.trigger();
    await rig.untilServedBy((node) => node !== first, 15_000);
    await rig.clock.advance(5_000);
    rig.ec2.cloud.knobs.describeLagMs = 0;
    await rig.clock.advance(20_000);

    expect(rig.eips.eips()).toHaveLength(1);
    expect([bound(), rig.objects[0]?.status.publicIp]).toEqual([rig.eips.eips()[0]?.publicIp, bound()]);
  });

  it('is not allocated twice when EC2 still shows the one before the first', async () => {
    const first = await served(undefined);
    const prepared = rig.eips.prepare({ role: 'web' });
    rig.apply('web', { ...SPEC, elasticIP: prepared.allocationId });
    await rig.clock.advance(5_000);
    rig.ec2.cloud.knobs.describeLagMs = 8_000;
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    const inStatus = () => rig.objects[0]?.status.publicIp;
    await rig.clock.until(() => inStatus() !== prepared.publicIp, 5_000, 'another Elastic IP in the status');
    rig.node(first).cordoned = true;
    rig.trigger();
    await rig.untilServedBy((node) => node !== first, 15_000);
    await rig.clock.advance(5_000);
    rig.ec2.cloud.knobs.describeLagMs = 0;
    await rig.clock.advance(30_000);

    expect(
      rig.eips.calls.filter(({ action, outcome }) => action === 'AllocateAddress' && outcome === 'ok'),
    ).toHaveLength(1);
    expect(bound()).toBe(inStatus());
    expect(rig.eips.eip(prepared.allocationId)).toMatchObject({ tags: { role: 'web' }, association: undefined });
  });

  it('is allocated again when the one in the status was released by hand', async () => {
    const first = await served('auto');
    const [eip] = rig.eips.eips();
    const { allocationId = '', association } = eip ?? {};
    rig.ec2.cloud.disassociateAddress({ associationId: association?.associationId ?? '' });
    rig.ec2.cloud.releaseAddress({ allocationId });
    rig.node(first).die();
    await rig.untilServedBy((node) => node !== first, 6_000);
    await rig.clock.until(() => bound() !== undefined, 30_000, 'another Elastic IP');

    expect(eips()).toHaveLength(1);
  });

  it('follows each edit also while EC2 shows the past', async () => {
    await served('auto');
    const [own] = rig.eips.eips();
    rig.ec2.cloud.knobs.describeLagMs = 6_000;
    rig.apply('web', SPEC);
    await rig.clock.advance(1_000);
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.clock.advance(8_000);
    rig.ec2.cloud.knobs.describeLagMs = 0;

    expect(rig.eips.eips()).toHaveLength(1);
    expect(eips()).not.toEqual([own?.allocationId]);
    expect(bound()).toBe(rig.eips.eips()[0]?.publicIp);
  });

  it('is released with its object although the garbage collector takes the Lease first', async () => {
    await served('auto');
    rig.delete('web');
    await released();

    expect(rig.holder()).toBeUndefined();
  });

  it('is released by another node when the holder died just before', async () => {
    const first = await served('auto');
    rig.node(first).die();
    await rig.clock.advance(200);
    rig.delete('web');
    await released();
    await rig.clock.advance(60_000);

    // One node looks; the others see that it has.
    expect(
      rig.eips.calls.filter(({ action, outcome }) => action === 'ReleaseAddress' && outcome === 'ok'),
    ).toHaveLength(1);
  });

  it('is released with each of two objects of one name, also when the second is there before the answer about the first', async () => {
    const first = await served('auto', ['a', 'b']);
    rig.eips.done = ({ action }) => {
      if (action !== 'ReleaseAddress') return;
      rig.eips.done = () => undefined;
      rig.node(first).cordoned = true;
      rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    };
    rig.delete('web');
    await rig.untilServedBy((node) => node !== first, 30_000);
    await rig.clock.until(() => bound() !== undefined, 10_000, 'another Elastic IP');
    rig.node(rig.serving() ?? '').die();
    rig.delete('web');
    await released();

    expect(bound()).toBeUndefined();
  });

  it('goes when the object is made again without one by the time that its holder is dead', async () => {
    const first = await served('auto');
    rig.node(first).die();
    rig.delete('web');
    await rig.clock.advance(200);
    rig.apply('web', SPEC);
    await released();
    await rig.untilServedBy((node) => node !== first, 10_000);

    expect(rig.objects[0]?.status).toMatchObject({ publicIp: '', conditions: [{ status: 'True' }] });
  });

  it('is not released by a node whose watch shows only the deletion of an earlier object of the name', async () => {
    const slow = await servedByAll();
    await deletedWhileStopped(slow);
    slow.lateObjects = [];
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.untilServedBy((node) => node !== slow.name, 5_000);
    await rig.clock.advance(2_000);
    const own = bound();
    await rig.clock.advance(60_000);

    expect(own).toBeDefined();
    expect(bound()).toBe(own);
  });

  it('is released by the agent of the only node, which was away when the object was deleted', async () => {
    await served('auto', ['a']);
    rig.node('a').kill();
    rig.delete('web');
    await rig.clock.advance(20_000);
    expect(eips()).toHaveLength(1);
    rig.node('a').start();
    await released();

    expect(rig.holder()).toBeUndefined();
  });

  it('is kept, without an owner, when the definition of FloatingIPs is removed, and found again by the next object of the name', async () => {
    await served('auto');
    const before = bound();
    rig.defined = false;
    rig.delete('web');
    await rig.clock.advance(120_000);

    expect(rig.eips.eips()[0]?.tags).toMatchObject({ [FLOATING_IP_TAG.name]: 'web' });
    expect(rig.eips.eips()[0]?.tags).not.toHaveProperty(FLOATING_IP_TAG.uid);
    rig.defined = true;
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.untilServedBy(() => true, 5_000);
    await rig.clock.advance(2_000);
    expect(bound()).toBe(before);
    expect(rig.eips.eips().map(({ tags }) => tags[FLOATING_IP_TAG.uid])).toEqual([rig.objects[0]?.uid]);
  });

  it('is kept by an object that is made again before it went', async () => {
    await served('auto');
    const before = bound();
    rig.delete('web');
    await rig.clock.advance(500);
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.clock.advance(60_000);

    expect(bound()).toBe(before);
    expect(rig.eips.eips().map(({ tags }) => tags[FLOATING_IP_TAG.uid])).toEqual([rig.objects[0]?.uid]);
  });

  it('follows every edit: auto, an own one, none, auto', async () => {
    await served('auto');
    const prepared = rig.eips.prepare({ role: 'web' });
    const [auto] = eips().filter((id) => id !== prepared.allocationId);

    rig.apply('web', { ...SPEC, elasticIP: prepared.allocationId });
    await rig.clock.advance(10_000);
    expect(bound()).toBe(prepared.publicIp);
    expect(eips()).toEqual([prepared.allocationId]);

    rig.apply('web', SPEC);
    await rig.clock.advance(10_000);
    expect(bound()).toBeUndefined();
    expect(rig.eips.eip(prepared.allocationId).tags).toEqual({ role: 'web' });
    expect(rig.objects[0]?.status).toMatchObject({ publicIp: '', conditions: [{ status: 'True' }] });

    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.clock.advance(10_000);
    expect(bound()).toBeDefined();
    expect(eips()).toHaveLength(2);
    expect(eips()).not.toContain(auto);
  });

  it('is left alone by a holder whose Lease ran out between two of its calls', async () => {
    const first = await served('auto');
    const prepared = rig.eips.prepare({ role: 'web' });
    const { process } = rig.node(first);
    rig.eips.done = ({ action }) => {
      if (action === 'CreateTags') process?.stop();
    };
    rig.apply('web', { ...SPEC, elasticIP: prepared.allocationId });
    await rig.untilServedBy((node) => node !== first, 15_000);
    rig.eips.done = () => undefined;
    await rig.clock.until(() => bound() === prepared.publicIp, 10_000, 'the prepared Elastic IP');
    const calls = rig.eips.calls.length;
    process?.continue();
    await rig.clock.advance(20_000);

    const late = rig.eips.calls.slice(calls).filter(({ node }) => node === first);
    expect(late.map(({ action }) => action)).toEqual([]);
    expect(bound()).toBe(prepared.publicIp);
    expect(eips()).toEqual([prepared.allocationId]);
  });

  it('of an EIP object or a pod is not taken, though it is free', async () => {
    const first = await served(undefined);
    const [ofPod, ofObject] = [
      rig.eips.prepare({ 'eni-agent.io/cluster': 'test', 'eni-agent.io/pod': 'default/db' }),
      rig.eips.prepare({ [AWS_OPERATOR.uid]: 'u-1', [AWS_OPERATOR.object]: 'default/db' }),
    ];
    for (const { allocationId } of [ofPod, ofObject]) {
      rig.apply('web', { ...SPEC, elasticIP: allocationId });
      await rig.clock.advance(5_000);
      expect(rig.objects[0]?.status.conditions[0]).toMatchObject({ status: 'False', reason: 'EipInUse' });
    }

    expect(rig.serving()).toBe(first);
    expect(rig.eips.eips()).toEqual([ofPod, ofObject]);
  });

  it('goes when the object was edited while its holder was dead', async () => {
    const first = await served('auto');
    rig.node(first).die();
    rig.apply('web', SPEC);
    await rig.untilServedBy((node) => node !== first, 6_000);
    await released();

    expect(bound()).toBeUndefined();
  });

  it('is asked for less and less often while EC2 refuses', async () => {
    rig = new Rig(8);
    for (const node of rig.nodes) node.start();
    rig.eips.faults = ({ action }) => (action === 'AllocateAddress' ? 'code:AddressLimitExceeded' : undefined);
    rig.apply('web', { ...SPEC, elasticIP: 'auto' });
    await rig.clock.advance(600_000);
    const tries = rig.eips.calls.filter(({ action }) => action === 'AllocateAddress').length;

    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(12);
    expect(rig.objects[0]?.status.conditions[0]).toMatchObject({ status: 'False', reason: 'EipQuotaReached' });
  });

  it.each(['AllocateAddress', 'AssociateAddress', 'DisassociateAddress', 'ReleaseAddress', 'CreateTags'])(
    'is neither leaked nor doubled when the agent is killed right after %s',
    async (action) => {
      const first = await served(undefined, ['a']);
      let killed = false;
      rig.eips.done = (call) => {
        if (call.action !== action || killed) return;
        killed = true;
        rig.node(first).kill();
        rig.clock.after(2_000, () => rig.node(first).start());
      };
      const prepared = rig.eips.prepare({ role: 'web' });
      rig.apply('web', { ...SPEC, elasticIP: 'auto' });
      await rig.clock.advance(30_000);
      rig.apply('web', { ...SPEC, elasticIP: 'tag:role=web' });
      await rig.clock.advance(30_000);

      expect(killed).toBe(true);
      expect(bound()).toBe(prepared.publicIp);
      expect(eips()).toEqual([prepared.allocationId]);
      rig.delete('web');
      await rig.clock.advance(60_000);
      expect(rig.eips.eips()).toMatchObject([{ tags: { role: 'web' }, association: undefined }]);
      expect(Object.keys(rig.eips.eip(prepared.allocationId).tags)).toEqual(['role']);
    },
  );
});
