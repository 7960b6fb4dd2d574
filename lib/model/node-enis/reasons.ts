/**
 * Why an interface of a node, or a whole NodeENI, is not ready: the same in condition, status, Event, metric and log.
 * docs/node-enis.md has a line for each.
 */
export const NODE_ENI_REASONS = {
  Ready: 'all interfaces are attached and no node reports a problem',
  NoNodes: 'no node has the labels of the selector',
  Creating: 'the interface is being created',
  Attaching: 'EC2 is attaching the interface',
  Settling: 'EC2 has taken a change and carries it out',
  InvalidSpec: 'the object cannot be understood',
  NodeUnknown: 'the Node names no EC2 instance, or EC2 does not know it',
  InstanceNotRunning: 'the instance is neither running nor stopped, so nothing can be attached to it',
  NodeGone: 'the Node object is gone but its instance still runs; the interface stays until the instance ends',
  NoSubnetInZone: "no subnet of the object is in the node's zone",
  SubnetUnknown: 'EC2 does not know a subnet of the object',
  SubnetFull: "the subnets in the node's zone have no free address",
  SecurityGroupUnknown: 'EC2 does not know a security group of the object',
  InstanceFull: 'the instance type takes no further interface, or the rest is left for the VPC CNI',
  InUse: 'pods use an interface that is to be replaced or detached',
  Leaving: 'the interface is about to be detached',
  AttachedElsewhere: 'somebody attached the interface to another instance',
  LinkNotReady: 'the node agent reports that the link is not ready',
  Retained: 'the interface stays by the deletion policy',
  Unauthorized: "the controller's IAM role may not do this",
  LimitReached: 'a quota of the account is used up',
  RejectedByEc2: 'EC2 refused the change',
  Ec2Unavailable: 'EC2 does not answer; the call is repeated',
  Unsupported: 'the object asks for what eni-agent does not do',
  Deleting: 'the interfaces are being detached and deleted',
} as const satisfies Record<string, string>;

export type NodeEniReason = keyof typeof NODE_ENI_REASONS;

const PASSING: ReadonlySet<NodeEniReason> = new Set<NodeEniReason>([
  'Creating',
  'Attaching',
  'Settling',
  'Leaving',
  'Retained',
  'Deleting',
]);

/** True for a reason that passes by itself and is not a failure. */
export function isPassing(reason: NodeEniReason): boolean {
  return PASSING.has(reason);
}

export function isNodeEniReason(text: string): text is NodeEniReason {
  return Object.hasOwn(NODE_ENI_REASONS, text);
}
