import type { KubeObject, Manifest } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';

/**
 * Objects are stored once and served in the clothes of the resource that was asked for: its apiVersion and kind,
 * and for events.k8s.io the field names of that group. There are no conversion webhooks.
 */
export function served(resource: Resource, stored: KubeObject): KubeObject {
  const { apiVersion: _, kind: __, metadata, ...rest } = stored;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata,
    ...renameFields(rest, resource.renamed ?? {}),
  };
}

/** The inverse of `served`, for what a client sends. */
export function fromServed(resource: Resource, manifest: Manifest): Manifest {
  const inverse = Object.fromEntries(Object.entries(resource.renamed ?? {}).map(([stored, name]) => [name, stored]));
  return renameFields(manifest, inverse);
}

function renameFields<T extends object>(object: T, names: Readonly<Record<string, string>>): T {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names[key] ?? key, value])) as T;
}
