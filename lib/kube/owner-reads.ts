import type { ResourceType } from '../model/eip-objects/eip-object.ts';
import type { InterfaceUser } from '../model/node-enis/plan.ts';
import type { Pod } from '../model/pod.ts';
import type { Ending } from '../model/retention.ts';
import type { KubeClient } from './client.ts';
import { collectionPath } from './custom-resources.ts';
import { readEnding } from './endings.ts';
import { isKubeError } from './kube-error.ts';
import { listAll } from './list.ts';
import { listInterfaceUsers, toNodeEniNode } from './node-enis.ts';
import type { RawObject } from './object-store.ts';
import { podConverter } from './pods.ts';

/** Uncached reads of what may own something in EC2, answered by etcd's newest state. Each rejects with `KubeError` when it cannot tell. */
export interface OwnerReads {
  /** Null when there is no such pod. */
  pod(namespace: string, name: string): Promise<Pod | null>;
  /** Of the whole cluster. */
  pods(): Promise<readonly Pod[]>;
  nodeNames(): Promise<ReadonlySet<string>>;
  /** Uids of all objects of a kind, in all namespaces. A kind that is not served rejects: that says nothing about its objects. */
  uids(resource: Pick<ResourceType, 'group' | 'version' | 'plural'>): Promise<ReadonlySet<string>>;
  /** Whether a namespace (undefined: none) or the definition of a kind is being deleted or gone. */
  ending(namespace: string | undefined, resource: Pick<ResourceType, 'group' | 'plural'>): Promise<Ending>;
  /** Pods that may use an interface, by instance. One that no Node names is missing: nobody says which pods run there. */
  interfaceUsers(instanceIds: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly InterfaceUser[]>>;
}

export function createOwnerReads(client: KubeClient, signal: AbortSignal): OwnerReads {
  const toPod = podConverter();
  const list = async <E>(path: string, convert: (raw: RawObject) => E): Promise<E[]> =>
    (await listAll(client, { path, query: {}, from: '', signal, convert })).entries;
  return {
    async pod(namespace, name) {
      try {
        const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
        return toPod(await client.request<RawObject>({ method: 'GET', path, signal }));
      } catch (error) {
        if (isKubeError(error) && error.status === 404) return null;
        throw error;
      }
    },
    pods: () => list('/api/v1/pods', toPod),
    nodeNames: async () => new Set(await list('/api/v1/nodes', ({ metadata }) => metadata.name)),
    uids: async (resource) =>
      new Set(await list(collectionPath(resource, undefined), ({ metadata }) => metadata.uid ?? '')),
    ending: (namespace = '', resource) => readEnding(client, { namespace }, resource, signal),
    async interfaceUsers(instanceIds) {
      const nodes = await list('/api/v1/nodes', toNodeEniNode);
      const users = new Map<string, readonly InterfaceUser[]>();
      for (const { name, instanceId = '' } of nodes) {
        if (!instanceIds.has(instanceId)) continue;
        const found = await listInterfaceUsers(client, name, signal);
        users.set(instanceId, [...(users.get(instanceId) ?? []), ...found]);
      }
      return users;
    },
  };
}
