import { isRecord, type KubeObject } from './object.ts';
import { customResourceDefinitions, type PrinterColumn, type Resource, resourceOf } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import type { ObjectStore } from './store.ts';
import type { Change } from './watch-hub.ts';

interface Version {
  name: string;
  served: boolean;
  subresources?: { status?: unknown };
  additionalPrinterColumns?: readonly PrinterColumn[];
}

/**
 * Serves what CustomResourceDefinitions declare, and stops when they are deleted (their objects go with them).
 * Schemas are not enforced; versions differ in name only.
 */
export function serveCustomResources(store: ObjectStore, registry: ResourceRegistry, now: () => number): void {
  store.hub.subscribe((change) => {
    if (change.storage !== customResourceDefinitions.storage) return;
    const before = change.previous ? declaredBy(change.previous) : [];
    const after = change.type === 'DELETED' ? [] : declaredBy(change.object);
    for (const resource of before) registry.remove(resource);
    for (const resource of after) registry.add(resource);
    if (change.type === 'ADDED') begin(store, change, after, now());
    if (change.type === 'DELETED') clear(store, before);
  });
}

function declaredBy(definition: KubeObject): Resource[] {
  const { group, scope, names, versions } = definition.spec ?? {};
  if (typeof group !== 'string' || !isRecord(names) || !Array.isArray(versions)) return [];
  return (versions as Version[])
    .filter((version) => version.served)
    .map((version) =>
      resourceOf({
        group,
        version: version.name,
        plural: String(names['plural']),
        kind: String(names['kind']),
        namespaced: scope === 'Namespaced',
        shortNames: Array.isArray(names['shortNames']) ? names['shortNames'].map(String) : [],
        custom: true,
        generation: true,
        versionRequired: true,
        printerColumns: version.additionalPrinterColumns ?? [],
        ...(version.subresources?.status !== undefined && { status: 'alone' }),
      }),
    );
}

/** Marks the definition as established, once the change that created it has reached everybody. */
function begin(store: ObjectStore, change: Change, resources: readonly Resource[], now: number): void {
  for (const { storage } of resources.slice(0, 1)) store.hub.startsAt(storage, change.revision);
  queueMicrotask(() => {
    const definition = store.get(change.storage, undefined, change.object.metadata.name);
    if (!definition) return;
    const lastTransitionTime = new Date(now).toISOString();
    const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', lastTransitionTime }));
    const acceptedNames = definition.spec?.['names'];
    store.put(change.storage, { ...definition, status: { acceptedNames, conditions, storedVersions: [] } });
  });
}

function clear(store: ObjectStore, resources: readonly Resource[]): void {
  for (const storage of new Set(resources.map((resource) => resource.storage))) {
    for (const object of store.list(storage)) store.remove(storage, object);
  }
}
