import type { KubeObject } from './object.ts';
import type { ObjectApi } from './object-api.ts';
import type { Resource } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import type { ObjectStore } from './store.ts';

/** Deletes what a deleted owner leaves behind, as the garbage collector of the controller manager does. */
export function collectGarbage(store: ObjectStore, registry: ResourceRegistry, api: ObjectApi): void {
  store.hub.subscribe((change) => {
    if (change.type !== 'DELETED') return;
    const { uid } = change.object.metadata;
    for (const [resource, object] of everything(store, registry)) {
      const owners = object.metadata.ownerReferences ?? [];
      if (owners.length > 0 && owners.every((owner) => owner.uid === uid)) {
        api.delete(resource, object.metadata.namespace, object.metadata.name);
      }
    }
  });
}

export function everything(store: ObjectStore, registry: ResourceRegistry): [Resource, KubeObject][] {
  return registry
    .storages()
    .flatMap((resource) => store.list(resource.storage).map((object): [Resource, KubeObject] => [resource, object]));
}
