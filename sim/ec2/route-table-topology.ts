import { cidr } from '../../lib/model/ip.ts';
import { notFound } from './ec2-fault.ts';
import type { RouteTable } from './entities.ts';
import type { CloudState } from './state.ts';

export interface RouteTableInput {
  readonly id?: string;
  readonly vpcId: string;
  /** Subnets that use it; each subnet uses one table. */
  readonly subnetIds?: readonly string[];
  /** The VPC's main table: for subnets without one of their own. @default false */
  readonly main?: boolean;
  /** Destination → ENI id, or the id of a gateway. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A route table that is in place before the first call. @throws {Ec2Fault} for an unknown VPC or subnet */
export function addRouteTable(state: CloudState, input: RouteTableInput): RouteTable {
  if (state.vpcs.get(input.vpcId) === undefined) throw notFound('vpc', input.vpcId);
  const subnets = (input.subnetIds ?? []).map((id) => state.requireSubnet(id).id);
  const users = [...subnets, ...(input.main === true ? [undefined] : [])];
  const table: RouteTable = {
    id: input.id ?? state.ids.next('rtb'),
    vpcId: input.vpcId,
    routes: Object.entries(input.routes ?? {}).map(([destination, target]) => ({
      destination: cidr(destination),
      target: target.startsWith('eni-')
        ? { kind: 'interface', networkInterfaceId: target }
        : { kind: 'gateway', gatewayId: target },
    })),
    associations: users.map((subnetId) => ({ id: state.ids.next('rtbassoc'), subnetId })),
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.routeTables.put(table.id, table);
  return table;
}

/** Somebody deletes the table. @throws {Ec2Fault} InvalidRouteTableID.NotFound */
export function deleteRouteTable(state: CloudState, id: string): void {
  if (state.routeTables.get(id) === undefined) throw notFound('route-table', id);
  state.routeTables.delete(id);
}
