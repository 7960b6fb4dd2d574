import type { KubernetesObject } from '@kubernetes/client-node';
import type { CustomObject, ResourceType } from '../model/eip-objects/eip-object.ts';
import { isObject, type JsonObject, shallow } from '../model/json.ts';
import { DELETION_POLICY } from '../model/retention.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import type { Wire } from './wire.ts';

/** Any custom resource. */
export type CustomResource = Wire<KubernetesObject & { spec?: unknown; status?: unknown }>;

/** Keeps of a custom resource what every part of the program may need; managed fields and all annotations but one are dropped. */
export function toCustomObject(raw: CustomResource): CustomObject {
  const { metadata, spec, status } = raw;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
    deletionPolicy: metadata.annotations?.[DELETION_POLICY],
    owners: (metadata.ownerReferences ?? []).map(({ kind = '', name = '', uid = '' }) => ({ kind, name, uid })),
    spec: fieldsOf(spec),
    status: fieldsOf(status),
  };
}

/** The API server takes values that nest 10 000 deep where a definition keeps unknown fields. */
function fieldsOf(value: unknown): JsonObject {
  const fields = shallow(value);
  return isObject(fields) ? fields : {};
}

/** How the cluster serves a kind of custom resource. */
export interface ServedResource {
  /** Whether status is a sub-resource: a definition of the replaced operator may differ from ours in this. */
  readonly statusSubresource: boolean;
}

/** Asks discovery whether a kind is served; undefined when its definition is absent. @throws {KubeError} when there is no answer. */
export async function findResource(
  client: KubeClient,
  { group, version, plural }: ResourceType,
  signal: AbortSignal,
): Promise<ServedResource | undefined> {
  try {
    const list = await client.request<{ readonly resources?: readonly { readonly name?: string }[] }>({
      method: 'GET',
      path: `/apis/${group}/${version}`,
      signal,
    });
    const names = new Set((list.resources ?? []).map(({ name }) => name));
    return names.has(plural) ? { statusSubresource: names.has(`${plural}/status`) } : undefined;
  } catch (error) {
    if (isKubeError(error) && error.status === 404) return undefined;
    throw error;
  }
}

/** Collection of a kind, in one namespace or in all. */
export function collectionPath(
  { group, version, plural }: Pick<ResourceType, 'group' | 'version' | 'plural'>,
  namespace: string | undefined,
): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`;
}

/** What became of a write that names the version it rests on. `stale`: the object is another by now, decide again. */
export type WriteOutcome = 'written' | 'stale' | 'gone';

export interface WriteTarget {
  /** Of the object, without a sub-resource. */
  readonly path: string;
  readonly uid: string;
  /** Undefined for objects that others write to all the time (nodes): then only the uid is a precondition. */
  readonly resourceVersion: string | undefined;
}

/**
 * A JSON merge patch with the uid (and the resource version) as preconditions.
 * @throws {KubeError} for anything but a lost race and an object that is gone.
 */
export function patchObject(
  client: KubeClient,
  target: WriteTarget,
  patch: JsonObject,
  signal: AbortSignal,
  subresource = '',
): Promise<WriteOutcome> {
  const { path, uid, resourceVersion } = target;
  const metadata = {
    ...(isObject(patch['metadata']) ? patch['metadata'] : {}),
    ...(uid === '' ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const body = { ...patch, metadata };
  return outcomeOf(
    client.request({
      method: 'PATCH',
      path: `${path}${subresource}`,
      contentType: 'application/merge-patch+json',
      body,
      signal,
    }),
  );
}

/** Creates an object; `stale` when one of that name exists already. @throws {KubeError} */
export function createObject(
  client: KubeClient,
  collection: string,
  body: JsonObject,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  return outcomeOf(client.request({ method: 'POST', path: collection, body, signal }));
}

/** Deletes exactly this object, not one that has its name by now. @throws {KubeError} */
export function deleteObject(
  client: KubeClient,
  { path, uid }: Omit<WriteTarget, 'resourceVersion'>,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
  return outcomeOf(client.request({ method: 'DELETE', path, body, signal }));
}

async function outcomeOf(request: Promise<unknown>): Promise<WriteOutcome> {
  try {
    await request;
    return 'written';
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.status === 404) return 'gone';
    // A foreign uid is refused as a conflict or as a change of an immutable field.
    if (error.status === 409 || (error.status === 422 && error.fields.includes('metadata.uid'))) return 'stale';
    throw error;
  }
}
