import type { V1Node } from '@kubernetes/client-node';
import {
  ANNOUNCEMENT,
  LINKS_READY,
  LINKS_READY_LABEL,
  NOT_READY_TAINT,
  parseAnnouncement,
} from '../model/node-enis/announcement.ts';
import type { NodeLinksState } from '../model/node-links/node-links.ts';
import type { KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { createReflector, type Reflector, type ReflectorOf } from './reflector.ts';
import type { Wire } from './wire.ts';

/** What an election needs of the node: who may select it, and whether it stays. */
export interface NodeState {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cordoned: boolean;
  readonly ready: 'True' | 'False' | 'Unknown';
}

export type Taints = NonNullable<NonNullable<Wire<V1Node>['spec']>['taints']>;

/** What concerns the interfaces of NodeENIs: the controller's announcement, the startup taint, and our own report. */
export interface OwnNodeLinksState extends NodeLinksState {
  /** The taints as they are, for a removal that changes no other. */
  readonly taints: Taints;
}

export type OwnNode = NodeState & OwnNodeLinksState;

type OwnNodeReflectorOptions = ReflectorOf<OwnNode> & { readonly nodeName: string };

/** Watches one Node: its own. Heartbeats change the object's version now and then; what is kept stays equal. */
export function createOwnNodeReflector({ client, nodeName, ...rest }: OwnNodeReflectorOptions): Reflector<OwnNode> {
  const query = { fieldSelector: `metadata.name=${nodeName}` };
  const convert = (raw: Wire<V1Node>) => ({ ...nodeStateOf(raw), ...linksStateOf(raw) });
  return createReflector({ ...rest, source: { client, path: '/api/v1/nodes', query, convert } });
}

/** What the Node says now of the interfaces of NodeENIs. @throws {KubeError} */
export async function readNodeLinksState(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<NodeLinksState> {
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  return linksStateOf(await client.request<Wire<V1Node>>({ method: 'GET', path, signal }));
}

/**
 * Whether any other node with these labels is ready and not cordoned. From the API server's cache, which may be some moments old.
 * @throws {KubeError}
 */
export async function hasOtherReadyNode(
  client: KubeClient,
  nodeName: string,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<boolean> {
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const query = labelSelector === '' ? {} : { labelSelector };
  const convert = (raw: Wire<V1Node>) => nodeStateOf(raw);
  const { entries } = await listAll(client, { path: '/api/v1/nodes', query, from: '0', signal, convert });
  return entries.some(({ name, ready, cordoned }) => name !== nodeName && ready === 'True' && !cordoned);
}

/** A node that says nothing about its readiness counts as ready: it may be too young, or a stand-in. */
function nodeStateOf({ metadata, spec, status }: Wire<V1Node>): NodeState {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'True';
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    cordoned: spec?.unschedulable === true,
    ready: ready === 'False' || ready === 'Unknown' ? ready : 'True',
  };
}

function linksStateOf({ metadata, spec, status }: Wire<V1Node>): OwnNodeLinksState {
  const condition = status?.conditions?.find(({ type }) => type === LINKS_READY);
  const taints = spec?.taints ?? [];
  return {
    taints,
    announcement: parseAnnouncement(metadata.annotations?.[ANNOUNCEMENT]),
    tainted: taints.some(({ key }) => key === NOT_READY_TAINT),
    labelled: metadata.labels?.[LINKS_READY_LABEL] === 'ready',
    reported: condition && {
      status: condition.status ?? '',
      reason: condition.reason ?? '',
      message: condition.message ?? '',
    },
  };
}
