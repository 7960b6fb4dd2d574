import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { AccessFound, Answer, VpcCniFound } from '../../lib/plan/doctor/evidence.ts';

/** What the node agent does at the API server (daemonset/base/rbac.yaml). */
const NEEDED = [
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'watch', group: '', resource: 'pods' },
  { verb: 'patch', group: '', resource: 'pods', subresource: 'status' },
  { verb: 'create', group: '', resource: 'events' },
  { verb: 'patch', group: '', resource: 'events' },
  { verb: 'get', group: '', resource: 'nodes' },
  { verb: 'get', group: 'k8s.cni.cncf.io', resource: 'network-attachment-definitions' },
] as const;

/** Names under which the manuals of the tools that we stand in for deploy them. */
const RIVALS = /aws-pod-eip-controller|eip-operator|k8s-aws-operator|aws-operator|multus-ip|ipmgmt/;

interface Workload {
  readonly metadata: { readonly namespace?: string; readonly name: string };
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

export async function askVersion(client: KubeClient, signal: AbortSignal): Promise<Answer<string>> {
  return asked(
    async () =>
      (await client.request<{ gitVersion?: string }>({ method: 'GET', path: '/version', signal })).gitVersion ?? '?',
  );
}

/** By SelfSubjectAccessReview: any account may ask it about itself. */
export async function askAccess(client: KubeClient, signal: AbortSignal): Promise<Answer<readonly AccessFound[]>> {
  const review = async (resourceAttributes: (typeof NEEDED)[number]): Promise<AccessFound> => {
    const answer = await client.request<{ status?: { allowed?: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
      signal,
    });
    const sub = 'subresource' in resourceAttributes ? `/${resourceAttributes.subresource}` : '';
    return {
      verb: resourceAttributes.verb,
      resource: `${resourceAttributes.resource}${sub}`,
      allowed: answer.status?.allowed === true,
    };
  };
  return asked(() => Promise.all(NEEDED.map(review)));
}

/** What a server says of who asks. */
interface Review {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

interface PodNames {
  readonly items: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
}

/**
 * Tries, as a dry run that changes nothing, what admission must refuse: a write to a pod of another node. Only a service account is asked;
 * a person at a keyboard is allowed more than an agent.
 */
export async function askOwnNodeOnly(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<Answer<boolean>> {
  const answer = await asked(async (): Promise<Answer<boolean>> => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const user =
      (await client.request<Review>({ method: 'POST', path, body, signal })).status?.userInfo?.username ?? '';
    if (!user.startsWith('system:serviceaccount:'))
      return { kind: 'skipped', message: `${user || 'the asker'} is not a service account; ask in the agent's pod` };
    const query = { fieldSelector: `spec.nodeName!=${nodeName},spec.nodeName!=`, limit: 1 };
    const [pod] = (await client.request<PodNames>({ method: 'GET', path: '/api/v1/pods', query, signal })).items;
    if (pod === undefined) return { kind: 'skipped', message: 'there is no pod on another node to try it with' };
    const { namespace, name } = pod.metadata;
    return {
      kind: 'known',
      value: await isRefused(client, `/api/v1/namespaces/${namespace}/pods/${name}/status`, signal),
    };
  });
  return answer.kind === 'known' ? answer.value : answer;
}

async function isRefused(client: KubeClient, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const body = { metadata: { annotations: { 'eni-agent.io/addresses': '[]' } } };
    const contentType = 'application/merge-patch+json';
    await client.request({ method: 'PATCH', path, body, contentType, query: { dryRun: 'All' }, signal });
    return false;
  } catch (error) {
    if (isKubeError(error) && (error.status === 403 || error.status === 422)) return true;
    throw error;
  }
}

export async function askVpcCni(client: KubeClient, signal: AbortSignal): Promise<Answer<VpcCniFound | undefined>> {
  const path = '/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node';
  return asked(async () => {
    try {
      const { spec } = await client.request<Workload>({ method: 'GET', path, signal });
      const variables = (spec?.template?.spec?.containers ?? []).flatMap(({ env }) => env ?? []);
      const value = (name: string) => variables.find((variable) => variable.name === name)?.value ?? '';
      return {
        externalSnat: value('AWS_VPC_K8S_CNI_EXTERNALSNAT').toLowerCase() === 'true',
        excludedCidrs: value('AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS'),
      };
    } catch (error) {
      if (isKubeError(error) && error.status === 404) return undefined;
      throw error;
    }
  });
}

export async function askRivals(client: KubeClient, signal: AbortSignal): Promise<Answer<readonly string[]>> {
  const list = async (kind: string) =>
    (await client.request<{ items: Workload[] }>({ method: 'GET', path: `/apis/apps/v1/${kind}`, signal })).items;
  return asked(async () => {
    const workloads = (await Promise.all([list('deployments'), list('daemonsets')])).flat();
    return workloads
      .filter(({ metadata, spec }) => RIVALS.test(metadata.name) && spec?.replicas !== 0)
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  });
}

async function asked<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: 'known', value: await ask() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      kind: isKubeError(error) && (error.status === 401 || error.status === 403) ? 'denied' : 'failed',
      message,
    };
  }
}
