import { createObject, deleteObject, patchObject } from '../../support/world/objects.ts';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import type { WorldNode } from '../../support/world/world-node.ts';
import { clusterEips } from '../bystanders.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';
import { publicIpOf } from './pod-elastic-ips.ts';
import { wronglyHeld } from './private-addresses.ts';

const VIPS = { 4: '10.0.9.80', 6: '2001:db8:0:1::80' } as const;
/** Both families in one object: they move together. */
const BOTH = Object.values(VIPS);
/** How long serving, moving or giving back may take, whatever single call went wrong, ms. */
const PATIENCE_MS = 90 * SECOND;
/** The same for what only the controller's sweep can find, ms. */
const SWEPT_MS = 30 * MINUTE;
/** What has come about must last, ms. */
const LASTS_MS = 3 * SECOND;

const floatingIp = (name: string) => ({ kind: 'FloatingIP', name }) as const;
const createFloatingIp = (world: World, name: string, spec: object): void =>
  createObject(world, floatingIp(name), spec);
const edit = (world: World, name: string, spec: object): void => patchObject(world, floatingIp(name), { spec });
const removeFloatingIp = (world: World, name: string): void => deleteObject(world, floatingIp(name));

function cordon(world: World, name: string, unschedulable: boolean): void {
  patchObject(world, { kind: 'Node', name }, { spec: { unschedulable } });
}

/** What was wrong while the object still lived. */
const notes = new WeakMap<World, string[]>();
function note(world: World, fault: string | false): void {
  if (fault !== false) notes.set(world, [...(notes.get(world) ?? []), fault]);
}

/** Watches for what must never be, not even for a moment: one address on the interfaces of two nodes. */
function watchInterfaces(world: World): void {
  for (const node of world.nodes) {
    node.addresses.onChange = () => {
      for (const address of BOTH) {
        const holders = hostsOf(world, address).map(({ name }) => name);
        note(world, holders.length > 1 && `${address} is on the interfaces of ${holders.join(' and ')} at once`);
      }
    };
  }
}

function hostsOf(world: World, address: string): WorldNode[] {
  return world.nodes.filter(({ addresses }) => addresses.configured.some((entry) => entry.address === address));
}

/** Waits until it is so and has been for a moment; what it did not come to in time is noted. */
async function reached(world: World, what: string, isSo: () => boolean, withinMs = PATIENCE_MS): Promise<void> {
  await world.clock.until(isSo, withinMs).catch(() => undefined);
  await world.clock.advance(LASTS_MS);
  note(world, !isSo() && `not in time: ${what}`);
}

/** The node that serves these addresses, EC2 and its interface agreeing. */
function holderOf(world: World, addresses: readonly string[]): WorldNode | undefined {
  const [first, ...others] = addresses.map((address) => {
    const [host] = hostsOf(world, address);
    return host?.eni() === world.holderOf(address) ? host : undefined;
  });
  return others.every((node) => node === first) ? first : undefined;
}

async function served(world: World, addresses: readonly string[], notBy?: WorldNode): Promise<WorldNode | undefined> {
  const isSo = () => ![undefined, notBy].includes(holderOf(world, addresses));
  await reached(world, `${addresses.join(', ')} served${notBy ? ` by another one than ${notBy.name}` : ''}`, isSo);
  return holderOf(world, addresses);
}

/** Deletes the object and waits until its addresses are on no interface and with no ENI. */
async function ended(world: World): Promise<void> {
  removeFloatingIp(world, 'web');
  const isGone = (address: string) => hostsOf(world, address).length === 0 && world.holderOf(address) === undefined;
  await reached(world, 'everything given back', () => BOTH.every(isGone) && ownEips(world).length === 0);
}

/** Elastic IPs that were made for the object. */
function ownEips(world: World) {
  return clusterEips(world).filter(({ tagSet }) => !(tagSet ?? []).some(({ key }) => key === 'prepared'));
}

/** After the object is gone nothing of it is left: in EC2, on an interface, or as an Elastic IP that nobody owns. */
function nothingLeft(world: World): string[] {
  const onHosts = world.nodes.flatMap(({ name, addresses }) =>
    addresses.configured.map(({ address }) => `${address} was left on the interface of ${name}`),
  );
  return [
    ...(notes.get(world) ?? []),
    ...onHosts,
    ...wronglyHeld(world, new Map()),
    ...ownEips(world).map((eip) => `leaked ${eip.allocationId} ${JSON.stringify(eip.tagSet)}`),
  ];
}

function story(name: string, tell: FaultStory['tell'], more: Partial<FaultStory> = {}): FaultStory {
  return {
    name,
    prepare(world) {
      applyDefinitions(world);
      watchInterfaces(world);
    },
    tell,
    wrong: nothingLeft,
    ...more,
  };
}

function livesAndEnds(addresses: readonly string[], title: string): FaultStory {
  return story(`a FloatingIP object with ${title} that lives and ends`, async (world) => {
    createFloatingIp(world, 'web', { addresses });
    await served(world, addresses);
    await ended(world);
  });
}

