import type { Resource } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import { noSuchResource } from './status.ts';

/** What an object path means: `/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}/{subResource}`. */
export interface ObjectPath {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subResource: string | undefined;
}

const versions = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/(?<rest>.+)$/;

/** Throws 404 when nothing of that name is served there. */
export function parseObjectPath(path: string, registry: ResourceRegistry): ObjectPath {
  const parts = versions.exec(path)?.groups;
  if (!parts) throw noSuchResource();
  const apiVersion = parts['core'] ?? `${parts['group']}/${parts['version']}`;
  const keys = (parts['rest'] ?? '').split('/').map(decodeURIComponent);
  const inNamespace = keys[0] === 'namespaces' && keys.length > 2 && !namespaceSubResources.has(keys[2] ?? '');
  const namespace = inNamespace ? keys[1] : undefined;
  const [plural = '', name, subResource] = inNamespace ? keys.slice(2) : keys;
  const resource = registry.find(apiVersion, plural);
  if (!resource || (name !== undefined && resource.namespaced !== (namespace !== undefined))) throw noSuchResource();
  if (subResource === 'status' && !resource.status) throw noSuchResource();
  return { resource, namespace, name: name || undefined, subResource };
}

const namespaceSubResources = new Set(['status', 'finalize']);
