import type { GroupFacts, SubnetFacts } from '../model/node-enis/networks.ts';
import type { CallOptions } from './api.ts';

/** The subnets and security groups of VPCs. Reads only; throws only `Ec2Error`. */
export interface NetworkApi {
  /** All subnets of these VPCs, with their free addresses now. */
  subnets(vpcIds: readonly string[], options: CallOptions): Promise<SubnetFacts[]>;
  securityGroups(vpcIds: readonly string[], options: CallOptions): Promise<GroupFacts[]>;
}
