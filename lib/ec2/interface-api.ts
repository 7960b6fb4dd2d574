import type { EniId } from '../model/eni.ts';
import type { IpAddress } from '../model/ip.ts';
import type { InstanceRoom, NetworkInterface } from '../model/network-interface.ts';
import type { Accepted, CallOptions } from './api.ts';

/** Network interfaces as the controller needs them. Single attempts; throws only `Ec2Error`, like `AddressApi`. */
export interface InterfaceApi {
  /** All that match, wherever they are attached; an id that does not exist (any more) is simply not among them. */
  describe(query: InterfaceQuery, options: CallOptions): Promise<NetworkInterface[]>;
  /** The instance, its type's limits and the places that are taken on it; undefined when EC2 does not know it (any more). */
  room(instanceId: string, options: CallOptions): Promise<InstanceRoom | undefined>;
  /** {@link room} for many instances in few calls; those that EC2 does not know are missing. */
  rooms(instanceIds: readonly string[], options: CallOptions): Promise<ReadonlyMap<string, InstanceRoom>>;
  /** Makes a detached interface. The same token gives the same interface for at least a day: safe to repeat after a lost reply. */
  create(request: CreateInterfaceRequest, options: CallOptions): Promise<NetworkInterface>;
  /** Starts an attachment; it is `attaching` for some seconds. Fails with `conflict` when the interface or the place is taken. */
  attach(request: AttachRequest, options: CallOptions): Promise<{ readonly attachmentId: string } & Accepted>;
  /** Starts to detach; it is `detaching` for some seconds. An attachment that is gone already counts as detached. */
  detach(attachmentId: string, options: CallOptions): Promise<Accepted>;
  /** Deletes a detached interface; one that is gone already counts as deleted. Fails with `conflict` while it is attached. */
  delete(eni: EniId, options: CallOptions): Promise<Accepted>;
  /** Changes one attribute: EC2 takes one per call. */
  modify(eni: EniId, change: InterfaceChange, options: CallOptions): Promise<Accepted>;
  /** Adds this many secondary IPv4 addresses of EC2's choice. Not idempotent: after `unknown-outcome` describe first. */
  assignCount(eni: EniId, count: number, options: CallOptions): Promise<readonly IpAddress[]>;
  /** Removes these secondary IPv4 addresses; all or none. */
  unassign(eni: EniId, addresses: readonly IpAddress[], options: CallOptions): Promise<Accepted>;
  /** Adds or overwrites tags. */
  tag(eni: EniId, tags: Readonly<Record<string, string>>, options: CallOptions): Promise<void>;
}

/** Conditions hold together; an empty list of values finds nothing. */
export interface InterfaceQuery {
  readonly ids?: readonly EniId[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Interfaces that have any of these tag keys, whatever the value. */
  readonly tagKeys?: readonly string[];
}

export interface CreateInterfaceRequest {
  readonly subnetId: string;
  readonly description: string;
  /** Empty: the VPC's default group. */
  readonly securityGroups: readonly string[];
  readonly secondaryAddresses: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly clientToken: string;
}

export interface AttachRequest {
  readonly eni: EniId;
  readonly instanceId: string;
  readonly deviceIndex: number;
  readonly networkCard: number;
}

export type InterfaceChange =
  | { readonly kind: 'description'; readonly description: string }
  | { readonly kind: 'security-groups'; readonly securityGroups: readonly string[] }
  | { readonly kind: 'source-dest-check'; readonly enabled: boolean }
  | { readonly kind: 'delete-on-termination'; readonly attachmentId: string; readonly enabled: boolean };
