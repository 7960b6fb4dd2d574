import { describe, expect, it } from 'vitest';
import { ip } from '../../lib/model/ip.ts';
import { never, startRig } from './adapter-ec2-rig.ts';

const options = { signal: never };
const vip = ip('10.0.1.100');
const owner = { 'eni-agent.io/owner': 'ns/pod' };

describe('an Elastic IP', () => {
  it('is allocated, found by its tags, paired, moved with its address, and given back', async () => {
    await using rig = await startRig();
    const { addresses, elasticIps, left, right } = rig;
    await addresses.assign(left.pods, [vip], { takeover: false, signal: never });
    const { allocationId, publicIp } = await elasticIps.allocate({ tags: owner }, options);
    expect(await elasticIps.describe({ tags: owner }, options)).toMatchObject([
      { allocationId, association: undefined },
    ]);

    const { associationId } = await elasticIps.associate(
      { allocationId, eni: left.pods, privateIp: vip, allowReassociation: false },
      options,
    );
    expect(await elasticIps.describe({ allocationIds: [allocationId] }, options)).toMatchObject([
      { publicIp, pool: 'amazon', tags: owner, association: { associationId, eni: left.pods, privateIp: vip } },
    ]);
    const enis = await addresses.describeEnis(left.id, options);
    expect(enis[1]?.addresses.find((address) => address.ip === vip)?.association).toEqual({
      publicIp,
      allocationId,
      associationId,
    });

    await addresses.assign(right.pods, [vip], { takeover: true, signal: never });
    const [moved] = await elasticIps.describe({ privateIps: [vip], eniIds: [right.pods] }, options);
    expect(moved?.allocationId).toBe(allocationId);

    await expect(elasticIps.release(allocationId, options)).rejects.toMatchObject({ kind: 'conflict' });
    await elasticIps.disassociate(moved?.association?.associationId ?? '', options);
    await elasticIps.release(allocationId, options);
    await elasticIps.release(allocationId, options);
    expect(await elasticIps.describe({ allocationIds: [allocationId] }, options)).toEqual([]);
  });

  it('in use elsewhere is a conflict for a claim that may not take it, and moves for one that may', async () => {
    await using rig = await startRig();
    const { elasticIps, left, right } = rig;
    const { allocationId } = await elasticIps.allocate({ tags: {} }, options);
    const [here, there] = await Promise.all([
      rig.addresses.describeEnis(left.id, options),
      rig.addresses.describeEnis(right.id, options),
    ]);
    const target = (enis: typeof here) => ({ eni: enis[1]?.id ?? '', privateIp: enis[1]?.addresses[0]?.ip ?? vip });
    await elasticIps.associate({ allocationId, ...target(here), allowReassociation: false }, options);
    const attempt = (allowReassociation: boolean) =>
      elasticIps.associate({ allocationId, ...target(there), allowReassociation }, options);
    await expect(attempt(false)).rejects.toMatchObject({ kind: 'conflict', code: 'Resource.AlreadyAssociated' });
    await attempt(true);
    expect((await elasticIps.describe({ eniIds: [right.pods] }, options)).length).toBe(1);
  });

  it.each(['success', 'not-found'] as const)('is disassociated twice without harm (EC2 says %s)', async (answer) => {
    await using rig = await startRig();
    rig.cloud.knobs.repeatedDisassociate = answer;
    const { allocationId } = await rig.elasticIps.allocate({ tags: {} }, options);
    const [, eni] = await rig.addresses.describeEnis(rig.left.id, options);
    const privateIp = eni?.addresses[0]?.ip ?? vip;
    const { associationId } = await rig.elasticIps.associate(
      { allocationId, eni: rig.left.pods, privateIp, allowReassociation: false },
      options,
    );
    await rig.elasticIps.disassociate(associationId, options);
    await rig.elasticIps.disassociate(associationId, options);
    expect(await rig.elasticIps.describe({ allocationIds: [allocationId] }, options)).toMatchObject([
      { association: undefined },
    ]);
  });

  it('of a lost reply is found again by its tags, and there is one', async () => {
    await using rig = await startRig();
    rig.server.faults.inject({ action: 'AllocateAddress', effect: { kind: 'lost-reply' } });
    await expect(rig.elasticIps.allocate({ tags: owner }, options)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    expect(await rig.elasticIps.describe({ tags: owner }, options)).toHaveLength(1);
  });

  it('beyond the quota meets the limit', async () => {
    await using rig = await startRig();
    rig.cloud.knobs.elasticIpQuota = 0;
    await expect(rig.elasticIps.allocate({ tags: {} }, options)).rejects.toMatchObject({
      kind: 'limit',
      code: 'AddressLimitExceeded',
    });
  });

  it('comes from an own pool, by choice, and the pool counts it', async () => {
    await using rig = await startRig();
    const pool = rig.cloud.addPool({ cidr: '198.51.100.0/28' });
    const address = ip('198.51.100.5');
    const before = await rig.elasticIps.pools(options);
    const got = await rig.elasticIps.allocate({ pool: pool.id, address, tags: owner }, options);
    expect(got).toMatchObject({ publicIp: address, pool: pool.id });
    const after = await rig.elasticIps.pools(options);
    expect([before[0]?.available, after[0]?.available]).toEqual([16, 15]);
  });

  it('gains and loses tags by key, and keeps the others', async () => {
    await using rig = await startRig();
    const { allocationId } = await rig.elasticIps.allocate({ tags: { ...owner, keep: 'a*' } }, options);
    await rig.elasticIps.tag([allocationId], { more: '', keep: 'a*' }, options);
    await rig.elasticIps.untag([allocationId], [], options);
    await rig.elasticIps.untag([allocationId], Object.keys(owner), options);
    expect(await rig.elasticIps.describe({ tagKeys: ['keep'] }, options)).toMatchObject([
      { allocationId, tags: { keep: 'a*', more: '' } },
    ]);
    expect(await rig.elasticIps.describe({ tags: { keep: 'a*' } }, options)).toHaveLength(1);
  });
});
