import type { Route } from '../../../sim/ec2/entities.ts';
import { SUBNET, SUBNET_B } from '../../support/world/surroundings.ts';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import { type live, MINUTE, SECOND } from '../story.ts';

type RoutedTale = Parameters<typeof live>[0];

const TABLES = ['rtb-1', 'rtb-2'] as const;
/** Somebody else's route in one of our tables: nothing of it changes. */
const FOREIGN: Readonly<Record<string, string>> = { '10.98.0.0/24': 'eni-foreign' };

function prepare({ cloud }: World): void {
  const tags = { 'eni-agent.io/routed-ips': '' };
  cloud.addSubnet({ id: 'subnet-vip', vpcId: 'vpc-1', cidr: '10.0.251.0/28', zone: 'us-east-1b' });
  cloud.addRouteTable({ id: 'rtb-1', vpcId: 'vpc-1', subnetIds: [SUBNET.id], routes: FOREIGN, tags });
  cloud.addRouteTable({ id: 'rtb-2', vpcId: 'vpc-1', subnetIds: [SUBNET_B.id], tags });
  cloud.addRouteTable({ id: 'rtb-other', vpcId: 'vpc-1', main: true });
}

function annotated(vip: string) {
  return { 'eni-agent.io/routed-ips': vip };
}

interface Routed {
  readonly name: string;
  readonly vip: string;
  readonly destination: string;
}

const IPV4: Routed = { name: 'IPv4 address', vip: '10.99.0.1', destination: '10.99.0.1/32' };
const IPV6: Routed = { name: 'IPv6 address', vip: '2001:db8:ffff::1', destination: '2001:db8:ffff::1/128' };
/** In a subnet of its own, which nothing else uses. */
const IN_SUBNET: Routed = { name: 'address of a subnet', vip: '10.0.251.5', destination: '10.0.251.0/28' };

/** The address moves from zone to zone and back, and its last holder keeps it. */
function failover({ name, vip, destination }: Routed): RoutedTale {
  const on = (ips: string) => [{ interface: 'net1', ips: [ips] }];
  return {
    name: `a routed ${name} that moves and moves back`,
    prepare,
    async tell({ clock, node }) {
      const [a, b] = [node('a'), node('b')];
      const annotations = annotated(vip);
      const first = a.runPod({ name: 'first', podIp: '10.0.1.1', annotations, attachments: on('10.0.9.1') });
      const second = b.runPod({ name: 'second', podIp: '10.0.34.1', annotations, attachments: on('10.0.41.2') });
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
      // A move that may or may not have been done is not repeated blindly: then the earlier holder keeps the route.
      const holders = disturbed === undefined ? [node('a').eni()] : [node('a').eni(), node('b').eni()];
      const faults = TABLES.flatMap((table) => {
        const target = leadsTo(world, table, destination);
        return target !== undefined && holders.includes(target) ? [] : [`${table} leads ${destination} to ${target}`];
      });
      return [...faults, ...othersTouched(world), ...pingPong(world)];
    },
  };
}

/** The pod ends: its routes go, unless another pod has them by then. */
const podEnds: RoutedTale = {
  name: 'a routed address whose pod ends',
  prepare,
  async tell({ clock, node }) {
    const attachments = [{ interface: 'net1', ips: ['10.0.9.1', '10.99.0.1'] }];
    node('a').runPod({ name: 'first', podIp: '10.0.1.1', annotations: annotated('10.99.0.0/28'), attachments });
    await clock.advance(20 * SECOND);
    node('a').deletePod('first');
    await clock.advance(2 * MINUTE);
  },
  wrong: (world) => [
    ...TABLES.flatMap((table) => {
      const target = leadsTo(world, table, IPV4.destination);
      return target === undefined ? [] : [`the route in ${table} was left behind, to ${target}`];
    }),
    ...othersTouched(world),
  ],
};

