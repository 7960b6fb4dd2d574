import type { EniObject } from '../eni-objects/eni-object.ts';
import type { FloatingIp } from '../floating-ips/floating-ip.ts';
import type { NodeEni } from '../node-enis/node-eni.ts';
import type { Pod } from '../pod.ts';
import type { AgentSnapshotView } from './agent-snapshot.ts';

/** Everything about a cluster that its status rests on, as plain data read at one time. Nothing in it is decided yet. */
export interface ClusterFacts {
  /** Ms since the epoch. */
  readonly at: number;
  /** URL of the API server. */
  readonly server: string;
  readonly scope: StatusScope;
  readonly nodes: readonly NodeFact[];
  /** Those of the scope that have networks, an Elastic IP or a word of ours on them. */
  readonly pods: readonly Pod[];
  readonly agents: readonly AgentPodFact[];
  readonly floatingIps: readonly FloatingIp[];
  readonly nodeEnis: readonly NodeEni[];
  readonly eipObjects: readonly EipObjectFact[];
  readonly eniObjects: readonly EniObject[];
  readonly events: readonly EventFact[];
  /** What the agents themselves answered, by `namespace/name` of their pod. */
  readonly snapshots: ReadonlyMap<string, SnapshotAnswer>;
  /** Empty, too, where who asks may not ask about others. */
  readonly forbidden: readonly ForbiddenFact[];
  /** What could not be read, each a sentence. */
  readonly gaps: readonly string[];
}

/** Which part of the cluster was asked for; no namespaces means all of them. */
export interface StatusScope {
  readonly namespaces: readonly string[];
  readonly selector?: string;
  readonly node?: string;
}

export type SnapshotAnswer = { readonly view: AgentSnapshotView } | { readonly fault: string };

export interface NodeFact {
  readonly name: string;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  readonly instanceId: string | undefined;
  readonly instanceType: string | undefined;
  readonly zone: string | undefined;
}

/** One pod of ours: a node agent or a replica of the controller. */
export interface AgentPodFact {
  readonly namespace: string;
  readonly name: string;
  readonly role: 'node' | 'controller';
  readonly node: string;
  readonly ready: boolean;
  readonly image: string;
  readonly restarts: number;
  /** Where `/metrics` and `/v1/snapshot` answer. */
  readonly port: number;
  /** Why its container does not run, e.g. `CrashLoopBackOff`. */
  readonly trouble: string | undefined;
  /** Of its namespace; absent where the pod names none. */
  readonly serviceAccount?: string;
}

/** A service account of our pods that lacks rights without which they cannot work. */
export interface ForbiddenFact {
  /** `namespace/name`. */
  readonly account: string;
  /** As `list pods`. */
  readonly rights: readonly string[];
}

/** An `EIP` or `Eip` object, whichever operator's it is. */
export interface EipObjectFact {
  readonly kind: 'EIP' | 'Eip';
  readonly namespace: string;
  readonly name: string;
  readonly publicIp: string | undefined;
  readonly allocationId: string | undefined;
  readonly privateIp: string | undefined;
  /** What it is assigned to, as far as the object says. */
  readonly holder: string | undefined;
}

/** One Event that an agent or the controller wrote. */
export interface EventFact {
  /** RFC 3339; the last time when it was counted several times. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  /** `Pod default/web` or `FloatingIP vip`. */
  readonly subject: string;
  readonly node: string | undefined;
}
