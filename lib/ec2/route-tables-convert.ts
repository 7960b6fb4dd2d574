import type { Route as RawRoute, RouteTable as RawTable } from '@aws-sdk/client-ec2';
import { parseCidr } from '../model/ip.ts';
import type { Route, RouteTable } from '../model/routed-ips/route-table.ts';
import { toTags } from './convert.ts';

/** Undefined when EC2 or a stand-in left out the id. */
export function toRouteTable(raw: RawTable): RouteTable | undefined {
  if (!raw.RouteTableId) return undefined;
  const routes = raw.Routes ?? [];
  const associations = (raw.Associations ?? []).filter(
    ({ AssociationState }) => (AssociationState?.State ?? 'associated') === 'associated',
  );
  return {
    id: raw.RouteTableId,
    vpcId: raw.VpcId ?? '',
    subnetIds: associations.flatMap(({ SubnetId }) => SubnetId || []),
    main: associations.some(({ Main }) => Main === true),
    tags: toTags(raw.Tags),
    routes: routes.flatMap((route) => (isLocal(route) ? [] : (toRoute(route) ?? []))),
    vpcCidrs: routes.filter(isLocal).flatMap((route) => destinationOf(route) ?? []),
  };
}

/** The VPC's own route; the same destination led to an ENI is a route like others. */
function isLocal({ GatewayId, NetworkInterfaceId }: RawRoute): boolean {
  return GatewayId === 'local' && !NetworkInterfaceId;
}

function destinationOf({ DestinationCidrBlock, DestinationIpv6CidrBlock }: RawRoute) {
  return parseCidr(DestinationCidrBlock || DestinationIpv6CidrBlock || '');
}

/** Undefined for a route to a prefix list, which never is one of ours. */
function toRoute(raw: RawRoute): Route | undefined {
  const destination = destinationOf(raw);
  if (destination === undefined) return undefined;
  const eni = raw.NetworkInterfaceId || undefined;
  const others = [raw.GatewayId, raw.NatGatewayId, raw.TransitGatewayId, raw.VpcPeeringConnectionId, raw.InstanceId];
  const target = eni ?? others.find((id) => id !== undefined && id !== '') ?? 'another target';
  return { destination, eni, blackhole: raw.State === 'blackhole', target };
}
