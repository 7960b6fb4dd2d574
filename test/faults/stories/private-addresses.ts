import type { World } from '../../support/world/world.ts';
import type { WorldPod } from '../../support/world/world-node.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';

/** Assigned by hand on a's ENI before anything started: nobody's but the operator's. */
const BY_HAND = { 4: '10.0.6.6', 6: '2001:db8:0:1::66' } as const;

/** Pods come and go; an address that a pod on `a` has left is at once a pod's on `b` (whereabouts hands out the lowest free one). */
function podsComeAndGo(family: 4 | 6): FaultStory {
  const address = (index: number) => (family === 4 ? `10.0.9.${index}` : `2001:db8:0:1::9:${index}`);
  const on = (interfaces: number, index: number) =>
    Array.from({ length: interfaces }, (_, n) => ({ interface: `net${n + 1}`, ips: [address(index + n)] }));
  return {
    name: `private IPv${family} addresses of pods`,
    prepare(world) {
      const [networkInterfaceId, byHand] = [world.node('a').eni(), BY_HAND[family]];
      if (family === 4) world.cloud.assignPrivateIpAddresses({ networkInterfaceId, privateIpAddresses: [byHand] });
      else world.cloud.assignIpv6Addresses({ networkInterfaceId, ipv6Addresses: [byHand] });
    },
    async tell({ clock, node }) {
      const [a, b] = [node('a'), node('b')];
      a.runPod({ name: 'first', podIp: '10.0.1.1', attachments: on(2, 1) });
      await clock.advance(3 * SECOND);
      a.runPod({ name: 'second', podIp: '10.0.1.2', attachments: on(1, 3) });
      await clock.advance(20 * SECOND);
      a.deletePod('first');
      await clock.advance(SECOND);
      b.runPod({ name: 'third', podIp: '10.0.2.1', attachments: on(1, 1) });
      await clock.advance(2 * MINUTE);
      b.deletePod('third');
      await clock.advance(2 * MINUTE);
    },
    wrong(world) {
      const wanted = new Map([
        [address(3), world.node('a').eni()],
        [BY_HAND[family], world.node('a').eni()],
      ]);
      return [...wronglyHeld(world, wanted), ...falseWarnings(world)];
    },
  };
}

/** Two pods may hold one floating address; the one that added it last has it. */
function failover(family: 4 | 6): FaultStory {
  const vip = family === 4 ? '10.0.9.100' : '2001:db8:0:1::100';
  const pod = {
    annotations: { 'eni-agent.io/floating-ips': vip },
    attachments: [{ interface: 'net1', ips: ['10.0.9.1'] }],
  };
  return {
    name: `a floating IPv${family} address that moves and moves back`,
    async tell({ clock, node }) {
      const [a, b] = [node('a'), node('b')];
      const first: WorldPod = a.runPod({ ...pod, name: 'first', podIp: '10.0.1.1' });
      const second = b.runPod({
        ...pod,
        name: 'second',
        podIp: '10.0.2.1',
        attachments: [{ interface: 'net1', ips: ['10.0.9.2'] }],
      });
      await clock.advance(10 * SECOND);
      a.addAddress(first, vip);
      await clock.advance(20 * SECOND);
      a.removeAddress(first, vip);
      b.addAddress(second, vip);
      await clock.advance(20 * SECOND);
      // The old holder comes back without the new one letting go: it added the address last.
      a.addAddress(first, vip);
      await clock.advance(MINUTE);
    },
    wrong(world, disturbed) {
      const { node } = world;
      const holder = world.holderOf(vip);
      const last = node('a').eni();
      // A takeover that may or may not have been done is not repeated blindly: then the earlier holder keeps the address.
      const takers = disturbed === undefined ? [last] : [last, node('b').eni()];
      const held = holder !== undefined && takers.includes(holder);
      const others = new Map([
        ['10.0.9.1', node('a').eni()],
        ['10.0.9.2', node('b').eni()],
      ]);
      if (holder !== undefined) others.set(vip, holder);
      return [...(held ? [] : [`${vip} is on ${holder}`]), ...wronglyHeld(world, others), ...pingPong(world, vip)];
    },
  };
}

/** The partner adds the address while our own call for it may still be under way: it added it last, so it has it (DESIGN §2 rule 3). */
function overtaken(family: 4 | 6): FaultStory {
  const vip = family === 4 ? '10.0.9.100' : '2001:db8:0:1::100';
  const annotations = { 'eni-agent.io/floating-ips': vip };
  const on = (ips: string) => [{ interface: 'net1', ips: [ips] }];
  return {
    name: `a floating IPv${family} address that a partner adds a moment later`,
    async tell({ clock, node }) {
      const first = node('a').runPod({ name: 'first', podIp: '10.0.1.1', annotations, attachments: on('10.0.9.1') });
      const second = node('b').runPod({ name: 'second', podIp: '10.0.2.1', annotations, attachments: on('10.0.9.2') });
      await clock.advance(10 * SECOND);
      node('a').addAddress(first, vip);
      await clock.advance(1_500);
      node('b').addAddress(second, vip);
      await clock.advance(MINUTE);
    },
    wrong(world, disturbed) {
      const { node } = world;
      const holder = world.holderOf(vip);
      // Whose own call went wrong looks first, and does not take from who has it then.
      const byPartner = disturbed?.process === 'agent-b';
      const held = holder === node('b').eni() || (byPartner && holder === node('a').eni());
      return [...(held ? [] : [`${vip} is on ${holder}, taken back from the partner`]), ...pingPong(world, vip)];
    },
  };
}

export const privateAddressStories: readonly FaultStory[] = ([4, 6] as const).flatMap((family) => [
  podsComeAndGo(family),
  failover(family),
  overtaken(family),
]);

/** Differences between what the nodes' Multus ENIs hold beside their primaries and what they should. */
export function wronglyHeld(world: World, wanted: ReadonlyMap<string, string>): string[] {
  const held = new Map(
    world.nodes.flatMap((node) => {
      const { addresses, ipv6Addresses } = world.cloud.state.requireInterfaceNow(node.eni());
      return [...addresses, ...ipv6Addresses]
        .filter(({ primary }) => !primary)
        .map((entry) => [entry.ip as string, node.eni()]);
    }),
  );
  const missing = Array.from(wanted).filter(([address, eni]) => held.get(address) !== eni);
  const leaked = Array.from(held).filter(([address]) => !wanted.has(address));
  return [
    ...missing.map(
      ([address, eni]) => `${address} should be on ${eni} and is on ${world.holderOf(address) ?? 'no ENI'}`,
    ),
    ...leaked.map(([address, eni]) => `${address} was left behind on ${eni}`),
  ];
}

/** No Warning about an address that was served in the end, unless a call of its own had failed. */
function falseWarnings(world: World): string[] {
  const failed = world.calls.some(({ fault }) => fault !== undefined);
  if (failed) return [];
  return world.events('AddressRefused').map((event) => `false warning: ${String(event['message'])}`);
}

/** Forced moves of one address; each of the three additions has the right to one. */
function pingPong(world: World, address: string): string[] {
  const moves = world
    .writes()
    .filter(
      ({ parameters, action }) => action.startsWith('Assign') && Array.from(parameters.values()).includes(address),
    );
  return moves.length > 8 ? [`${address} was asked for ${moves.length} times`] : [];
}
