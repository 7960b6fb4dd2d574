import { everything } from './garbage-collection.ts';
import type { KubeObject } from './object.ts';
import type { ObjectApi } from './object-api.ts';
import { customResourceDefinitions, type Resource } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import type { ObjectStore } from './store.ts';

/**
 * Empties namespaces and definitions that are being deleted, as the namespace controller and the API server do: every object in them
 * is deleted like by a user, so finalizers hold it back, and the last one takes the namespace or definition with it.
 */
export function finishContainers(store: ObjectStore, registry: ResourceRegistry, api: ObjectApi): void {
  const containers = ['namespaces', customResourceDefinitions.storage];
  const finish = (storage: string, container: KubeObject) => {
    const content = everything(store, registry).filter(([resource, object]) => isIn(container, resource, object));
    // Several versions of a kind share their objects.
    const distinct = new Map(content.map((entry) => [entry[1].metadata.uid, entry]));
    for (const [resource, { metadata }] of distinct.values())
      if (!metadata.deletionTimestamp)
        api.delete(resource, metadata.namespace, metadata.name, { gracePeriodSeconds: 0 });
    if (everything(store, registry).some(([resource, object]) => isIn(container, resource, object))) return;
    const last = store.get(storage, undefined, container.metadata.name);
    if (last) store.remove(storage, last);
  };
  store.hub.subscribe(({ storage, type, object }) => {
    const isContainer = containers.includes(storage);
    if (isContainer ? type !== 'MODIFIED' || !object.metadata.deletionTimestamp : type !== 'DELETED') return;
    queueMicrotask(() => {
      for (const kind of containers)
        for (const container of store.list(kind)) if (container.metadata.deletionTimestamp) finish(kind, container);
    });
  });
}

function isIn(container: KubeObject, resource: Resource, object: KubeObject): boolean {
  const names = container.spec?.['names'] as { plural?: string } | undefined;
  if (names === undefined) return object.metadata.namespace === container.metadata.name;
  return resource.group === container.spec?.['group'] && resource.plural === names.plural;
}
