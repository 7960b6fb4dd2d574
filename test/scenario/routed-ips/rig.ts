import { SUBNET } from '../../support/world/surroundings.ts';
import { World } from '../../support/world/world.ts';
import type { WorldPod } from '../../support/world/world-node.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const VIP = '10.99.0.1';
const TAG = { 'eni-agent.io/routed-ips': '' };

/** Two nodes, and route tables that carry the default tag: `rtb-1` is used by the nodes' subnet, the others by subnets of their own. */
export async function open({ tables = 2, start = true }: { tables?: number; start?: boolean } = {}) {
  const world = new World();
  const { cloud, clock } = world;
  const [a, b] = [world.addNode('a'), world.addNode('b')];
  for (let index = 1; index <= tables; index += 1) {
    const own = index === 1 ? SUBNET.id : `subnet-${index}`;
    if (index > 1) cloud.addSubnet({ id: own, vpcId: 'vpc-1', cidr: `10.0.${200 + index}.0/24`, zone: 'us-east-1b' });
    cloud.addRouteTable({ id: `rtb-${index}`, vpcId: 'vpc-1', subnetIds: [own], tags: TAG });
  }
  cloud.addRouteTable({ id: 'rtb-other', vpcId: 'vpc-1', main: true });
  if (start) {
    a.start();
    b.start();
    await clock.advance(2 * SECOND);
  }
  const pods = {
    a: runPod(world, 'a'),
    b: runPod(world, 'b'),
  };
  await clock.advance(5 * SECOND);
  world.calls.length = 0;
  return { world, clock, cloud, a, b, pods };
}

export function runPod(
  world: World,
  node: 'a' | 'b',
  annotations: Readonly<Record<string, string>> = { 'eni-agent.io/routed-ips': VIP },
  name = `pod-${node}`,
): WorldPod {
  const host = node === 'a' ? 1 : 2;
  return world.node(node).runPod({
    name,
    podIp: `10.0.${host}.1`,
    annotations,
    attachments: [{ interface: 'net1', ips: [`10.0.9.${host}`] }],
  });
}

/** Where a table leads a destination; undefined: nowhere. */
export function target(world: World, table: string, destination = `${VIP}/32`): string | undefined {
  const route = world.cloud.state.routeTables.get(table)?.routes.find((each) => each.destination === destination);
  return route?.target.kind === 'interface' ? route.target.networkInterfaceId : route?.target.gatewayId;
}

export function routeCalls(world: World): string[] {
  return world.calls
    .filter(({ action }) => action.endsWith('Route'))
    .map(({ process, action, parameters }) => `${process} ${action} ${parameters.get('RouteTableId')}`);
}

/** The pod's annotation `eni-agent.io/addresses`, the entry of one address. */
export function told(world: World, name: string, address = VIP) {
  const pod = world.objects('pods').find(({ metadata }) => metadata.name === name);
  const text = pod?.metadata.annotations?.['eni-agent.io/addresses'] ?? '[]';
  return (JSON.parse(text) as { address: string }[]).find((each) => each.address === address);
}

export function condition(world: World, name: string) {
  const pod = world.objects('pods').find(({ metadata }) => metadata.name === name);
  const conditions = (pod?.['status'] as { conditions?: { type: string; status: string; reason?: string }[] })
    ?.conditions;
  return conditions?.find(({ type }) => type === 'eni-agent.io/AddressesAssigned');
}
