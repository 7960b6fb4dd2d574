import {
  ANNOUNCEMENT,
  LINKS_READY,
  LINKS_READY_LABEL,
  NOT_READY_TAINT,
  parseAnnouncement,
} from '../model/node-enis/announcement.ts';
import type { LinksReport, NodeMarks } from '../model/node-links/node-links.ts';
import type { KubeClient } from './client.ts';
import type { RawObject } from './object-store.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';

interface Taint {
  readonly key?: string;
}

interface RawNode extends RawObject {
  readonly metadata: RawObject['metadata'] & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly taints?: readonly Taint[] };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

export interface OwnNodeMarks extends NodeMarks {
  readonly name: string;
  /** The taints as they are, for a removal that changes no other. */
  readonly taints: readonly Taint[];
}

type MarksReflectorOptions = Omit<ReflectorOptions<OwnNodeMarks>, 'path' | 'convert' | 'query'> & {
  readonly client: KubeClient;
  readonly nodeName: string;
};

/** Watches our own Node for what concerns its interfaces: the controller's announcement, the startup taint, and our own report. */
export function createNodeMarksReflector({ nodeName, ...options }: MarksReflectorOptions): Reflector<OwnNodeMarks> {
  return createReflector<OwnNodeMarks>({
    ...options,
    path: '/api/v1/nodes',
    query: { fieldSelector: `metadata.name=${nodeName}` },
    convert: (raw) => marksOf(raw),
  });
}

function marksOf({ metadata, spec, status }: RawNode): OwnNodeMarks {
  const condition = status?.conditions?.find(({ type }) => type === LINKS_READY);
  const taints = spec?.taints ?? [];
  return {
    name: metadata.name,
    taints,
    announcement: parseAnnouncement(metadata.annotations?.[ANNOUNCEMENT]),
    tainted: taints.some(({ key }) => key === NOT_READY_TAINT),
    labelled: metadata.labels?.[LINKS_READY_LABEL] === 'ready',
    reported:
      condition === undefined
        ? undefined
        : {
            status: condition.status ?? '',
            reason: condition.reason ?? '',
            message: condition.message ?? '',
          },
  };
}

/** Writes the condition `eni-agent.io/NodeENIsReady` of our own Node; other conditions stay. `at`: ms since the epoch. @throws {KubeError} */
export async function writeLinksCondition(
  client: KubeClient,
  nodeName: string,
  { ready, reason, message }: LinksReport,
  at: number,
): Promise<void> {
  const now = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = { type: LINKS_READY, status: ready ? 'True' : 'False', reason, message };
  await client.request({
    method: 'PATCH',
    path: `/api/v1/nodes/${nodeName}/status`,
    contentType: 'application/strategic-merge-patch+json',
    body: { status: { conditions: [{ ...condition, lastHeartbeatTime: now, lastTransitionTime: now }] } },
  });
}

/** Sets or removes the label `eni-agent.io/node-enis` of our own Node. @throws {KubeError} */
export async function writeLinksLabel(client: KubeClient, nodeName: string, ready: boolean): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: `/api/v1/nodes/${nodeName}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { labels: { [LINKS_READY_LABEL]: ready ? 'ready' : null } } },
  });
}

/** Takes the startup taint off our own Node, unless its taints have changed since `taints` were read. @throws {KubeError} */
export async function removeStartupTaint(
  client: KubeClient,
  nodeName: string,
  taints: readonly Taint[],
): Promise<void> {
  const rest = taints.filter(({ key }) => key !== NOT_READY_TAINT);
  await client.request({
    method: 'PATCH',
    path: `/api/v1/nodes/${nodeName}`,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/spec/taints', value: taints },
      rest.length === 0 ? { op: 'remove', path: '/spec/taints' } : { op: 'replace', path: '/spec/taints', value: rest },
    ],
  });
}
