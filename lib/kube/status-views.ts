import type { CoreV1Event, V1Node, V1Pod } from '@kubernetes/client-node';
import type { AgentPodFact, EventFact, NodeFact } from '../model/status/cluster-facts.ts';
import { instanceIdOf } from './node.ts';
import type { Wire } from './wire.ts';

/** Labels of our own pods, and what runs in them (daemonset/base, daemonset/controller). */
const ROLES = { 'eni-agent': 'node', 'eni-agent-controller': 'controller' } as const;

/** Selects every pod of ours. */
export const OUR_PODS = `app.kubernetes.io/name in (${Object.keys(ROLES).join(',')})`;

/** Where an agent listens unless its container names another port. */
const DEFAULT_PORT = 9808;

export function toNodeFact({ metadata, spec, status }: Wire<V1Node>): NodeFact {
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

export function toAgentPodFact({ metadata, spec, status }: Wire<V1Pod>): AgentPodFact {
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
    ...(spec?.serviceAccountName && { serviceAccount: spec.serviceAccountName }),
    trouble: waiting?.reason ?? (status?.phase === 'Pending' ? 'its pod is pending' : undefined),
  };
}

export function toEventFact(raw: Wire<CoreV1Event>): EventFact {
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
