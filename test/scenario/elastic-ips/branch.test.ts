import { describe, expect, it } from 'vitest';
import { RELEASE_DELAY_MS } from './eip-node.ts';
import { eniOf } from './region.ts';
import { MINUTE, own, pec, rig, SECOND } from './rig.ts';

const AUTO = pec({ type: 'auto' });
const BRANCH_IP = '10.0.20.5';

function onBranch(eni: string, privateIp = BRANCH_IP) {
  return { 'vpc.amazonaws.com/pod-eni': JSON.stringify([{ eniId: eni, privateIp, vlanId: 1 }]) };
}

/** A pod whose address is on a branch of node a's trunk. */
function branchRig() {
  const world = rig();
  world.region.addBranch('eni-branch', eniOf('a'), BRANCH_IP);
  const run = (annotations = onBranch('eni-branch')) => {
    world.a.schedule('pod', { ...AUTO, ...annotations });
    world.a.addressed('pod', BRANCH_IP);
  };
  return { ...world, run };
}

describe('an Elastic IP on a branch ENI', () => {
  it('is bound where EC2 says that the ENI is a branch of this node’s trunk', async () => {
    const { clock, region, a, run } = branchRig();
    a.start();
    run();
    await clock.advance(5 * SECOND);
    expect(a.statusOf('pod')).toMatchObject({ state: 'bound', eni: 'eni-branch', privateIp: BRANCH_IP });
    expect(region.reads().length).toBeLessThanOrEqual(3);
  });

  it('waits for describes that lag', async () => {
    const { clock, region, a } = rig();
    Object.assign(region.cloud.knobs, { describeLagMs: 2_000 });
    a.start();
    await clock.advance(5 * SECOND);
    await Promise.all([a.describe(), clock.advance(SECOND)]);
    region.addBranch('eni-branch', eniOf('a'), BRANCH_IP);
    a.schedule('pod', { ...AUTO, ...onBranch('eni-branch') });
    a.addressed('pod', BRANCH_IP);
    await clock.advance(10 * SECOND);
    expect(a.statusOf('pod')?.state).toBe('bound');
  });

  it.each([
    { name: 'an ordinary ENI of another node', eni: eniOf('b') },
    { name: 'a branch of another node', eni: 'eni-theirs' },
    { name: 'an ENI that does not exist', eni: 'eni-none' },
    { name: 'something that is not an id', eni: '../eni' },
  ])('is never bound because an annotation names $name', async ({ eni }) => {
    const { clock, region, a } = rig();
    region.addBranch('eni-theirs', eniOf('b'), '10.0.20.9');
    region.assign(eniOf('b'), '10.0.7.7');
    a.start();
    for (const address of ['10.0.20.9', '10.0.7.7', '10.0.99.1']) {
      a.schedule('pod', { ...own('auto'), ...onBranch(eni, address) });
      a.addressed('pod', address);
      await clock.advance(MINUTE);
      expect(a.statusOf('pod')).toMatchObject({ state: 'refused', refusal: { reason: 'NoMatchingInterface' } });
      a.delete('pod');
    }
    expect(region.actions()).not.toContain('AssociateAddress');
  });

  it('is never bound to an address that is not the pod’s, even on a branch of this node', async () => {
    const { clock, region, a } = branchRig();
    a.start();
    a.schedule('pod', { ...own('auto'), ...onBranch('eni-branch', BRANCH_IP) });
    a.addressed('pod', '10.0.99.1');
    await clock.advance(MINUTE);
    expect(a.statusOf('pod')?.state).toBe('refused');
    expect(region.actions()).not.toContain('AssociateAddress');
  });

  it.each([
    { name: 'while its branch stands', deletes: false, restarts: false },
    { name: 'when its branch went with it', deletes: true, restarts: false },
    { name: 'after a restart of the agent', deletes: false, restarts: true },
    { name: 'after a restart of the agent and the end of the branch', deletes: true, restarts: true },
  ])('is given back after its pod without any other event, $name', async ({ deletes, restarts }) => {
    const { clock, region, a, run } = branchRig();
    a.start();
    run();
    await clock.advance(MINUTE);
    if (restarts) a.kill();
    a.delete('pod');
    if (restarts) {
      await clock.advance(SECOND);
      a.start();
    }
    await clock.advance(SECOND);
    if (deletes) region.cloud.deleteNetworkInterface({ networkInterfaceId: 'eni-branch' });
    await clock.advance(RELEASE_DELAY_MS + 10 * SECOND);
    expect(region.eips()).toEqual([]);
  });
});
