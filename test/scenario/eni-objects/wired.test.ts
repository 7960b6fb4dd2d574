import { beforeAll, describe, expect, it } from 'vitest';
import { SUBNET } from '../../support/world/surroundings.ts';
import { warmUp } from '../../support/world/warm-up.ts';
import { EIP, EipObjectRig, ENI } from '../eip-objects/rig.ts';

beforeAll(warmUp);

function interfacesOf({ world }: EipObjectRig) {
  return world.cloud.state.allInterfaces(world.clock.now()).filter(({ tags }) => tags.has('eni-agent.io/eni-uid'));
}

describe('the controller', () => {
  it('makes an ENI object real, gives an EIP to its second address, survives a change of leader, and takes both away again', async () => {
    const rig = new EipObjectRig();
    Object.assign(rig.world.cloud.knobs, { attachMs: 500, detachMs: 500 });
    rig.startPod('web-0', 'b');
    rig.create(ENI('front'), {
      subnetID: SUBNET.id,
      securityGroups: ['sg-1'],
      secondaryPrivateIPAddressCount: 1,
      attachment: { podName: 'web-0' },
    });
    rig.create(EIP('front'), { assignment: { eni: 'front', eniPrivateIPAddressIndex: 1 } });
    rig.controller.start();

    await rig.until('the interface is ready', () => rig.status(ENI('front'))?.conditions?.[0]?.status === 'True');
    const eip = await rig.state(EIP('front'), 'assigned');
    const status = rig.status(ENI('front'));
    const { instanceId } = rig.world.node('b');
    expect(status.attachment).toMatchObject({ podName: 'web-0', instanceID: instanceId, deviceIndex: 1 });
    expect(interfacesOf(rig).map(({ id, mac }) => [id, mac])).toEqual([[status.networkInterfaceID, status.macAddress]]);
    const [bound] = rig.eips();
    expect(bound).toMatchObject({
      networkInterfaceId: status.networkInterfaceID,
      privateIpAddress: status.privateIPAddresses[1],
    });
    expect(eip.status.publicIPAddress).toBe(bound.publicIp);

    await rig.controller.loseLease();
    rig.controller.start();
    rig.delete(EIP('front'));
    rig.delete(ENI('front'));
    await rig.until('both are gone', () => !rig.find(EIP('front')) && !rig.find(ENI('front')));

    expect(interfacesOf(rig)).toEqual([]);
    expect(rig.eips()).toEqual([]);
  });

  it('brings the ENI objects of two pods to the one node that both are on', async () => {
    const rig = new EipObjectRig();
    Object.assign(rig.world.cloud.knobs, { attachMs: 500, detachMs: 500 });
    for (const name of ['web-0', 'web-1']) {
      rig.startPod(name, 'b');
      rig.create(ENI(name), { subnetID: SUBNET.id, securityGroups: ['sg-1'], attachment: { podName: name } });
    }
    rig.controller.start();

    for (const name of ['web-0', 'web-1'])
      await rig.until(`${name} is ready`, () => rig.status(ENI(name))?.conditions?.[0]?.status === 'True');
    const { instanceId } = rig.world.node('b');
    const places = interfacesOf(rig).map(({ attachment }) => attachment?.instanceId);
    expect(places).toEqual([instanceId, instanceId]);
  });
});
