import type { EniId } from '../model/eni.ts';
import type { Cidr } from '../model/ip.ts';
import type { RouteTable, RouteTableId, VpcSubnet } from '../model/routed-ips/route-table.ts';
import type { Accepted, CallOptions } from './api.ts';

/**
 * Route tables as the loop for routed addresses needs them. Single attempts; throws only `Ec2Error`, like `AddressApi`. Nothing that
 * EC2 offers here is conditional (facts §11), except that `create` fails with code `RouteAlreadyExists` where there is a route.
 */
export interface RouteApi {
  /** All tables of these VPCs and, wherever they are, those with these ids; an id that does not exist is simply not among them. */
  describe(query: RouteTableQuery, options: CallOptions): Promise<RouteTable[]>;
  subnets(vpcIds: readonly string[], options: CallOptions): Promise<VpcSubnet[]>;
  /** Adds a route where the table has none to that destination. */
  create(route: RouteToEni, options: CallOptions): Promise<Accepted>;
  /** Points an existing route here, whoever has it. Code `InvalidParameterValue`, kind `not-assigned`: there is none. */
  replace(route: RouteToEni, options: CallOptions): Promise<Accepted>;
  /** Removes the route wherever it leads; one that is gone already counts as removed. */
  delete(route: Omit<RouteToEni, 'eni'>, options: CallOptions): Promise<Accepted>;
  /** Turns the ENI's source/destination check off: on, it drops packets to addresses that are not the ENI's own (facts §11). */
  disableSourceDestCheck(eni: EniId, options: CallOptions): Promise<Accepted>;
}

export interface RouteTableQuery {
  readonly vpcIds: readonly string[];
  readonly ids?: readonly RouteTableId[];
}

export interface RouteToEni {
  readonly table: RouteTableId;
  readonly destination: Cidr;
  readonly eni: EniId;
}
