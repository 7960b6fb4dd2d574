import type { KubeRequest } from '../../lib/kube/client.ts';

export const PODS = '/api/v1/namespaces/default/pods';
export const LEASES = '/apis/coordination.k8s.io/v1/namespaces/eni-agent-system/leases';
export const EVENTS = '/api/v1/namespaces/default/events';
export const FLOATING = '/apis/eni-agent.io/v1alpha1/floatingips';
export const ANNOTATION = 'eni-agent.io/addresses';
export const CONDITION = 'eni-agent.io/AddressesAssigned';

export const strategic = (path: string, body: unknown): KubeRequest => ({
  method: 'PATCH',
  path,
  body,
  contentType: 'application/strategic-merge-patch+json',
});
export const merge = (path: string, body: unknown): KubeRequest => ({
  method: 'PATCH',
  path,
  body,
  contentType: 'application/merge-patch+json',
});
export const annotate = (pod: string, annotations: object) =>
  strategic(`${PODS}/${pod}/status`, { metadata: { annotations } });
export const label = (pod: string, labels: object) => strategic(`${PODS}/${pod}/status`, { metadata: { labels } });
export const condition = (pod: string, type: string) =>
  strategic(`${PODS}/${pod}/status`, { status: { conditions: [{ type, status: 'True', reason: 'r', message: 'm' }] } });
export const status = (pod: string, fields: object) => strategic(`${PODS}/${pod}/status`, { status: fields });
export const NODES = '/api/v1/nodes';
export const nodeCondition = (node: string, type: string) =>
  strategic(`${NODES}/${node}/status`, {
    status: { conditions: [{ type, status: 'True', reason: 'r', message: 'm' }] },
  });
export const newLease = (name: string, holderIdentity: string): KubeRequest => ({
  method: 'POST',
  path: LEASES,
  body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: { holderIdentity } },
});
/** Writes metadata as the controller does. */
export const hands = (pod: string, metadata: object) => merge(`${PODS}/${pod}/status`, { metadata });
export const changesNode = (body: object) => merge('/api/v1/nodes/n2', body);
export const event = (host: string, component = 'eni-agent', kind = 'Pod'): KubeRequest => ({
  method: 'POST',
  path: EVENTS,
  body: {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'told-', namespace: 'default' },
    involvedObject:
      kind === 'Pod' ? { kind, namespace: 'default', name: 'one' } : { kind, name: 'n1', namespace: 'default' },
    reason: 'AddressAssigned',
    message: 'm',
    type: 'Normal',
    source: { component, host },
    reportingComponent: component,
    reportingInstance: host,
  },
});
export const serves = (node: string | null) => merge(`${FLOATING}/vip/status`, { status: { node } });
