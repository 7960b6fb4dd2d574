import type { KubeClient } from '../../lib/kube/client.ts';
import { findResource } from '../../lib/kube/custom-resources.ts';
import { FLOATING_IP_TYPE } from '../../lib/kube/floating-ips.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { listAll } from '../../lib/kube/list.ts';
import { readNodeLinksState } from '../../lib/kube/own-node.ts';
import { OUR_PODS, toAgentPodFact } from '../../lib/kube/status-views.ts';
import type { NodeLinksState } from '../../lib/model/node-links/node-links.ts';
import type { AccessFound, Answer, VpcCniFound } from '../../lib/plan/doctor/evidence.ts';

/** What the node agent does at the API server (daemonset/base/rbac.yaml). */
const NEEDED = [
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'watch', group: '', resource: 'pods' },
  { verb: 'patch', group: '', resource: 'pods', subresource: 'status' },
  { verb: 'create', group: '', resource: 'events' },
  { verb: 'patch', group: '', resource: 'events' },
  { verb: 'get', group: '', resource: 'pods' },
  { verb: 'get', group: '', resource: 'nodes' },
  { verb: 'get', group: 'k8s.cni.cncf.io', resource: 'network-attachment-definitions' },
] as const;

/** And what FloatingIPs take, where they are installed. */
const NEEDED_FOR_FLOATING_IPS = [
  { verb: 'list', group: '', resource: 'nodes' },
  { verb: 'watch', group: '', resource: 'nodes' },
  { verb: 'get', group: 'eni-agent.io', resource: 'floatingips' },
  { verb: 'list', group: 'eni-agent.io', resource: 'floatingips' },
  { verb: 'watch', group: 'eni-agent.io', resource: 'floatingips' },
  { verb: 'patch', group: 'eni-agent.io', resource: 'floatingips', subresource: 'status' },
] as const;
const LEASE_VERBS = ['get', 'list', 'watch', 'create', 'update'] as const;

interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
}

/** All permissions that the agent of this cluster uses. @param namespace of its Leases */
async function neededIn(client: KubeClient, namespace: string, signal: AbortSignal): Promise<readonly Permission[]> {
  if ((await findResource(client, FLOATING_IP_TYPE, signal)) === undefined) return NEEDED;
  const leases = LEASE_VERBS.map((verb) => ({ verb, group: 'coordination.k8s.io', resource: 'leases', namespace }));
  return [...NEEDED, ...NEEDED_FOR_FLOATING_IPS, ...leases];
}

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
export async function askAccess(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Answer<readonly AccessFound[]>> {
  const review = async (resourceAttributes: Permission): Promise<AccessFound> => {
    const answer = await client.request<{ status?: { allowed?: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
      signal,
    });
    const { verb, resource, subresource, namespace: inside } = resourceAttributes;
    const sub = subresource === undefined ? '' : `/${subresource}`;
    return {
      verb,
      resource: `${resource}${sub}${inside === undefined ? '' : ` in ${inside}`}`,
      allowed: answer.status?.allowed === true,
    };
  };
  return asked(async () => Promise.all((await neededIn(client, namespace, signal)).map(review)));
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

/** What the Node says about interfaces of NodeENIs. */
export async function askNodeEnis(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<Answer<NodeLinksState>> {
  return asked(() => readNodeLinksState(client, nodeName, signal));
}

/** Images of the cluster's node agents, each once; undefined where it cannot be found out. */
export async function askImages(client: KubeClient, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const query = { labelSelector: OUR_PODS };
  const options = { path: '/api/v1/pods', query, from: '0', signal, convert: toAgentPodFact };
  const answer = await asked(async () => (await listAll(client, options)).entries);
  return answer.kind === 'known' ? [...new Set(answer.value.map(({ image }) => image))].toSorted() : undefined;
}

/** The outcome of a question to the API server as an answer. */
export async function asked<T>(ask: () => Promise<T>): Promise<Answer<T>> {
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
