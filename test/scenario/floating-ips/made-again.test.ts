import { afterEach, describe, expect, it } from 'vitest';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import { Rig, type SimNode, VIP } from './rig.ts';

const SPEC = { addresses: [VIP] };
const OTHER = ip('10.0.9.202');
let rig: Rig;

afterEach(() => rig.close());

function heldBy(networkInterfaceId: string, address: IpAddress): void {
  rig.ec2.cloud.addInterface({ id: networkInterfaceId, subnetId: 'subnet-1' });
  const privateIpAddresses = [address];
  rig.ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId, privateIpAddresses, allowReassignment: true });
}

async function served(seed: number): Promise<{ readonly first: SimNode; readonly other: SimNode }> {
  rig = new Rig(seed, ['a', 'b']);
  for (const node of rig.nodes) node.start();
  rig.apply('web', SPEC);
  await rig.untilServedBy(() => true, 6_000);
  const name = rig.serving() ?? '';
  return { first: rig.node(name), other: rig.node(name === 'a' ? 'b' : 'a') };
}

/** Of a machine that no agent runs on: an address that nobody may take. */
function primaryOf(node: string): IpAddress {
  rig.ec2.addNode(node, 1);
  return ip(rig.ec2.cloud.state.requireInterfaceNow(`eni-${node}-1`).addresses[0]?.ip ?? '');
}

async function madeAgain(): Promise<void> {
  rig.delete('web');
  await rig.clock.advance(200);
  rig.apply('web', SPEC);
}

describe('a FloatingIP that is made again under its name', () => {
  it.each([
    ['killed', (node: SimNode) => node.kill(), (node: SimNode) => node.start()],
    ['stopped', (node: SimNode) => node.process?.stop(), (node: SimNode) => node.process?.continue()],
  ] as const)(
    'is served by an agent that was %s, and whose record of an earlier object has the same number',
    async (_what, goes, comes) => {
      const { first, other } = await served(31);
      goes(first);
      await madeAgain();
      await rig.untilServedBy((node) => node === other.name, 10_000);
      other.die();
      await madeAgain();
      comes(first);
      await rig.untilServedBy((node) => node === first.name, 15_000);
      await rig.clock.advance(60_000);

      expect(rig.serving()).toBe(first.name);
      expect(rig.objects[0]?.status.conditions[0]).toMatchObject({ status: 'True', reason: 'Serving' });
    },
  );

  it('is served when only its Lease was deleted by hand, each time that its holder was away', async () => {
    const { first, other } = await served(32);
    first.kill();
    rig.server.collect('web');
    await rig.untilServedBy((node) => node === other.name, 10_000);
    other.die();
    rig.server.collect('web');
    first.start();
    await rig.untilServedBy((node) => node === first.name, 15_000);

    expect(rig.serving()).toBe(first.name);
  });

  it('is not asked for after an edit that took it off the object, although the look at its holder was under way', async () => {
    rig = new Rig(33, ['a', 'b']);
    for (const node of rig.nodes) node.start();
    heldBy('eni-b-9', VIP);
    const before = { addresses: [OTHER], preferredNodes: ['a'] };
    rig.apply('old', before);
    await rig.clock.until(() => rig.serving(OTHER) === 'a', 6_000, 'the first address');
    rig.ec2.faults = ({ node, action, addresses }) => {
      if (node !== 'a' || action !== 'find' || !addresses.includes(VIP)) return undefined;
      rig.ec2.faults = () => undefined;
      rig.apply('old', before);
      rig.apply('young', { addresses: [VIP], preferredNodes: ['b'] });
      return undefined;
    };
    rig.apply('old', { ...before, addresses: [OTHER, VIP] });
    await rig.untilServedBy((node) => node === 'b', 5_000);
    await rig.clock.advance(60_000);

    expect(rig.ec2.writes('a').filter(({ addresses }) => addresses.includes(VIP))).toEqual([]);
    expect(rig.serving()).toBe('b');
  });

  it('is not put off by what EC2 refused to an earlier one', async () => {
    rig = new Rig(34, ['a']);
    rig.node('a').start();
    const taken = primaryOf('stranger');
    rig.ec2.faults = ({ action }) => {
      if (action !== 'find') return undefined;
      rig.ec2.faults = () => undefined;
      rig.delete('web');
      rig.clock.after(20, () => rig.apply('web', SPEC));
      return undefined;
    };
    rig.apply('web', { addresses: [taken] });
    await rig.untilServedBy(() => true, 15_000);

    expect(rig.serving()).toBe('a');
  });
});
