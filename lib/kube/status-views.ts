import type { AgentPodFact, EventFact, NodeFact } from '../model/status/cluster-facts.ts';
import { instanceIdOf } from './node.ts';
import type { RawObject } from './object-store.ts';

/** Labels of our own pods, and what runs in them (daemonset/base, daemonset/controller). */
const ROLES = { 'eni-agent': 'node', 'eni-agent-controller': 'controller' } as const;

/** Selects every pod of ours. */
export const OUR_PODS = `app.kubernetes.io/name in (${Object.keys(ROLES).join(',')})`;

/** Where an agent listens unless its container names another port. */
const DEFAULT_PORT = 9808;

interface RawNode extends RawObject {
  readonly metadata: RawObject['metadata'] & { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly providerID?: string; readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
}

export function toNodeFact({ metadata, spec, status }: RawNode): NodeFact {
  const labels = metadata.labels ?? {};
  return {
    name: metadata.name,
    ready: (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    unschedulable: spec?.unschedulable === true,
    instanceId: instanceIdOf(spec?.providerID ?? ''),
    instanceType: labels['node.kubernetes.io/instance-type'],
    zone: labels['topology.kubernetes.io/zone'],
  };
}

interface RawAgentPod extends RawObject {
  readonly metadata: RawObject['metadata'] & { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly nodeName?: string; readonly containers?: readonly RawContainer[] };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
    readonly containerStatuses?: readonly RawContainerStatus[];
  };
}

interface RawContainer {
  readonly image?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort?: number }[];
}

interface RawContainerStatus {
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
}

export function toAgentPodFact({ metadata, spec, status }: RawAgentPod): AgentPodFact {
  const [container] = spec?.containers ?? [];
  const [running] = status?.containerStatuses ?? [];
  const waiting = running?.state?.waiting;
  const label = metadata.labels?.['app.kubernetes.io/name'] ?? '';
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    role: label === 'eni-agent-controller' ? ROLES[label] : 'node',
    node: spec?.nodeName ?? '',
    ready: (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    image: container?.image ?? '',
    restarts: running?.restartCount ?? 0,
    port: container?.ports?.find(({ name }) => name === 'metrics')?.containerPort ?? DEFAULT_PORT,
    trouble: waiting?.reason ?? (status?.phase === 'Pending' ? 'its pod is pending' : undefined),
  };
}

interface RawEvent extends RawObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly source?: { readonly host?: string };
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

export function toEventFact(raw: RawEvent): EventFact {
  const { kind = '', namespace, name = '' } = raw.involvedObject ?? {};
  return {
    at: raw.lastTimestamp ?? raw.eventTime ?? raw.firstTimestamp ?? '',
    type: raw.type ?? '',
    reason: raw.reason ?? '',
    message: raw.message ?? '',
    count: raw.count ?? 1,
    subject: `${kind} ${namespace ? `${namespace}/` : ''}${name}`,
    node: raw.source?.host,
  };
}
