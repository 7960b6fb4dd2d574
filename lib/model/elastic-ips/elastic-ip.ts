import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';

export type AllocationId = string;

/** Amazon's own pool, the one that needs no name when allocating. */
export const AMAZON_POOL = 'amazon';

/** An Elastic IP of this account and region, as DescribeAddresses shows it. */
export interface ElasticIp {
  readonly allocationId: AllocationId;
  readonly publicIp: IpAddress;
  /** `amazon`, or the id of an own (BYOIP) pool. Only Amazon's count towards the quota. */
  readonly pool: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Held by a service such as a load balancer: neither ours to change nor counted. */
  readonly serviceManaged: boolean;
  /** Undefined while the address is free. */
  readonly association: ElasticIpAssociation | undefined;
}

/** One pairing of an EIP with a private address. Its id dies with the pairing, so disassociating by it never hurts a later owner. */
export interface ElasticIpAssociation {
  readonly associationId: string;
  readonly eni: EniId | undefined;
  readonly privateIp: IpAddress | undefined;
}

export interface PublicIpPool {
  readonly id: string;
  readonly total: number;
  readonly available: number;
  readonly tags: Readonly<Record<string, string>>;
}