/** The address comes to another node within the cool-down: nothing of the new holder's is removed. */
const handedOn: RoutedTale = {
  name: 'a routed address that a pod elsewhere gets at once',
  prepare,
  async tell({ clock, node }) {
    const annotations = annotated('10.99.0.1');
    const attachments = (own: string) => [{ interface: 'net1', ips: [own, '10.99.0.1'] }];
    node('a').runPod({ name: 'first', podIp: '10.0.1.1', annotations, attachments: attachments('10.0.9.1') });
    await clock.advance(20 * SECOND);
    node('a').deletePod('first');
    await clock.advance(SECOND);
    node('b').runPod({ name: 'second', podIp: '10.0.34.1', annotations, attachments: attachments('10.0.41.2') });
    await clock.advance(2 * MINUTE);
  },
  wrong: (world) => [
    ...TABLES.flatMap((table) => {
      const target = leadsTo(world, table, IPV4.destination);
      return target === world.node('b').eni() ? [] : [`${table} leads 10.99.0.1 to ${target}`];
    }),
    ...othersTouched(world),
  ],
};

/** A FloatingIP with route tables: its node is cordoned, and the next one has the Lease, the routes and the address on its interface. */
const nodeAddress: RoutedTale = {
  name: 'a routed FloatingIP whose node is cordoned',
  prepare(world) {
    applyDefinitions(world);
    prepare(world);
  },
  async tell(world) {
    const { kubeState, clock } = world;
    const kind = world.resource('floatingips', 'eni-agent.io/v1alpha1');
    const spec = { addresses: [IPV4.vip], routeTables: ['tag:eni-agent.io/routed-ips'], preferredNodes: ['a'] };
    const object = { apiVersion: 'eni-agent.io/v1alpha1', kind: 'FloatingIP', metadata: { name: 'web' }, spec };
    kubeState.api.create(kind, undefined, object);
    await clock.advance(20 * SECOND);
    const patch = { spec: { unschedulable: true } };
    kubeState.api.patch(world.resource('nodes'), 'main', undefined, 'a', { format: 'merge', patch });
    await clock.advance(30 * SECOND);
  },
  wrong(world) {
    const [a, b] = [world.node('a'), world.node('b')];
    const has = ({ addresses }: typeof a) => addresses.configured.some(({ address }) => address === IPV4.vip);
    const faults = TABLES.flatMap((table) => {
      const target = leadsTo(world, table, IPV4.destination);
      return target === b.eni() ? [] : [`${table} leads ${IPV4.destination} to ${target}`];
    });
    return [
      ...faults,
      ...(has(b) ? [] : ['the address is not on the interface of b']),
      ...(has(a) ? ['the address is on the interface of a'] : []),
      ...othersTouched(world),
      ...pingPong(world),
    ];
  },
};

export const routedIpStories: readonly RoutedTale[] = [
  failover(IPV4),
  failover(IPV6),
  failover(IN_SUBNET),
  podEnds,
  handedOn,
  nodeAddress,
].map((tale) => ({ ...tale, twoZones: true }));

function leadsTo(world: World, table: string, destination: string): string | undefined {
  return targetOf(routesOf(world, table).find((route) => route.destination === destination));
}

function routesOf(world: World, table: string): readonly Route[] {
  return world.cloud.state.routeTables.get(table)?.routes ?? [];
}

function targetOf(route: Route | undefined): string | undefined {
  return route?.target.kind === 'interface' ? route.target.networkInterfaceId : route?.target.gatewayId;
}

function othersTouched(world: World): string[] {
  const foreign = routesOf(world, 'rtb-1').filter(({ destination }) => Object.hasOwn(FOREIGN, destination));
  const intact = foreign.length === 1 && targetOf(foreign[0]) === 'eni-foreign';
  const other = routesOf(world, 'rtb-other').length;
  return [
    ...(intact ? [] : ["somebody else's route changed"]),
    ...(other === 0 ? [] : ['a table without the tag changed']),
  ];
}

/** Each of the three additions has the right to one move in each table; the first one creates the route. */
function pingPong(world: World): string[] {
  const moves = world.writes().filter(({ action }) => action === 'ReplaceRoute' || action === 'CreateRoute');
  return moves.length > 14 ? [`routes were written ${moves.length} times`] : [];
}
