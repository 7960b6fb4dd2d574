import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { createKubeClient, type KubeClient, type KubeRequest } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { startControlPlane } from '../support/control-plane.ts';

const COLLECTIONS: Readonly<Record<string, string>> = {
  Namespace: 'api/v1/namespaces',
  ServiceAccount: 'api/v1/namespaces/eni-agent-system/serviceaccounts',
  CustomResourceDefinition: 'apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ClusterRole: 'apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: 'apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: 'apis/rbac.authorization.k8s.io/v1/namespaces/eni-agent-system/roles',
  RoleBinding: 'apis/rbac.authorization.k8s.io/v1/namespaces/eni-agent-system/rolebindings',
  ConfigMap: 'api/v1/namespaces/eni-agent-system/configmaps',
  ValidatingAdmissionPolicy: 'apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
};

/** What became of a request: `allowed`, or the message of the refusal. */
export type Verdict = string;

/** A real API server with our manifests: RBAC and admission policies, and clients that have the tokens of our service accounts. */
export async function startAdmissionRig() {
  const plane = await startControlPlane();
  const clients: KubeClient[] = [];
  const clientFor = (token: string): KubeClient => {
    const credentials = { headers: { authorization: `Bearer ${token}` }, tls: { rejectUnauthorized: false } };
    const connection = { server: plane.url, namespace: undefined, credentials: async () => credentials };
    const client = createKubeClient({ connection, clock: systemClock() });
    clients.push(client);
    return client;
  };
  const admin = clientFor(plane.token);

  /** Creates the objects of YAML files and folders; workloads are left out. */
  async function apply(...paths: readonly string[]): Promise<void> {
    for (const file of paths.flatMap(filesOf)) {
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
        const manifest = document.toJS() as { kind: string };
        const collection = COLLECTIONS[manifest.kind];
        if (collection) await admin.request({ method: 'POST', path: `/${collection}`, body: manifest });
      }
    }
  }

  /** A token of a service account, as the kubelet gets it for a pod: bound to that pod and so to its node. */
  async function tokenOf(account: string, pod?: string): Promise<string> {
    const path = `/${COLLECTIONS['ServiceAccount']}/${account}/token`;
    const bound = pod && { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod } };
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, ...bound },
    };
    return (await admin.request<{ status: { token: string } }>({ method: 'POST', path, body })).status.token;
  }

  async function verdict(client: KubeClient, request: KubeRequest): Promise<Verdict> {
    try {
      await client.request(request);
      return 'allowed';
    } catch (error) {
      if (isKubeError(error)) return error.message;
      throw error;
    }
  }

  /** Repeats the request until it is refused: the server needs about a second to hear of a policy. */
  async function untilDenied(client: KubeClient, request: KubeRequest): Promise<void> {
    for (let tries = 0; tries < 300; tries += 1) {
      if ((await verdict(client, request)) !== 'allowed') return;
      await sleep(100);
    }
    throw new Error('the policies do not take effect');
  }

  return {
    admin,
    apply,
    clientFor,
    tokenOf,
    verdict,
    untilDenied,
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await plane.close();
    },
  };
}

export type AdmissionRig = Awaited<ReturnType<typeof startAdmissionRig>>;

function filesOf(path: string): readonly string[] {
  if (path.endsWith('.yaml')) return [path];
  return readdirSync(path)
    .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
    .map((file) => join(path, file));
}
