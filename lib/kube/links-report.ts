import { LINKS_READY, LINKS_READY_LABEL, NOT_READY_TAINT } from '../model/node-enis/announcement.ts';
import type { LinksReport } from '../model/node-links/node-links.ts';
import type { KubeClient } from './client.ts';
import type { Taints } from './own-node.ts';

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
export async function removeStartupTaint(client: KubeClient, nodeName: string, taints: Taints): Promise<void> {
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
