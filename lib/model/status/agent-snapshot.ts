import type { EniId } from '../eni.ts';
import type { Protection } from '../eni-protection.ts';
import { isObject } from '../json.ts';

/** Names the shape of what `/v1/snapshot` answers. A reader takes only the shape that it knows. */
export const SNAPSHOT_SCHEMA = 'eni-agent.io/snapshot/v1';

/** How many addresses of one family an ENI carries, its primary included, and how many it can carry; null: unknown. */
export interface SlotUse {
  readonly used: number;
  readonly limit: number | null;
}

/** What the process's rate limit leaves: calls to EC2 that may leave at once (64 while EC2 does not throttle), and calls that wait. */
export interface RateLimitView {
  readonly tokens: number;
  readonly waiting: number;
}

/** One address on an ENI as EC2 shows it. */
export interface SnapshotAddress {
  readonly address: string;
  readonly primary: boolean;
  readonly publicIp?: string;
}

export interface SnapshotEni {
  readonly id: EniId;
  readonly deviceIndex: number | null;
  readonly networkCard: number;
  readonly subnetId: string;
  readonly mac: string;
  readonly cidrs: readonly string[];
  /** Whose traffic it carries, when it is not for Multus pods. */
  readonly protection?: Protection;
  readonly ipv4: SlotUse;
  readonly ipv6: SlotUse;
  readonly prefixes: readonly string[];
  readonly addresses: readonly SnapshotAddress[];
}

/** One use of one address by one interface of one pod. */
export interface SnapshotClaim {
  readonly address: string;
  readonly kind: 'ipam' | 'floating' | 'live';
  /** `namespace/name`. */
  readonly pod: string;
  readonly interface: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly eni?: EniId;
  /** Of a routed address: where each of its route tables stands. */
  readonly routes?: readonly SnapshotRoute[];
  readonly reason?: string;
  readonly message?: string;
}

/** One route table of a routed address. */
export interface SnapshotRoute {
  readonly table: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly reason?: string;
}

/** One Elastic IP that a pod asks for. */
export interface SnapshotElasticIp {
  readonly pod: string;
  /** In the words of the annotation: `primary`, an interface, or an address. */
  readonly target: string;
  readonly state: 'bound' | 'pending' | 'refused';
  readonly publicIp?: string;
  readonly allocationId?: string;
  readonly privateIp?: string;
  readonly eni?: EniId;
  readonly reason?: string;
  readonly message?: string;
}

/** What one node agent knows. It holds no credentials, no tokens and no text of any Secret. Times are ms since the epoch. */
export interface NodeSnapshotView {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly kind: 'node';
  readonly version: string;
  readonly node: string;
  readonly instanceId: string;
  readonly instanceType: string | null;
  readonly region: string;
  readonly at: number;
  readonly startedAt: number;
  readonly observe: string;
  readonly takeover: string;
  readonly release: string;
  readonly dryRun: boolean;
  /** When EC2 was last asked for the ENIs; null before the first answer. */
  readonly describedAt: number | null;
  /** False while some source of claims is still loading. */
  readonly complete: boolean;
  readonly notReady: readonly string[];
  readonly notes: readonly string[];
  /** Absent until the agent knows its instance. */
  readonly ec2?: RateLimitView;
  readonly enis: readonly SnapshotEni[];
  readonly claims: readonly SnapshotClaim[];
  /** Input that could not be understood, by the pod or file that it came from. */
  readonly inputFaults: readonly { readonly subject: string; readonly reason: string; readonly message: string }[];
  readonly elasticIps: readonly SnapshotElasticIp[];
}

/** What one replica of the controller knows. */
export interface ControllerSnapshotView {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly kind: 'controller';
  readonly version: string;
  readonly at: number;
  readonly startedAt: number;
  readonly leader: boolean;
  readonly notReady: readonly string[];
  readonly ec2?: RateLimitView;
  /** Use of the account's quota, as the leader last read it; `allowed` is null while Service Quotas does not answer. */
  readonly elasticIpQuota?: { readonly used: number; readonly allowed: number | null; readonly at: number };
}

export type AgentSnapshotView = NodeSnapshotView | ControllerSnapshotView;

/** An answer of `/v1/snapshot`; undefined when it is of another shape (an agent of another version, or no agent at all). */
export function readSnapshot(value: unknown): AgentSnapshotView | undefined {
  if (!isObject(value) || value['schema'] !== SNAPSHOT_SCHEMA) return undefined;
  const lists =
    value['kind'] === 'node' ? ['enis', 'claims', 'inputFaults', 'elasticIps', 'notReady', 'notes'] : ['notReady'];
  const isWhole = lists.every((field) => Array.isArray(value[field]));
  if (!isWhole || (value['kind'] !== 'node' && value['kind'] !== 'controller')) return undefined;
  return value as unknown as AgentSnapshotView;
}
