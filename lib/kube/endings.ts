import type { KubernetesObject } from '@kubernetes/client-node';
import type { CustomObject, ResourceType } from '../model/eip-objects/eip-object.ts';
import type { Ending } from '../model/retention.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import type { Wire } from './wire.ts';

/**
 * Whether an object that is being deleted goes by itself or with its namespace or definition: both are marked as terminating before the
 * API server deletes what is in them, so uncached reads that begin after the object was seen deleting cannot miss it. One that does not
 * exist (any more) counts as being deleted.
 * @throws {KubeError} when there is no answer, e.g. 403; then nothing is known.
 */
export async function readEnding(
  client: KubeClient,
  { namespace }: Pick<CustomObject, 'namespace'>,
  { group, plural }: Pick<ResourceType, 'group' | 'plural'>,
  signal: AbortSignal,
): Promise<Ending> {
  const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
  if (await isEnding(client, definition, signal)) return 'definition';
  // A cluster-scoped object has no namespace that could go.
  if (namespace === '') return 'object';
  return (await isEnding(client, `/api/v1/namespaces/${encodeURIComponent(namespace)}`, signal))
    ? 'namespace'
    : 'object';
}

async function isEnding(client: KubeClient, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { metadata } = await client.request<Wire<KubernetesObject>>({
      method: 'GET',
      path,
      signal,
    });
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isKubeError(error) && error.status === 404) return true;
    throw error;
  }
}
