import { afterEach, describe, expect, it } from 'vitest';
import { openEc2Client } from '../../lib/ec2/client.ts';
import type { CreateInterfaceRequest } from '../../lib/ec2/interface-api.ts';
import { ec2Interfaces } from '../../lib/ec2/interfaces.ts';
import { startRig } from './adapter-ec2-rig.ts';

const signal = new AbortController().signal;
const options = { signal };
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function rig() {
  const base = await startRig();
  const client = openEc2Client({ region: 'us-east-1', version: '0.0.0', requestTimeoutMs: 5_000 });
  open.push(base, { [Symbol.asyncDispose]: async () => client.destroy() });
  const interfaces = ec2Interfaces({ client, now: () => performance.now(), onCall: () => undefined });
  const wanted = (token: string, more: Partial<CreateInterfaceRequest> = {}): CreateInterfaceRequest => ({
    subnetId: base.subnet.id,
    description: 'for a test',
    securityGroups: ['sg-0000000000000000a'],
    secondaryAddresses: 2,
    tags: { owner: token, 'odd*': '?' },
    clientToken: token,
    ...more,
  });
  return { ...base, interfaces, wanted };
}

describe('a network interface', () => {
  it('is made with tags, groups and addresses in one call, and found by its tags and by its id', async () => {
    const { interfaces, wanted } = await rig();

    const made = await interfaces.create(wanted('a'), options);

    expect(made).toMatchObject({
      description: 'for a test',
      groups: ['sg-0000000000000000a'],
      attachment: undefined,
      managed: false,
    });
    expect(made.addresses.map(({ primary }) => primary)).toEqual([true, false, false]);
    const found = await interfaces.describe({ tags: { owner: 'a', 'odd*': '?' } }, options);
    expect(found).toEqual([made]);
    expect(await interfaces.describe({ ids: [made.id, 'eni-0000000000000dead'] }, options)).toEqual([made]);
    expect(await interfaces.describe({ tags: { owner: 'b' } }, options)).toEqual([]);
    expect(await interfaces.describe({ ids: [] }, options)).toEqual([]);
  });

  it('gets one attribute changed at a time: source/destination check, delete-on-termination', async () => {
    const { interfaces, wanted, left } = await rig();
    const { id } = await interfaces.create(wanted('a'), options);
    const place = { eni: id, instanceId: left.id, deviceIndex: 2, networkCard: 0 };
    const { attachmentId } = await interfaces.attach(place, options);

    await interfaces.modify(id, { kind: 'source-dest-check', enabled: false }, options);
    await interfaces.modify(id, { kind: 'delete-on-termination', attachmentId, enabled: true }, options);

    const [facts] = await interfaces.describe({ ids: [id] }, options);
    expect(facts).toMatchObject({ sourceDestCheck: false, attachment: { deleteOnTermination: true } });
  });

  it('is made once, however often the reply to its token is lost', async () => {
    const { interfaces, wanted, server } = await rig();
    server.faults.inject({ action: 'CreateNetworkInterface', effect: { kind: 'lost-reply' }, times: 2 });

    await expect(interfaces.create(wanted('a'), options)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    await expect(interfaces.create(wanted('a'), options)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    const made = await interfaces.create(wanted('a'), options);

    expect(await interfaces.describe({ tagKeys: ['owner'] }, options)).toEqual([made]);
    await expect(interfaces.create(wanted('a', { description: 'other' }), options)).rejects.toMatchObject({
      kind: 'rejected',
      code: 'IdempotentParameterMismatch',
    });
  });

  it('is attached, is seen on its way, and leaves again', async () => {
    const world = await rig();
    const { interfaces, wanted, cloud, left } = world;
    Object.assign(cloud.knobs, { attachMs: 1_000, detachMs: 3_000 });
    const { id } = await interfaces.create(wanted('a'), options);
    const look = async () => (await interfaces.describe({ ids: [id] }, options))[0]?.attachment?.state;

    const place = { eni: id, instanceId: left.id, deviceIndex: 2, networkCard: 0 };
    const { attachmentId } = await interfaces.attach(place, options);
    expect(await look()).toBe('attaching');
    world.advance(1_000);
    expect(await look()).toBe('attached');
    await expect(interfaces.delete(id, options)).rejects.toMatchObject({ kind: 'conflict' });
    await interfaces.detach(attachmentId, options);
    expect(await look()).toBe('detaching');
    world.advance(3_000);
    expect(await look()).toBeUndefined();
    await interfaces.detach(attachmentId, options);
    await interfaces.delete(id, options);
    await interfaces.delete(id, options);
    expect(await interfaces.describe({ ids: [id] }, options)).toEqual([]);
  });

  it('meets a conflict at a place that is taken or when it is in use, and the limit on a full instance', async () => {
    const { interfaces, wanted, left, right } = await rig();
    const { id } = await interfaces.create(wanted('a'), options);
    const { id: other } = await interfaces.create(wanted('b'), options);
    const { id: third } = await interfaces.create(wanted('c'), options);
    const at = (eni: string, instanceId: string, deviceIndex: number) =>
      interfaces.attach({ eni, instanceId, deviceIndex, networkCard: 0 }, options);

    await expect(at(id, left.id, 1)).rejects.toMatchObject({ kind: 'conflict' });
    await at(id, left.id, 2);
    await expect(at(id, right.id, 2)).rejects.toMatchObject({ kind: 'conflict' });
    await at(other, right.id, 2);
    await expect(at(third, right.id, 3)).rejects.toMatchObject({ kind: 'limit' });
  });

  it('changes description, groups, addresses and tags one call each', async () => {
    const { interfaces, wanted } = await rig();
    const { id, addresses } = await interfaces.create(wanted('a'), options);

    await interfaces.modify(id, { kind: 'description', description: 'new' }, options);
    await interfaces.modify(id, { kind: 'security-groups', securityGroups: ['sg-0000000000000000b'] }, options);
    const added = await interfaces.assignCount(id, 2, options);
    await interfaces.unassign(id, [addresses[1]!.ip], options);
    await interfaces.tag(id, { more: '1' }, options);

    const [now] = await interfaces.describe({ ids: [id] }, options);
    expect(now).toMatchObject({
      description: 'new',
      groups: ['sg-0000000000000000b'],
      tags: { owner: 'a', more: '1' },
    });
    expect(now?.addresses.map(({ ip }) => ip)).toEqual([addresses[0]!.ip, addresses[2]!.ip, ...added]);
    await expect(interfaces.unassign(id, [addresses[1]!.ip], options)).rejects.toMatchObject({ kind: 'not-assigned' });
  });
});

describe('the room on an instance', () => {
  it('is its type and cards, and the places that are taken', async () => {
    const { interfaces, cloud, subnet, left } = await rig();
    const { instance } = cloud.addInstance({ subnetId: subnet.id, type: 'c6in.32xlarge' });

    expect(await interfaces.room(left.id, options)).toMatchObject({
      type: 'm5.large',
      attachable: true,
      limits: { interfaces: 3, cards: [{ index: 0, interfaces: 3 }], ipv4PerInterface: 10 },
      taken: [
        { deviceIndex: 0, networkCard: 0 },
        { deviceIndex: 1, networkCard: 0 },
      ],
    });
    expect((await interfaces.room(instance.id, options))?.limits?.cards).toHaveLength(2);
  });

  it('asks for the limits of a type once, and knows nothing of instances that are gone', async () => {
    const { interfaces, cloud, left, right, server } = await rig();

    await interfaces.room(left.id, options);
    await interfaces.room(right.id, options);
    cloud.setInstanceState(right.id, 'terminated');

    expect(server.calls.filter(({ action }) => action === 'DescribeInstanceTypes')).toHaveLength(1);
    expect(await interfaces.room(right.id, options)).toBeUndefined();
    expect(await interfaces.room('i-0000000000000dead', options)).toBeUndefined();
  });
});
