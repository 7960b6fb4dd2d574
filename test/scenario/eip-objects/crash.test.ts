import { describe, expect, it } from 'vitest';
import type { FaultableCall, FaultEffect } from '../../../sim/ec2/faults.ts';
import { type ControllerRig, startControllerRig } from './rig.ts';

const EIP = { kind: 'EIP', name: 'life' } as const;
const Eip = { kind: 'Eip', name: 'egress' } as const;

type Trouble = 'refused' | 'reply lost' | 'killed' | 'killed and reply lost';

/** Changing calls of an undisturbed life, those of the node agents included; a fault at each of them, and one run without. */
const CALLS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const TROUBLES: readonly Trouble[] = ['refused', 'reply lost', 'killed', 'killed and reply lost'];

describe('a whole life of an EIP object for a pod', () => {
  it.each(TROUBLES.flatMap((trouble) => CALLS.map((nth) => [trouble, nth] as const)))(
    'neither leaks nor doubles an Elastic IP: %s at changing call %i',
    async (trouble, nth) => {
      await using rig = await startControllerRig({ speed: 40 });
      rig.startAgents();
      const disturbance = disturb(rig, trouble, nth);

      const [first, second] = [rig.startPod('first', 'node-a', {}), rig.startPod('second', 'node-b', {})];
      await rig.create(EIP, { tags: { a: '1', b: '2' }, assignment: { podName: 'first' } });
      await rig.until('binding to the first pod', () => only(rig)?.privateIpAddress === first.address);
      await rig.patch(EIP, { spec: { tags: { a: '3', b: null }, assignment: { podName: 'second' } } });
      await rig.until('binding to the second pod', () => only(rig)?.privateIpAddress === second.address);
      await rig.until('tags', () => rig.tagsOf(only(rig))['a'] === '3' && !('b' in rig.tagsOf(only(rig))));
      await rig.until('status', async () => {
        const { status } = await rig.get(EIP);
        return (
          status?.state === 'assigned' &&
          status.podUUID === second.uid &&
          status.allocationId === only(rig).allocationId
        );
      });
      await rig.delete(EIP);
      await rig.until('the object gone', async () => (await rig.find(EIP)) === undefined);

      expect(disturbance.happened()).toBe(true);
      expect(rig.eips()).toEqual([]);
      expect((await rig.pod('first')).metadata.annotations?.['eni-agent.io/eip-handover']).toBeUndefined();
      expect((await rig.pod('second')).metadata.annotations?.['eni-agent.io/eip-handover']).toBeUndefined();
    },
  );
});

describe('a whole life of an Eip object for nodes', () => {
  it.each(TROUBLES.flatMap((trouble) => [1, 2, 3, 4].map((nth) => [trouble, nth] as const)))(
    'neither leaks nor doubles an Elastic IP: %s at changing call %i',
    async (trouble, nth) => {
      await using rig = await startControllerRig({ speed: 40 });
      const disturbance = disturb(rig, trouble, nth);
      await rig.create(Eip, { selector: { node: { selector: { role: 'egress' } } } });
      await rig.until('binding', async () => (await rig.get(Eip)).status?.associationId);
      await rig.request('PATCH', '/api/v1/nodes/node-a/status', {
        status: { conditions: [{ type: 'Ready', status: 'False' }] },
      });
      await rig.until('the other node', () => only(rig)?.privateIpAddress === rig.nodes[1]?.ip);
      await rig.delete(Eip);
      await rig.until('the object gone', async () => (await rig.find(Eip)) === undefined);

      expect(disturbance.happened()).toBe(true);
      expect(rig.eips()).toEqual([]);
    },
  );
});

describe('more than one controller', () => {
  it('that act at once, as after a pause longer than the lease, allocate one Elastic IP per object', async () => {
    await using rig = await startControllerRig({ speed: 40 });
    rig.startController();
    rig.startController();
    const names = Array.from(
      { length: 8 },
      (_, index) => ({ kind: index % 2 ? 'EIP' : 'Eip', name: `twin-${index}` }) as const,
    );
    await Promise.all(names.map((object) => rig.create(object, object.kind === 'Eip' ? { podName: object.name } : {})));
    await rig.until('allocation', async () => {
      const objects = await Promise.all(names.map((object) => rig.get(object)));
      return objects.every(({ status }) => status?.allocationId);
    });

    expect(rig.eips()).toHaveLength(names.length);
    await Promise.all(names.map((object) => rig.delete(object)));
    await rig.until('release', async () => rig.eips().length === 0);
  });

  it('that follows one killed right after allocating finds the Elastic IP although describes lag', async () => {
    await using rig = await startControllerRig({ speed: 40 });
    rig.cloud.knobs.describeLagMs = 4_000;
    const disturbance = disturb(rig, 'killed and reply lost', 1);
    await rig.create(EIP, {});
    const { status } = await rig.state(EIP, 'allocated');

    expect(disturbance.happened()).toBe(true);
    expect(rig.mutations().filter((action) => action === 'AllocateAddress')).toHaveLength(1);
    expect(status.allocationId).toBe(only(rig).allocationId);
  });

  it('that may not act any more sends nothing', async () => {
    await using rig = await startControllerRig({ speed: 40 });
    let leads = true;
    rig.startController({ mayAct: () => leads });
    await rig.create(EIP, {});
    await rig.state(EIP, 'allocated');
    leads = false;
    await rig.patch(EIP, { spec: { tags: { late: 'change' } } });
    await rig.quiet();

    expect(rig.tagsOf(only(rig))).not.toHaveProperty('late');
  });
});

function only(rig: ControllerRig) {
  const eips = rig.eips();
  expect(eips.length).toBeLessThanOrEqual(1);
  return eips[0];
}

/** Starts a controller; at the nth changing call something goes wrong, and a killed controller is followed by another. */
function disturb(rig: ControllerRig, trouble: Trouble, nth: number): { readonly happened: () => boolean } {
  let controller = rig.startController();
  let changing = 0;
  const isNth = ({ action }: FaultableCall) => {
    if (action.startsWith('Describe')) return false;
    changing += 1;
    if (changing !== nth) return false;
    if (trouble.startsWith('killed')) {
      setImmediate(() => {
        void controller.stop();
        controller = rig.startController();
      });
    }
    return true;
  };
  rig.server.faults.inject({ effect: EFFECT[trouble], when: isNth });
  return { happened: () => changing >= nth };
}

const EFFECT: Record<Trouble, FaultEffect> = {
  refused: { kind: 'error', code: 'Unavailable', status: 503 },
  'reply lost': { kind: 'lost-reply' },
  killed: { kind: 'latency', ms: 20 },
  'killed and reply lost': { kind: 'lost-reply' },
};
