import { type Eni, isInSubnetOf } from '../../model/eni.ts';
import { type Cidr, cidr, contains, hostPrefixLength, type IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';
import { type RouteTable, routeOf, type VpcSubnet } from '../../model/routed-ips/route-table.ts';

/**
 * What a route to the address has as its destination. Outside the VPC: the address alone. Inside: the whole network of the subnet that
 * contains it, the only kind of route that EC2 takes there (facts §11): never that of a subnet in which this node itself has an ENI, nor
 * one in which anybody has. A route that leads to an ENI already was made when nobody had, or by whoever owns the subnet: it goes on.
 */
export function destinationFor(
  address: IpAddress,
  eni: Eni,
  {
    tables,
    subnets,
    enis,
  }: { readonly tables: readonly RouteTable[]; readonly subnets: readonly VpcSubnet[]; readonly enis: readonly Eni[] },
): { readonly destination: Cidr } | { readonly refusal: Refusal } {
  const own = enis.find((each) => each.vpcId === eni.vpcId && isInSubnetOf(each, address));
  if (own !== undefined)
    return notRoutable(
      address,
      `lies in ${own.subnetId}, the subnet of ${own.id}, where its own ENIs would be cut off by a route; declare it in eni-agent.io/floating-ips instead`,
    );
  const inVpc = tables.some(
    ({ vpcId, vpcCidrs }) => vpcId === eni.vpcId && vpcCidrs.some((each) => contains(each, address)),
  );
  if (!inVpc) return { destination: cidr(`${address}/${hostPrefixLength(address)}`) };
  for (const { id, vpcId, cidrs, inUse } of subnets) {
    const network = vpcId === eni.vpcId ? cidrs.find((each) => contains(each, address)) : undefined;
    if (network === undefined) continue;
    if (!inUse || tables.some((table) => routeOf(table, network)?.eni !== undefined)) return { destination: network };
    return notRoutable(
      address,
      `lies in ${id}, which others use: a route to its whole network would take their traffic; use an address outside the VPC, or of a subnet that nothing else uses`,
    );
  }
  return notRoutable(
    address,
    `lies inside ${eni.vpcId} but in none of its subnets; use an address outside the VPC, or make a subnet for it that nothing else uses`,
  );
}

function notRoutable(address: IpAddress, why: string): { readonly refusal: Refusal } {
  return { refusal: { reason: 'NotRoutable', message: `${address} ${why}`, address } };
}
