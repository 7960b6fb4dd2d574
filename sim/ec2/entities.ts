import type { Cidr, IpAddress } from '../../lib/model/ip.ts';

/** What the simulated region holds. Every record is immutable: a change puts a new record into its timeline. */
export type Tags = ReadonlyMap<string, string>;

export interface Vpc {
  readonly id: string;
  readonly cidr: Cidr;
  readonly ipv6Cidr: Cidr | undefined;
  readonly internetGateway: boolean;
  readonly tags: Tags;
}

export interface Subnet {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly zoneId: string;
  readonly cidr: Cidr;
  readonly ipv6Cidr: Cidr | undefined;
  readonly tags: Tags;
}

/** A part of a subnet that is kept from automatic assignment (`explicit`), or kept for prefixes (facts §1.1). */
export interface SubnetReservation {
  readonly id: string;
  readonly subnetId: string;
  readonly cidr: Cidr;
  readonly type: 'explicit' | 'prefix';
}

export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly vpcId: string;
  readonly tags: Tags;
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface Instance {
  readonly id: string;
  readonly type: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly state: InstanceState;
  /** Epoch milliseconds. */
  readonly launchedAt: number;
  /** What `spot/instance-action` tells; absent unless the instance is being interrupted. */
  readonly spotAction: { readonly action: string; readonly time: string } | undefined;
  readonly tags: Tags;
}

export interface PrivateAddress {
  readonly ip: IpAddress;
  readonly primary: boolean;
  /** The EIP mapped to it. Travels with the address when it moves to another ENI. */
  readonly allocationId?: string;
  /** A public address lent by Amazon at launch; given up when an EIP takes its place. */
  readonly lentPublicIp?: IpAddress;
}

export interface Ipv6Address {
  readonly ip: IpAddress;
  readonly primary: boolean;
}

export interface Attachment {
  readonly id: string;
  readonly instanceId: string;
  readonly deviceIndex: number;
  readonly networkCardIndex: number;
  readonly attachedAt: number;
  readonly deleteOnTermination: boolean;
  /** `attaching` until `settlesAt`, then attached; `detaching` until `settlesAt`, then gone. */
  readonly phase: 'attaching' | 'attached' | 'detaching';
  /** Epoch milliseconds. */
  readonly settlesAt: number;
}

export interface NetworkInterface {
  readonly id: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly mac: string;
  readonly description: string;
  readonly groups: readonly string[];
  readonly sourceDestCheck: boolean;
  readonly interfaceType: string;
  /** Owned by an AWS service (NAT gateway, load balancer …): its user may not change it. */
  readonly requesterManaged: boolean;
  /** The primary first. */
  readonly addresses: readonly PrivateAddress[];
  readonly ipv6Addresses: readonly Ipv6Address[];
  readonly ipv4Prefixes: readonly Cidr[];
  readonly ipv6Prefixes: readonly Cidr[];
  readonly attachment: Attachment | undefined;
  readonly tags: Tags;
}

export interface ElasticIp {
  readonly allocationId: string;
  readonly publicIp: IpAddress;
  readonly pool: string;
  readonly borderGroup: string;
  readonly serviceManaged: string | undefined;
  readonly association: ElasticIpAssociation | undefined;
  readonly tags: Tags;
}

export interface ElasticIpAssociation {
  readonly id: string;
  readonly networkInterfaceId: string;
  readonly privateIp: IpAddress;
}

export interface RouteTable {
  readonly id: string;
  readonly vpcId: string;
  /** In the order of their making; the VPC's own `local` routes are not among them. */
  readonly routes: readonly Route[];
  readonly associations: readonly RouteTableAssociation[];
  readonly tags: Tags;
}

export interface Route {
  readonly destination: Cidr;
  readonly target:
    | { readonly kind: 'interface'; readonly networkInterfaceId: string }
    | { readonly kind: 'gateway'; readonly gatewayId: string };
}

export interface RouteTableAssociation {
  readonly id: string;
  /** Undefined: the VPC's main table. */
  readonly subnetId: string | undefined;
}

/** A bring-your-own range of public addresses. */
export interface PublicPool {
  readonly id: string;
  readonly description: string;
  readonly cidr: Cidr;
  readonly borderGroup: string;
  readonly tags: Tags;
}
