import { describe, expect, it } from 'vitest';
import { isInSubnetOf, usedSlots } from '../../lib/model/eni.ts';
import { ip } from '../../lib/model/ip.ts';
import { never, startRig } from './adapter-ec2-rig.ts';

const options = { signal: never };
const plain = { takeover: false, signal: never };
const takeover = { takeover: true, signal: never };
const vip = ip('10.0.1.100');
const vip6 = ip('2001:db8::100');

describe('describeEnis', () => {
  it('gives the node its own ENIs, complete, in the order of their positions', async () => {
    await using rig = await startRig();
    const enis = await rig.addresses.describeEnis(rig.left.id, options);
    expect(enis.map((eni) => [eni.id, eni.deviceIndex])).toEqual([
      [rig.left.primary, 0],
      [rig.left.pods, 1],
    ]);
    expect(enis[1]).toMatchObject({
      subnetId: rig.subnet.id,
      vpcId: rig.vpc.id,
      cidrs: ['10.0.1.0/24', '2001:db8::/64'],
      limits: { ipv4: 10, ipv6: 10 },
      prefixes: [],
    });
    expect(enis.map((eni) => eni.addresses.filter((address) => address.primary).length)).toEqual([1, 1]);
    expect(enis.every((eni) => isInSubnetOf(eni, vip) && isInSubnetOf(eni, vip6))).toBe(true);
    expect(rig.warnings).toEqual([]);
  });

  it('sees attachments settle: what comes or goes is left out', async () => {
    await using rig = await startRig();
    const managed = { subnetId: rig.subnet.id, instanceId: rig.left.id, requesterManaged: true };
    rig.cloud.addInterface(managed);
    const enis = await rig.addresses.describeEnis(rig.left.id, options);
    expect(enis.map((eni) => eni.id)).toEqual([rig.left.primary, rig.left.pods]);
  });

  it('knows nothing of an unknown instance, and says so once', async () => {
    await using rig = await startRig();
    expect(await rig.addresses.describeEnis('i-00000000000000bad', options)).toEqual([]);
    await rig.addresses.describeEnis('i-00000000000000bad', options);
    expect(rig.warnings).toHaveLength(1);
  });

  it('carries on without limits where IAM denies them', async () => {
    await using rig = await startRig();
    rig.cloud.knobs.deniedActions = ['DescribeInstances'];
    const [eni] = await rig.addresses.describeEnis(rig.left.id, options);
    expect(eni?.limits).toEqual({ ipv4: undefined, ipv6: undefined });
    expect(eni?.cidrs).toHaveLength(2);
    rig.cloud.knobs.deniedActions = [];
    expect((await rig.addresses.describeEnis(rig.left.id, options))[0]?.limits.ipv4).toBe(10);
  });
});

describe('IPv4', () => {
  it('assigns, finds, moves only on takeover, and unassigns', async () => {
    await using rig = await startRig();
    const { addresses, left, right } = rig;
    await addresses.assign(left.pods, [vip], plain);
    expect(await addresses.findHolders([vip], options)).toEqual(
      new Map([
        [
          vip,
          { eni: left.pods, instanceId: left.id, primary: false, nature: expect.objectContaining({ deviceIndex: 1 }) },
        ],
      ]),
    );
    await expect(addresses.assign(right.pods, [ip('10.0.1.101'), vip], plain)).rejects.toMatchObject({
      kind: 'held-elsewhere',
      addresses: [vip],
    });
    await addresses.assign(right.pods, [vip], takeover);
    expect((await addresses.findHolders([vip], options)).get(vip)?.eni).toBe(right.pods);
    await expect(addresses.unassign(left.pods, [vip], options)).rejects.toMatchObject({ kind: 'not-assigned' });
    await addresses.unassign(right.pods, [vip], options);
    expect(await addresses.findHolders([vip], options)).toEqual(new Map());
  });

  it('never moves a primary address, whatever is asked', async () => {
    await using rig = await startRig();
    const enis = await rig.addresses.describeEnis(rig.right.id, options);
    const primary = enis[0]?.addresses[0]?.ip ?? vip;
    await expect(rig.addresses.assign(rig.left.pods, [primary], takeover)).rejects.toMatchObject({ name: 'Ec2Error' });
    expect((await rig.addresses.findHolders([primary], options)).get(primary)).toEqual({
      eni: rig.right.primary,
      instanceId: rig.right.id,
      primary: true,
      nature: expect.objectContaining({ deviceIndex: 0 }),
    });
  });

  it('fills an ENI to its limit and not beyond', async () => {
    await using rig = await startRig();
    const nine = Array.from({ length: 9 }, (_, index) => ip(`10.0.1.${100 + index}`));
    await rig.addresses.assign(rig.left.pods, nine, plain);
    await expect(rig.addresses.assign(rig.left.pods, [ip('10.0.1.200')], plain)).rejects.toMatchObject({
      kind: 'limit',
      code: 'PrivateIpAddressLimitExceeded',
    });
    const eni = (await rig.addresses.describeEnis(rig.left.id, options))[1];
    expect(eni && usedSlots(eni, 4)).toBe(eni?.limits.ipv4);
  });

  it.each([
    ['outside the subnet', ip('10.0.9.9')],
    ['reserved', ip('10.0.1.1')],
  ])('refuses an address %s for good', async (_name, address) => {
    await using rig = await startRig();
    await expect(rig.addresses.assign(rig.left.pods, [address], plain)).rejects.toMatchObject({ kind: 'rejected' });
  });
});

