import { afterEach, describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { Rig, VIP } from './rig.ts';

const OTHER = ip('10.0.9.202');
let rig: Rig;

afterEach(() => rig.close());

function start(seed: number): void {
  rig = new Rig(seed);
  for (const node of rig.nodes) node.start();
}

const status = (name: string) => rig.objects.find((object) => object.name === name)?.status;
const writes = () => rig.ec2.writes().length;

describe('two FloatingIPs with one address', () => {
  it.each([1, 2, 3])('the older one has it, and nothing flaps (seed %i)', async (seed) => {
    start(seed);
    rig.apply('old', { addresses: [VIP] });
    await rig.clock.advance(1_000);
    rig.apply('young', { addresses: [OTHER, VIP], preferredNodes: ['a', 'b', 'c'] });
    await rig.clock.advance(60_000);
    const [calls, since] = [writes(), rig.serving()];
    await rig.clock.advance(120_000);

    expect(writes()).toBe(calls);
    expect(rig.serving()).toBe(since);
    expect(rig.hosts()).toEqual([since]);
    expect(rig.hosts(OTHER)).toEqual([]);
    expect(status('old')?.conditions[0]).toMatchObject({ status: 'True', reason: 'Serving' });
    expect(status('young')).toMatchObject({ node: '', conditions: [{ status: 'False', reason: 'DuplicateAddress' }] });
    expect(status('young')?.conditions[0]?.message).toContain('FloatingIP old, which is older');
  });

  it.each([4, 5, 6, 7])('the older one gets it when it is edited to list it, and keeps it (seed %i)', async (seed) => {
    start(seed);
    rig.apply('old', { addresses: [OTHER] });
    await rig.clock.advance(1_000);
    rig.apply('young', { addresses: [VIP] });
    await rig.untilServedBy(() => true, 5_000);
    rig.apply('old', { addresses: [OTHER, VIP] });
    await rig.clock.advance(30_000);
    const calls = writes();
    await rig.clock.advance(120_000);

    expect(writes()).toBe(calls);
    expect(rig.serving()).toBe(status('old')?.node);
    expect(rig.hosts()).toEqual([status('old')?.node]);
    expect(rig.serving(OTHER)).toBe(status('old')?.node);
    expect(status('young')?.conditions[0]).toMatchObject({ status: 'False', reason: 'DuplicateAddress' });
  });

  it('the younger one gets it when the older one is deleted, without a gap in EC2', async () => {
    start(8);
    rig.apply('old', { addresses: [VIP] });
    await rig.clock.advance(1_000);
    rig.apply('young', { addresses: [VIP] });
    await rig.clock.advance(20_000);
    rig.delete('old');
    await rig.clock.advance(20_000);

    expect(rig.ec2.writes().filter(({ action }) => action === 'unassign')).toEqual([]);
    expect(status('young')).toMatchObject({ node: rig.serving(), conditions: [{ status: 'True' }] });
    expect(rig.hosts()).toEqual([rig.serving()]);
  });
});

describe('one FloatingIP with an address twice', () => {
  it('is refused when the two differ in their prefix length', async () => {
    start(9);
    rig.apply('web', { addresses: [VIP, `${VIP}/24`] });
    await rig.clock.advance(20_000);

    expect(status('web')?.conditions[0]).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(writes()).toBe(0);
  });
});
