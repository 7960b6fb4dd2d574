import type { EniAddress, EniId, Mac } from './eni.ts';

/** A network interface that need not be attached anywhere, as DescribeNetworkInterfaces shows it. */
export interface NetworkInterface {
  readonly id: EniId;
  readonly mac: Mac;
  readonly subnetId: string;
  /** Absent when nobody said. */
  readonly vpcId?: string;
  readonly zone: string;
  readonly description: string;
  readonly groups: readonly string[];
  /** The primary first. */
  readonly addresses: readonly EniAddress[];
  readonly attachment: InterfaceAttachment | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined when EC2 does not say. */
  readonly sourceDestCheck?: boolean | undefined;
  /** Run by an AWS service, or of a special kind: never ours to change. */
  readonly managed: boolean;
}

export interface InterfaceAttachment {
  readonly id: string;
  readonly instanceId: string;
  readonly deviceIndex: number;
  readonly networkCard: number;
  readonly state: 'attaching' | 'attached' | 'detaching';
  /** Undefined when EC2 does not say. */
  readonly deleteOnTermination?: boolean | undefined;
}

/** What an instance can take: its type's limits and the places that are taken. */
export interface InstanceRoom {
  readonly instanceId: string;
  readonly type: string;
  readonly zone: string;
  /** Absent when nobody said. */
  readonly vpcId?: string;
  /** Running or stopped: the states in which EC2 attaches. */
  readonly attachable: boolean;
  /** Undefined when EC2 does not state the type's limits: then EC2 itself says no. */
  readonly limits: InstanceLimits | undefined;
  /** The places of the interfaces that are on it now, whoever's they are. */
  readonly taken: readonly InterfacePlace[];
}

export interface InstanceLimits {
  /** Of the whole instance; every card has its own limit too. */
  readonly interfaces: number;
  readonly cards: readonly { readonly index: number; readonly interfaces: number }[];
  readonly defaultCard: number;
  readonly ipv4PerInterface: number | undefined;
}

export interface InterfacePlace {
  readonly deviceIndex: number;
  readonly networkCard: number;
}
