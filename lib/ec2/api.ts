import type { AddressHolder, InstanceOwner } from '../model/addresses/holder.ts';
import type { Eni, EniId } from '../model/eni.ts';
import type { Cidr, IpAddress } from '../model/ip.ts';

/**
 * EC2 as the node's address loop needs it. Every method makes single attempts and throws only `Ec2Error`; an aborted call throws
 * one too, of kind `unknown-outcome` when EC2 may have acted on it.
 */
export interface AddressApi {
  /**
   * The instance's attached ENIs with their subnets' networks and the type's limits, ordered by network card and device index.
   * Leaves out ENIs that come or go and those that an AWS service manages. Limits that cannot be learnt are undefined.
   */
  describeEnis(instanceId: string, options: CallOptions): Promise<Eni[]>;
  /** Where EC2 has each address now; an address that no ENI lists (or only inside a delegated prefix) is not in the map. */
  findHolders(addresses: readonly IpAddress[], options: LookUpOptions): Promise<Map<IpAddress, AddressHolder>>;
  /**
   * Whose the instances are that have these ids, or an ENI with one of these addresses. An instance that is not in the map was not
   * found. Without permission to ask, every named instance is `forbidden`; where the question itself is unknown, nothing is reported.
   */
  instanceOwners(query: InstanceQuery, options: CallOptions): Promise<Map<string, InstanceOwner>>;
  /** The networks of all subnets of the VPCs of the ENIs last described; empty before the first describe. */
  vpcNetworks(options: CallOptions): Promise<readonly Cidr[]>;
  /**
   * Adds addresses of one family to an ENI; all or none. `takeover` lets EC2 move an IPv4 secondary away from another ENI;
   * IPv6 has no such call, so for IPv6 it has no effect: the caller unassigns on the old ENI first.
   */
  assign(eni: EniId, addresses: readonly IpAddress[], options: AssignOptions): Promise<Assigned>;
  /** Removes addresses of one family from exactly this ENI; an address that is not on it fails the call with `not-assigned`. */
  unassign(eni: EniId, addresses: readonly IpAddress[], options: CallOptions): Promise<Accepted>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
}

export type InstanceQuery = { readonly ids: readonly string[] } | { readonly addresses: readonly IpAddress[] };

export interface AssignOptions extends CallOptions {
  readonly takeover: boolean;
}

export interface LookUpOptions extends CallOptions {
  /**
   * VPCs to look in, because private addresses repeat from VPC to VPC.
   * @default those of the ENIs last described
   */
  readonly vpcIds?: readonly string[];
}

/** EC2 took the call; IMDS and the data plane follow a little later. */
export interface Accepted {
  readonly requestId: string | undefined;
}

/** What EC2 says it has done. */
export interface Assigned extends Accepted {
  /**
   * The addresses that this very call put on the ENI; those that were there before are not among them (facts §1.1). Undefined when the
   * answer does not say.
   */
  readonly assigned: readonly IpAddress[] | undefined;
}

/** What IMDS says of a subnet: lets DescribeSubnets start at once, and stands in for it where an endpoint has no such call. */
export interface SubnetHint {
  readonly subnetId: string;
  readonly cidrs: Eni['cidrs'];
}

/** Something odd that the adapter could work around. */
export type OnWarning = (message: string, detail: Readonly<Record<string, unknown>>) => void;