describe('IPv6', () => {
  it.each(['InvalidParameterValue', 'InvalidIPAddress.InUse', 'Resource.AlreadyAssigned'])(
    'says held elsewhere when EC2 says %s, and moves by unassigning first',
    async (code) => {
      await using rig = await startRig();
      rig.cloud.knobs.ipv6InUseCode = code;
      await rig.addresses.assign(rig.left.pods, [vip6], plain);
      await expect(rig.addresses.assign(rig.right.pods, [vip6], takeover)).rejects.toMatchObject({
        kind: 'held-elsewhere',
      });
      await rig.addresses.unassign(rig.left.pods, [vip6], options);
      await rig.addresses.assign(rig.right.pods, [vip6], plain);
      expect((await rig.addresses.findHolders([vip6], options)).get(vip6)?.instanceId).toBe(rig.right.id);
    },
  );

  it('says when the address is not on the ENI', async () => {
    await using rig = await startRig();
    await expect(rig.addresses.unassign(rig.left.pods, [vip6], options)).rejects.toMatchObject({
      kind: 'not-assigned',
    });
  });
});

describe('trouble', () => {
  it('a lost reply leaves the outcome open, and here it was done', async () => {
    await using rig = await startRig();
    rig.server.faults.inject({ action: 'AssignPrivateIpAddresses', effect: { kind: 'lost-reply' } });
    await expect(rig.addresses.assign(rig.left.pods, [vip], plain)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    expect((await rig.addresses.findHolders([vip], options)).get(vip)?.eni).toBe(rig.left.pods);
    expect(rig.calls.filter((call) => call.action === 'AssignPrivateIpAddresses')).toHaveLength(1);
  });

  it('silence ends with the timeout', async () => {
    await using rig = await startRig({ requestTimeoutMs: 100 });
    rig.server.faults.inject({ action: 'AssignPrivateIpAddresses', effect: { kind: 'hang' } });
    await expect(rig.addresses.assign(rig.left.pods, [vip], plain)).rejects.toMatchObject({ kind: 'unknown-outcome' });
  });

  it('an empty bucket is reported as such, after one attempt, and is over when it refills', async () => {
    await using rig = await startRig();
    rig.server.faults.inject({
      action: 'AssignPrivateIpAddresses',
      effect: { kind: 'error', code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 },
    });
    await expect(rig.addresses.assign(rig.left.pods, [vip], plain)).rejects.toMatchObject({ kind: 'throttled' });
    await rig.addresses.assign(rig.left.pods, [vip], plain);
    expect(rig.calls.map((call) => call.error?.kind)).toEqual(['throttled', undefined]);
  });

  it('an IAM refusal is reported without its blob', async () => {
    await using rig = await startRig();
    rig.cloud.knobs.deniedActions = ['AssignPrivateIpAddresses'];
    const attempt = rig.addresses.assign(rig.left.pods, [vip], plain);
    await expect(attempt).rejects.toMatchObject({ kind: 'unauthorized' });
    await expect(attempt).rejects.not.toThrow(/Encoded authorization/);
  });

  it('an ENI that is gone is not found', async () => {
    await using rig = await startRig();
    await expect(rig.addresses.assign('eni-00000000000000bad', [vip], plain)).rejects.toMatchObject({
      kind: 'not-found',
    });
  });
});
