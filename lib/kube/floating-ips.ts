import { type FloatingIp, type FloatingIpStatus, floatingIpOf } from '../model/floating-ips/floating-ip.ts';
import { isObject, objectsOf } from '../model/json.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import { createReflector, type Reflector, type ReflectorOf } from './reflector.ts';

export const FLOATING_IP_TYPE = {
  group: 'eni-agent.io',
  version: 'v1alpha1',
  plural: 'floatingips',
  kind: 'FloatingIP',
} as const;

export const FLOATING_IP_API = `${FLOATING_IP_TYPE.group}/${FLOATING_IP_TYPE.version}`;

const GROUP_PATH = `/apis/${FLOATING_IP_API}`;
const COLLECTION = `${GROUP_PATH}/floatingips`;

async function verbsOf(client: KubeClient, signal: AbortSignal): Promise<readonly unknown[] | undefined> {
  try {
    const list = await client.request<unknown>({ method: 'GET', path: GROUP_PATH, signal });
    const resources = objectsOf(isObject(list) ? list['resources'] : undefined);
    const verbs = resources.find(({ name }) => name === 'floatingips')?.['verbs'];
    return Array.isArray(verbs) ? verbs : undefined;
  } catch (error) {
    if (isKubeError(error) && error.status === 404) return undefined;
    throw error;
  }
}

/** What became of an object: it is there, it was deleted, or the definition of all of them was (or is being) removed. */
export type Existence = 'exists' | 'deleted' | 'definition removed';

/**
 * Looks for an object that a watch says is gone. Discovery takes `create` from the verbs of a definition that is being removed, before the API
 * server deletes its objects, and then the whole resource.
 * @throws {KubeError} when the API server does not say.
 */
export async function existenceOf(client: KubeClient, name: string, signal: AbortSignal): Promise<Existence> {
  try {
    await client.request({ method: 'GET', path: `${COLLECTION}/${name}`, signal });
    return 'exists';
  } catch (error) {
    if (!isKubeError(error) || error.status !== 404) throw error;
  }
  const verbs = await verbsOf(client, signal);
  return verbs?.includes('create') === true ? 'deleted' : 'definition removed';
}

/** All FloatingIPs of the cluster. */
export function createFloatingIpReflector({ client, ...rest }: ReflectorOf<FloatingIp>): Reflector<FloatingIp> {
  return createReflector({ ...rest, source: { client, path: COLLECTION, convert: floatingIpOf } });
}

export interface StatusPatch {
  readonly ip: Pick<FloatingIp, 'name' | 'uid' | 'resourceVersion'>;
  readonly status: FloatingIpStatus;
  /** Refused with a conflict when somebody else has written since `ip` was seen. */
  readonly exclusive: boolean;
}

/**
 * Writes the whole status by one merge patch; empty texts become absent fields. The uid makes sure that it is still the same object.
 * @throws {KubeError} 404 when it is gone, 409 or 422 when it is another one.
 */
export async function patchFloatingIpStatus(
  client: KubeClient,
  patch: StatusPatch,
  signal: AbortSignal,
): Promise<void> {
  const { ip, status, exclusive } = patch;
  const { node, networkInterfaceId, publicIp, since, routeTables, conditions } = status;
  await client.request({
    method: 'PATCH',
    path: `${COLLECTION}/${ip.name}/status`,
    contentType: 'application/merge-patch+json',
    body: {
      metadata: { uid: ip.uid, ...(exclusive && { resourceVersion: ip.resourceVersion }) },
      status: {
        node: node || null,
        networkInterfaceID: networkInterfaceId || null,
        publicIP: publicIp || null,
        since: since || null,
        routeTables:
          routeTables.length === 0
            ? null
            : routeTables.map(({ table, state, reason }) => ({ table, state, ...(reason !== '' && { reason }) })),
        conditions,
      },
    },
    signal,
  });
}
