import type { EniId, Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { DeletionPolicy } from '../retention.ts';

/** Finalizer of k8s-aws-operator, kept so that its objects move over to us with it in place. */
export const ENI_FINALIZER = 'aws.k8s.logmein.com';

/** An `ENI` resource (`enis.aws.k8s.logmein.com/v1alpha1`): a network interface with a life of its own. */
export interface EniObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `metadata.deletionTimestamp` is set: the object waits for our finalizer. */
  readonly terminating: boolean;
  readonly finalizers: readonly string[];
  /** Undefined: it depends on why the object goes. */
  readonly deletionPolicy: DeletionPolicy | undefined;
  readonly spec: EniSpec;
  readonly status: EniObjectStatus;
}

export interface EniSpec {
  readonly subnetId: string;
  /** Empty: the VPC's default group, left to EC2 and not looked after. */
  readonly securityGroups: readonly string[];
  readonly secondaryAddresses: number;
  /** Undefined: ours at creation, not looked after. */
  readonly description: string | undefined;
  /** Pod of the object's namespace whose instance the interface belongs on; undefined: on none. */
  readonly podName: string | undefined;
}

/** What the object says about its interface. The columns of the old tool plus, under `attachment`, where exactly it is. */
export interface EniObjectStatus {
  readonly networkInterfaceId: EniId | undefined;
  readonly macAddress: Mac | undefined;
  /** The primary first; then the secondaries that belong to the object, in an order that never changes: EIPs name them by index. */
  readonly privateIPAddresses: readonly IpAddress[];
  readonly attachment: EniObjectAttachment | undefined;
  readonly ready: EniCondition | undefined;
}

export interface EniObjectAttachment {
  readonly podName: string;
  readonly instanceId: string | undefined;
  readonly deviceIndex: number | undefined;
  readonly networkCard: number | undefined;
}

/** The condition `Ready`. */
export interface EniCondition {
  readonly status: 'True' | 'False';
  readonly reason: EniReason;
  readonly message: string;
  /** When `status` last changed, as the API writes times. Absent in what a plan says: whoever writes it knows. */
  readonly since?: string;
}

/** Why an ENI object is not ready, the same in condition, Event and log. docs/controller-enis.md has a line for each. */
export const ENI_REASONS = {
  Ready: 'the interface is as the object wants it',
  Creating: 'the interface is being made',
  Settling: 'EC2 has taken a change and carries it out',
  PodMissing: 'the pod does not exist; the interface stays where it is until the pod appears',
  PodUnscheduled: 'the pod has no node yet',
  NodeUnknown: "the pod's node names no EC2 instance",
  InstanceNotRunning: 'the instance is neither running nor stopped, so nothing can be attached to it',
  ZoneMismatch: "the pod's node is in another availability zone than the subnet",
  InstanceFull: 'the instance type takes no further interface',
  TooManyAddresses: 'the instance type takes fewer addresses on one interface',
  AddressesInUse: 'addresses that the spec does not want any more are in use',
  SubnetChanged: 'an interface cannot change its subnet; delete the object and create it again',
  NotOurs: 'the interface that the status names belongs to somebody else',
  NotAllowed: 'the tenant policy does not grant the subnet or a security group to the namespace',
  InvalidSpec: 'the object cannot be understood',
  Unauthorized: "the controller's role, in AWS or in the cluster, may not do this",
  LimitReached: 'a quota of the account or the room of the subnet is used up',
  RejectedByEc2: 'EC2 refused the change',
  Ec2Unavailable: 'EC2 does not answer; the call is repeated',
  Deleting: 'the interface is being detached and deleted',
} as const satisfies Record<string, string>;

export type EniReason = keyof typeof ENI_REASONS;

/** Tags that mark an interface as one object's. All of them travel in the creating call. */
export const ENI_TAG = {
  cluster: 'eni-agent.io/cluster',
  uid: 'eni-agent.io/eni-uid',
  namespace: 'eni-agent.io/eni-namespace',
  name: 'eni-agent.io/eni-name',
} as const;

/** The AWS VPC CNI leaves an interface with this tag alone; else it may hand its addresses to pods. */
const NO_MANAGE_TAG = { 'node.k8s.amazonaws.com/no_manage': 'true' } as const;

export function eniTags(
  object: Pick<EniObject, 'namespace' | 'name' | 'uid'>,
  clusterName: string,
): Record<string, string> {
  return {
    [ENI_TAG.cluster]: clusterName,
    [ENI_TAG.uid]: object.uid,
    [ENI_TAG.namespace]: object.namespace,
    [ENI_TAG.name]: object.name,
    ...NO_MANAGE_TAG,
  };
}

/**
 * The idempotency token of the creating call, at most 64 characters: the same object gets the same interface however often a reply
 * is lost. An interface that is known to be gone changes the token, because EC2 remembers tokens longer than interfaces.
 */
export function eniClientToken({ uid, status }: Pick<EniObject, 'uid' | 'status'>): string {
  return [uid, status.networkInterfaceId ?? ''].filter(Boolean).join('.').slice(0, 64);
}

export function eniKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
