import { SUBNET, SUBNET_B } from '../../support/world/surroundings.ts';
import { World } from '../../support/world/world.ts';
import type { WorldPod } from '../../support/world/world-node.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const VIP = '10.99.0.1';
const TAG = { 'eni-agent.io/routed-ips': '' };

/**
 * Two nodes in two zones, and route tables that carry the default tag: `rtb-1` is used by the subnet of `a`, `rtb-2` by that of `b`, the
 * others by subnets of their own.
 */
export async function open({ tables = 2, start = true }: { tables?: number; start?: boolean } = {}) {
  const world = new World();
  const { cloud, clock } = world;
  const [a, b] = [world.addNode('a'), world.addNode('b', { zone: 'b' })];
  for (let index = 1; index <= tables; index += 1) {
    const own = [SUBNET.id, SUBNET_B.id][index - 1] ?? `subnet-${index}`;
    if (index > 2) cloud.addSubnet({ id: own, vpcId: 'vpc-1', cidr: `10.0.${200 + index}.0/24`, zone: 'us-east-1b' });
    cloud.addRouteTable({ id: `rtb-${index}`, vpcId: 'vpc-1', subnetIds: [own], tags: TAG });
  }
  cloud.addRouteTable({ id: 'rtb-other', vpcId: 'vpc-1', main: true });
  // Nothing is in it.
  cloud.addSubnet({ id: 'subnet-2', vpcId: 'vpc-1', cidr: '10.0.202.0/24', zone: SUBNET_B.zone });
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
  const [podIp, own] = node === 'a' ? ['10.0.1.1', '10.0.9.1'] : ['10.0.34.1', '10.0.41.2'];
  return world.node(node).runPod({
    name,
    podIp,
    annotations,
    attachments: [{ interface: 'net1', ips: [own] }],
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
