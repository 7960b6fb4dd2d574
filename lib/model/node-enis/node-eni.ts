import type { EniId, Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { NodeEniReason } from './reasons.ts';

/** Whose words an object speaks: ours (`eni-agent.io`), or those of aws-multi-eni-controller (`networking.k8s.aws`). */
export type NodeEniDialectName = 'own' | 'multi-eni-controller';

/** What keeps an object of each kind until its interfaces are gone; that of the replaced controller stays in use. */
export const NODE_ENI_FINALIZER = {
  own: 'eni-agent.io/node-eni',
  'multi-eni-controller': 'nodeeni.networking.k8s.aws/finalizer',
} as const satisfies Record<NodeEniDialectName, string>;

/** A `NodeENI`: network interfaces that every selected node must have. docs/node-enis.md. */
export interface NodeEni {
  readonly dialect: NodeEniDialectName;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** `metadata.deletionTimestamp` is set: the object waits for our finalizer. */
  readonly terminating: boolean;
  readonly finalizers: readonly string[];
  readonly spec: NodeEniSpec;
  /** What of the spec makes no sense; then nothing is created, changed or detached for the object. */
  readonly faults: readonly string[];
  /** What the object asks for and eni-agent does not do; the rest is done. */
  readonly unsupported: string | undefined;
  readonly status: NodeEniStatus;
}

export interface NodeEniSpec {
  /** Labels that a node must have, all of them. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Alternatives: of all that they find, the node's zone and then the number of free addresses decide. */
  readonly subnets: readonly NetworkSelector[];
  /** All that they find; empty: the VPC's default group, left to EC2 and not looked after. */
  readonly securityGroups: readonly NetworkSelector[];
  /** Interfaces per node. */
  readonly count: number;
  /** The first device index to use; undefined: the lowest free one that the VPC CNI does not need. */
  readonly deviceIndex: number | undefined;
  /** Undefined: the type's default card while it has room, then the next. */
  readonly networkCard: number | undefined;
  /** See {@link hostNameOf}; undefined: the link keeps the names that the system gives. */
  readonly interfaceName: string | undefined;
  readonly mtu: number | undefined;
  /** Undefined: not looked after. */
  readonly sourceDestCheck: boolean | undefined;
  /** Undefined: ours at creation, not looked after. */
  readonly description: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** `Retain`: nothing is detached or deleted, whatever becomes of the object, the node's labels or the instance. */
  readonly deletionPolicy: 'Delete' | 'Retain';
}

/** How a subnet or security group is named: by id, by name (a subnet's is its tag `Name`), or by tags, all of which it must have. */
export type NetworkSelector =
  | { readonly id: string }
  | { readonly name: string }
  | { readonly tags: Readonly<Record<string, string>> };

/** Where one interface of one node stands. */
export type NodeEniState =
  | 'Pending'
  | 'Creating'
  | 'Attaching'
  | 'Attached'
  | 'Ready'
  | 'Leaving'
  | 'Detaching'
  | 'Retained'
  | 'Failed';

/** One interface of one node, as the status shows it. */
export interface NodeEniEntry {
  readonly node: string;
  readonly instanceId: string;
  /** 0 … count − 1 */
  readonly index: number;
  readonly networkInterfaceId: EniId | undefined;
  readonly macAddress: Mac | undefined;
  readonly subnetId: string | undefined;
  readonly zone: string | undefined;
  readonly address: IpAddress | undefined;
  readonly deviceIndex: number | undefined;
  readonly networkCard: number | undefined;
  readonly attachmentId: string | undefined;
  readonly interfaceName: string | undefined;
  readonly state: NodeEniState;
  /** Undefined while nothing is wrong. */
  readonly reason: NodeEniReason | undefined;
  readonly message: string;
}

export interface NodeEniStatus {
  readonly observedGeneration: number;
  /** Interfaces that the object wants, one for each node and index. */
  readonly desired: number;
  readonly attached: number;
  /** Attached ones whose node reports that its links are ready. */
  readonly ready: number;
  readonly failed: number;
  /** At most {@link MAX_ENTRIES}, those with a reason first. */
  readonly nodes: readonly NodeEniEntry[];
  readonly condition: NodeEniCondition | undefined;
}

/** The condition `Ready`. */
export interface NodeEniCondition {
  readonly status: 'True' | 'False';
  readonly reason: NodeEniReason;
  readonly message: string;
  /** When `status` last changed, RFC 3339. Absent in what a plan says: whoever writes it knows. */
  readonly since?: string;
}

/** More would bring the object near the API server's limit of 1.5 MB; the counts cover all of them. */
export const MAX_ENTRIES = 1_000;

/** The name on the host of the interface with this index: the object's own for the first, followed by the index for the others. */
export function hostNameOf(interfaceName: string | undefined, index: number): string | undefined {
  if (interfaceName === undefined || index === 0) return interfaceName;
  return `${interfaceName}${index}`;
}

/** True when a node has all labels that the object asks for. */
export function selectsNode(
  { spec }: Pick<NodeEni, 'spec'>,
  { labels }: { readonly labels: Readonly<Record<string, string>> },
): boolean {
  return Object.entries(spec.nodeSelector).every(([key, value]) => labels[key] === value);
}
