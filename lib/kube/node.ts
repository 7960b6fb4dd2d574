import type { V1Node } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import type { Wire } from './wire.ts';

/** What a Node object says about its EC2 instance. */
export interface NodeInfo {
  readonly name: string;
  readonly uid: string;
  /** `aws:///<zone>/<instance id>`; undefined before the cloud provider has filled it in. */
  readonly providerId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads one Node. @throws {KubeError} */
export async function getNode(client: KubeClient, name: string, signal?: AbortSignal): Promise<NodeInfo> {
  const raw = await client.request<Partial<Wire<V1Node>>>({
    method: 'GET',
    path: `/api/v1/nodes/${name}`,
    ...(signal && { signal }),
  });
  return {
    name,
    uid: raw.metadata?.uid ?? '',
    providerId: raw.spec?.providerID || undefined,
    labels: raw.metadata?.labels ?? {},
  };
}

/** The instance id in `aws:///us-east-1a/i-0abc…`; undefined for any other provider's id. */
export function instanceIdOf(providerId: string): string | undefined {
  return /^aws:\/\/.*\/(i-[0-9a-f]+)$/.exec(providerId)?.[1];
}
