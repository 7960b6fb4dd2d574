import type { IpAddress } from './ip.ts';

/**
 * Why an address is not (yet) where its claim wants it. One code, the same in Event, condition, metric and log.
 * docs/troubleshooting.md has a paragraph for each: a test compares the two lists.
 */
export const REASONS = {
  AmbiguousInterface: 'more than one ENI of the node could carry the address and nothing says which',
  NoMatchingInterface: 'no ENI of the node has a subnet with this address',
  OutsideSubnet: "the address is outside its ENI's subnet",
  ReservedAddress: 'AWS keeps this address of the subnet for itself',
  PrimaryAddress: 'the address is the primary of an ENI, which never moves',
  AddressLimitExceeded: 'the ENI is full for this instance type',
  ProtectedInterface:
    'the ENI belongs to the VPC CNI, an AWS service or another cluster: nothing is taken from it or put on it',
  UnsupportedInterface: 'no ENI has the MAC address of the interface, so the VPC drops what it sends',
  HeldElsewhere: 'another holder has taken the address over, or holds it and this claim may not take it',
  DuplicateAddress: 'two pods of this node claim the address on different ENIs, or two FloatingIPs list it',
  Flapping: 'the address comes and goes on its interface; it is served once it stays',
  NotAllowed: 'the tenant policy of the cluster does not grant this to the namespace',
  InvalidAnnotation: 'an annotation could not be understood',
  InvalidCacheFile: 'a CNI cache file could not be understood',
  InvalidAddress: 'not an address that EC2 can assign',
  Throttled: 'EC2 is throttling requests; the call is repeated',
  Unauthorized: "the agent's IAM role may not do this",
  RejectedByEc2: 'EC2 refused the address',
  Ec2Unavailable: 'EC2 does not answer, or no AWS credentials can be loaded; the call is repeated',
  InterfaceGone: 'the ENI has left the node',
  EipQuotaReached: "the account's quota of Elastic IPs is used up",
  EipPoolEmpty: 'no free Elastic IP is in the pool or has the tag',
  EipNotFound: 'the Elastic IP does not exist in this account and region',
  EipInUse: 'the Elastic IP belongs to another owner',
  TargetHasOtherEip: 'the private address already has an Elastic IP that is not ours to remove',
  NoInternetGateway: 'the VPC has no internet gateway, so no Elastic IP can work',
  EipTargetMissing: 'the pod has no such address or interface',
  NotRoutable:
    'no route can lead to the address: it lies in the subnet of its ENI, or in the VPC but in no subnet of its own',
  RouteTableNotFound: 'the route table does not exist (any more), or none matches the selector',
  RouteTableOfOtherVpc: 'the route table belongs to another VPC than the ENI',
  RouteLimitExceeded: 'the route table is full',
  RouteBlackhole: "the route leads to this node's ENI, but EC2 says that nobody is there",
  SourceDestCheckOn: "the ENI's source/destination check drops packets for routed addresses",
  RoutedAddress: 'an address that route tables lead here is on no ENI, so no Elastic IP can belong to it',
  InvalidSpec: 'the spec of an object could not be understood',
  ClusterNameMissing: 'without --cluster-name the owners of Elastic IPs cannot be told apart',
} as const satisfies Record<string, string>;

export type Reason = keyof typeof REASONS;

/** What usually passes by itself within seconds: people are warned only when it lasts. */
export const PASSING: ReadonlySet<Reason> = new Set<Reason>(['Throttled', 'Ec2Unavailable']);

/** A decision not to act, reported to the pod's owner. `message` names the offender and the fix. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
  readonly address?: IpAddress;
}