/** The machine of the holder is switched off without a word, and comes back when another one serves. */
const holderDies = story('a FloatingIP object whose holder dies', async (world) => {
  createFloatingIp(world, 'web', { addresses: BOTH });
  const first = await served(world, BOTH);
  first?.powerOff();
  const second = await served(world, BOTH, first);
  first?.powerOn();
  await world.clock.advance(20 * SECOND);
  note(world, (await served(world, BOTH)) !== second && 'it moved without need');
  await ended(world);
});

const cordoned = story('a FloatingIP object that moves by cordon, and back', async (world) => {
  createFloatingIp(world, 'web', { addresses: BOTH });
  let holder = await served(world, BOTH);
  for (let moves = 0; moves < 2 && holder !== undefined; moves += 1) {
    const { name } = holder;
    cordon(world, name, true);
    holder = await served(world, BOTH, holder);
    cordon(world, name, false);
    await world.clock.advance(SECOND);
  }
  await ended(world);
});

/** Its Elastic IP is made for it, moves along, and is released with it. */
const withElasticIp = story('a FloatingIP object with an Elastic IP that moves along', async (world) => {
  createFloatingIp(world, 'web', { addresses: BOTH, elasticIP: 'auto' });
  const holder = await served(world, BOTH);
  await reached(world, 'an Elastic IP', () => publicIpOf(world, VIPS[4]) !== undefined);
  const publicIp = publicIpOf(world, VIPS[4]);
  if (holder !== undefined) cordon(world, holder.name, true);
  await served(world, BOTH, holder);
  await reached(world, 'the same Elastic IP', () => publicIpOf(world, VIPS[4]) === publicIp);
  note(world, clusterEips(world).length > 1 && 'the Elastic IP is doubled');
  await ended(world);
});

/** The holder is down when the object goes: the garbage collector takes the Lease, the other node gives the Elastic IP back, or the sweep. */
const deletedWithoutHolder = story(
  'a FloatingIP object with an Elastic IP, deleted while its holder is down',
  async (world) => {
    createFloatingIp(world, 'web', { addresses: [VIPS[4]], elasticIP: 'auto' });
    const holder = await served(world, [VIPS[4]]);
    await reached(world, 'an Elastic IP', () => publicIpOf(world, VIPS[4]) !== undefined);
    holder?.powerOff();
    await world.clock.advance(SECOND);
    removeFloatingIp(world, 'web');
    await reached(world, 'the Elastic IP released without the holder', () => ownEips(world).length === 0, SWEPT_MS);
    holder?.powerOn();
    await world.clock.advance(30 * SECOND);
  },
  { controller: true },
);

/** From its own Elastic IP to a prepared one, to none, and to its own again. */
const edited = story(
  'a FloatingIP object whose elasticIP is edited',
  async (world) => {
    const bound = () => publicIpOf(world, VIPS[4]);
    const isOwn = () => ownEips(world).some(({ publicIp }) => publicIp === bound());
    createFloatingIp(world, 'web', { addresses: [VIPS[4]], elasticIP: 'auto' });
    await served(world, [VIPS[4]]);
    await reached(world, 'an Elastic IP of its own', isOwn);
    edit(world, 'web', { elasticIP: 'tag:prepared=yes' });
    await reached(world, 'the prepared Elastic IP', () => bound() === preparedEip(world)?.publicIp);
    edit(world, 'web', { elasticIP: null });
    await reached(world, 'no Elastic IP', () => bound() === undefined && ownEips(world).length === 0);
    edit(world, 'web', { elasticIP: 'auto' });
    await reached(world, 'an Elastic IP of its own again', isOwn);
    await ended(world);
  },
  {
    prepare(world) {
      applyDefinitions(world);
      watchInterfaces(world);
      const tags = [{ key: 'prepared', value: 'yes' }];
      world.cloud.allocateAddress({ tagSpecifications: [{ resourceType: 'elastic-ip', tags }] });
    },
    wrong(world) {
      const kept = preparedEip(world);
      const foreign = (kept?.tagSet ?? []).filter(({ key }) => key !== 'prepared').map(({ key }) => key);
      return [
        ...nothingLeft(world),
        ...(kept === undefined ? ['the prepared Elastic IP was released'] : []),
        ...(kept?.associationId === undefined ? [] : ['the prepared Elastic IP is still associated']),
        ...(foreign.length > 0 ? [`the prepared Elastic IP is still tagged ${foreign.join(', ')}`] : []),
      ];
    },
  },
);

function preparedEip(world: World) {
  return clusterEips(world).find(({ tagSet }) => (tagSet ?? []).some(({ key }) => key === 'prepared'));
}

export const floatingIpObjectStories: readonly FaultStory[] = [
  livesAndEnds([VIPS[4]], 'an IPv4 address'),
  livesAndEnds([VIPS[6]], 'an IPv6 address'),
  holderDies,
  cordoned,
  withElasticIp,
  deletedWithoutHolder,
  edited,
];
