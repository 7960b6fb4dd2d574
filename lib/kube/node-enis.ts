import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { isObject, type JsonObject, objectsOf, parseJson, shallow, textOf } from '../model/json.ts';
import { ANNOUNCEMENT, LINKS_READY, NOT_READY_TAINT, parseAnnouncement } from '../model/node-enis/announcement.ts';
import type { InterfaceUser, NodeEniNode } from '../model/node-enis/plan.ts';
import type { NodeEniSource } from '../model/node-enis/read.ts';
import type { KubeClient } from './client.ts';
import { type CustomResource, collectionPath, patchObject, type WriteOutcome } from './custom-resources.ts';
import { listAll } from './list.ts';
import { instanceIdOf } from './node.ts';
import type { Wire } from './wire.ts';

export const NODE_ENI_TYPE = {
  group: 'eni-agent.io',
  version: 'v1alpha1',
  plural: 'nodeenis',
  kind: 'NodeENI',
} as const;
/** Of aws-multi-eni-controller. */
export const MULTI_ENI_TYPE = {
  group: 'networking.k8s.aws',
  version: 'v1alpha1',
  plural: 'nodeenis',
  kind: 'NodeENI',
} as const;

/** What the model reads of an object of either kind. */
export function toNodeEniSource({ metadata, spec, status }: CustomResource): NodeEniSource {
  const { name, uid = '', resourceVersion = '', generation = 0, finalizers = [], deletionTimestamp } = metadata;
  return {
    name,
    uid,
    resourceVersion,
    generation,
    finalizers,
    deleting: deletionTimestamp !== undefined,
    spec: fieldsOf(spec),
    status: fieldsOf(status),
  };
}

function fieldsOf(value: unknown): JsonObject {
  const fields = shallow(value);
  return isObject(fields) ? fields : {};
}

/** Keeps of a Node what NodeENIs need. */
export function toNodeEniNode({ metadata, spec, status }: Wire<V1Node>): NodeEniNode {
  const links = objectsOf(status?.conditions).find(({ type }) => type === LINKS_READY);
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    labels: metadata.labels ?? {},
    instanceId: instanceIdOf(spec?.providerID ?? ''),
    deleting: metadata.deletionTimestamp !== undefined,
    tainted: objectsOf(spec?.taints).some(({ key }) => key === NOT_READY_TAINT),
    announced: metadata.annotations?.[ANNOUNCEMENT],
    announcement: parseAnnouncement(metadata.annotations?.[ANNOUNCEMENT]),
    links: links && {
      ready: links['status'] === 'True',
      message: textOf(links['message']) ?? textOf(links['reason']) ?? '',
    },
  };
}

/** Writes the controller's annotation; undefined removes it. Nothing else of the Node is touched. */
export function annotateNode(
  client: KubeClient,
  { name, uid }: Pick<NodeEniNode, 'name' | 'uid'>,
  text: string | undefined,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
  const patch = { metadata: { annotations: { [ANNOUNCEMENT]: text ?? null } } };
  return patchObject(client, { path, uid, resourceVersion: undefined }, patch, signal);
}

/** Path of one object of either kind. */
export function nodeEniPath(type: typeof NODE_ENI_TYPE | typeof MULTI_ENI_TYPE, name: string): string {
  return `${collectionPath(type, undefined)}/${encodeURIComponent(name)}`;
}

/**
 * The pods of a node that may use an interface, by an uncached read: what their network status and our own annotation name. A pod that
 * asks for networks and has no status yet may come to use any of them (`*`).
 * @throws {KubeError}
 */
export async function listInterfaceUsers(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<InterfaceUser[]> {
  const query = { fieldSelector: `spec.nodeName=${nodeName}` };
  const { entries } = await listAll(client, { path: '/api/v1/pods', query, from: '', signal, convert: toUser });
  return entries.filter((user) => user !== undefined);
}

function toUser({ metadata, status }: Wire<V1Pod>): InterfaceUser | undefined {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const { namespace = '', name, annotations = {} } = metadata;
  const networkStatus =
    annotations['k8s.v1.cni.cncf.io/network-status'] ?? annotations['k8s.v1.cni.cncf.io/networks-status'];
  const macs = listOf(networkStatus).flatMap((entry) => textOf(entry['mac'])?.toLowerCase() ?? []);
  const enis = listOf(annotations['eni-agent.io/addresses']).flatMap((entry) => textOf(entry['eni']) ?? []);
  const asks = annotations['k8s.v1.cni.cncf.io/networks'] !== undefined && networkStatus === undefined;
  const uses = new Set([...macs, ...enis, ...(asks ? ['*'] : [])]);
  return uses.size === 0 ? undefined : { pod: `${namespace}/${name}`, uses };
}

function listOf(text: string | undefined): JsonObject[] {
  return text === undefined ? [] : objectsOf(parseJson(text));
}
