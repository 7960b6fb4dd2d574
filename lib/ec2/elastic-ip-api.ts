import type { AllocationId, ElasticIp, PublicIpPool } from '../model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../model/eni.ts';
import type { IpAddress } from '../model/ip.ts';
import type { Accepted, CallOptions } from './api.ts';

/** Elastic IPs as our loops need them. Single attempts; throws only `Ec2Error`, like `AddressApi`. */
export interface ElasticIpApi {
  /** All that match; an id or address that does not exist (any more) is simply not among them. */
  describe(query: ElasticIpQuery, options: CallOptions): Promise<ElasticIp[]>;
  /**
   * Takes a new EIP, tagged in the same call. EC2 has no idempotency token for it: after `unknown-outcome` look the tags up before
   * trying again. `address` recovers a released address or picks one of an own pool.
   */
  allocate(request: AllocateRequest, options: CallOptions): Promise<ElasticIp>;
  /**
   * Pairs an EIP with a private address of an ENI. `allowReassociation: false` is a compare-and-set: fails with `conflict` when the
   * EIP is in use. It does not protect the target: another EIP on that private address is pushed off, so look first.
   */
  associate(request: AssociateRequest, options: CallOptions): Promise<Associated>;
  /** Ends one pairing; a pairing that is gone already counts as ended. */
  disassociate(associationId: string, options: CallOptions): Promise<Accepted>;
  /** Gives an EIP back for good; one that is gone already counts as given back. Fails with `conflict` while it is associated. */
  release(allocationId: AllocationId, options: CallOptions): Promise<Accepted>;
  /** Adds or overwrites tags. Nothing is sent for an empty set. */
  tag(
    allocationIds: readonly AllocationId[],
    tags: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<void>;
  /** Removes tags by key, whatever their value. Nothing is sent for no keys, because EC2 would remove every tag. */
  untag(allocationIds: readonly AllocationId[], keys: readonly string[], options: CallOptions): Promise<void>;
  /** Own (BYOIP) pools; Amazon's is not among them. */
  pools(options: CallOptions): Promise<PublicIpPool[]>;
}

/** Conditions of one query hold together; values of one condition are alternatives. An empty list of values finds nothing. */
export interface ElasticIpQuery {
  readonly allocationIds?: readonly AllocationId[];
  readonly publicIps?: readonly IpAddress[];
  readonly eniIds?: readonly EniId[];
  readonly privateIps?: readonly IpAddress[];
  /** EIPs that have this tag key, whatever its value. */
  readonly tagKeys?: readonly string[];
  /** EIPs with exactly these tags. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface AllocateRequest {
  /** @default Amazon's */
  readonly pool?: string;
  readonly address?: IpAddress;
  readonly tags: Readonly<Record<string, string>>;
}

export interface AssociateRequest {
  readonly allocationId: AllocationId;
  readonly eni: EniId;
  readonly privateIp: IpAddress;
  /** Never left to EC2, whose default the documentation and the field give differently. */
  readonly allowReassociation: boolean;
}

export interface Associated extends Accepted {
  readonly associationId: string;
}
