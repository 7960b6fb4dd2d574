import type { EniId } from '../eni.ts';
import type { Cidr } from '../ip.ts';

export type RouteTableId = string;

/** A route table of a VPC, as DescribeRouteTables shows it. */
export interface RouteTable {
  readonly id: RouteTableId;
  readonly vpcId: string;
  /** Subnets that use it by an association of their own. */
  readonly subnetIds: readonly string[];
  /** The VPC's main table: every subnet without an association of its own uses it. */
  readonly main: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Without those that the VPC itself makes. */
  readonly routes: readonly Route[];
  /** The networks of the VPC, by its `local` routes. */
  readonly vpcCidrs: readonly Cidr[];
}

export interface Route {
  readonly destination: Cidr;
  /** Undefined: the route leads somewhere else (a gateway, say). */
  readonly eni: EniId | undefined;
  /** Its ENI is detached or deleted, or the instance does not run (facts §11): nobody answers there. */
  readonly blackhole: boolean;
  /** What the route leads to, for people. */
  readonly target: string;
}

/** A subnet of the VPC. */
export interface VpcSubnet {
  readonly id: string;
  readonly vpcId: string;
  readonly cidrs: readonly Cidr[];
  readonly tags: Readonly<Record<string, string>>;
  /** EC2 counts IPv4 addresses of it that interfaces have. Unknown for a subnet of IPv6 alone. */
  readonly inUse?: true;
}

export function routeOf(table: RouteTable, destination: Cidr): Route | undefined {
  return table.routes.find((route) => route.destination === destination);
}
