import { describe, expect, it } from 'vitest';
import type { FaultableCall } from '../../../sim/ec2/faults.ts';
import { type ControllerRig, startControllerRig } from './rig.ts';

const EIP = { kind: 'EIP', name: 'life' } as const;

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
    const disturbance = killedAtFirstChange(rig);
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

/** Starts a controller; it is killed at the first changing call, whose reply is lost, and another follows it. */
function killedAtFirstChange(rig: ControllerRig): { readonly happened: () => boolean } {
  const controller = rig.startController();
  let changing = 0;
  const isFirst = ({ action }: FaultableCall) => {
    if (action.startsWith('Describe')) return false;
    changing += 1;
    if (changing !== 1) return false;
    setImmediate(() => {
      void controller.stop();
      rig.startController();
    });
    return true;
  };
  rig.server.faults.inject({ effect: { kind: 'lost-reply' }, when: isFirst });
  return { happened: () => changing >= 1 };
}
