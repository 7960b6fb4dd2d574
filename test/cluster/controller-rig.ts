import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { unthrottled } from '../../sim/ec2/throttle.ts';
import { type ImdsServer, startImds } from '../../sim/imds/server.ts';
import { SpawnedAgent } from '../support/agent-process.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { PATIENCE_MS } from '../support/patience.ts';

/** An object as it came over the wire; the tests look into it freely. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Wire = any;

const PATHS: Readonly<Record<string, string>> = {
  CustomResourceDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/eni-agent-system/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/eni-agent-system/rolebindings',
  ServiceAccount: '/api/v1/namespaces/eni-agent-system/serviceaccounts',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  StatefulSet: '/apis/apps/v1/namespaces/default/statefulsets',
};

async function startBareRig(controllers = false) {
  const controlPlane = await startControlPlane({ controllers });
  const connection = await loadConnection({ kubeconfig: controlPlane.kubeconfigPath, env: {} });
  const client = createKubeClient({ connection, clock: systemClock() });
  const request = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Wire> =>
    client.request({
      method,
      path,
      body,
      ...(method === 'PATCH' && { contentType: 'application/merge-patch+json' as const }),
    });
  const until = async <T>(
    what: string,
    check: () => Promise<T> | T,
    timeoutMs = PATIENCE_MS,
  ): Promise<NonNullable<T>> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const result = await check();
      if (result) return result;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
      await sleep(25);
    }
  };
  await until('the default namespace', () => request('GET', '/api/v1/namespaces/default').catch(() => undefined));
  const pathOf = ({ apiVersion, kind }: Wire): string =>
    PATHS[kind as string] ?? `/apis/${apiVersion as string}/namespaces/default/${(kind as string).toLowerCase()}s`;
  const apply = (manifest: Wire): Promise<Wire> => request('POST', pathOf(manifest), manifest);
  return {
    controlPlane,
    request,
    until,
    apply,
    /** Creates what the YAML files of a folder hold, but for kustomizations. */
    async applyFiles(folder: string, ...only: readonly string[]) {
      const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
      for (const file of only.length > 0 ? only : files) {
        for (const document of parseAllDocuments(readFileSync(join(folder, file), 'utf8'))) {
          const manifest = document.toJS() as Wire;
          if (PATHS[manifest.kind as string] !== undefined && !(manifest.kind === 'Deployment')) await apply(manifest);
        }
      }
    },
    async close() {
      await client.close();
      await controlPlane.close();
    },
  };
}

/** A real API server with its garbage collector, a simulated EC2, and real node agents and controllers with only the rights of the manifests. */
export async function startControllerCluster() {
  const bare = await startBareRig(true);
  const { request, controlPlane } = bare;
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-controller-'));
  const cloud = new Cloud({ knobs: { elasticIpQuota: 50 } });
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.0.0/20' });
  const ec2 = await startEc2Server({ cloud, throttle: unthrottled });
  const aws = {
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_EC2: ec2.url,
    AWS_ACCESS_KEY_ID: 'simulated',
    AWS_SECRET_ACCESS_KEY: 'simulated',
  };
  await request('POST', '/api/v1/namespaces', { metadata: { name: 'eni-agent-system' } });
  await bare.applyFiles(
    'daemonset/crds',
    'eips.materialize.cloud.yaml',
    'eips.aws.k8s.logmein.com.yaml',
    'enis.aws.k8s.logmein.com.yaml',
  );
  await bare.applyFiles('daemonset/controller', 'service-account.yaml', 'rbac.yaml');
  await bare.applyFiles('daemonset/base', 'service-account.yaml', 'rbac.yaml');
  await bare.applyFiles('daemonset/components/own-node-only');
  await bare.applyFiles('daemonset/components/controller-limits');
  /** A kubeconfig with the rights of a service account; with a pod, bound to that pod and so to its node, as kubelets do it. */
  const kubeconfigOf = async (account: string, pod?: string): Promise<string> => {
    const boundObjectRef = pod && { kind: 'Pod', apiVersion: 'v1', name: pod };
    const token = await request('POST', `${PATHS['ServiceAccount']}/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, ...(boundObjectRef && { boundObjectRef }) },
    });
    const path = join(folder, `${account}-${pod ?? ''}.kubeconfig`);
    const admin = readFileSync(controlPlane.kubeconfigPath, 'utf8');
    writeFileSync(path, admin.replace(/token: .*?\}/, `token: ${token.status.token as string}}`));
    return path;
  };
  const kubeconfig = await kubeconfigOf('eni-agent-controller');
  const nodes: {
    name: string;
    address: string;
    eni: string;
    imds: ImdsServer;
    instanceId: string;
    kubeconfig: string;
  }[] = [];
  for (const name of ['node-a', 'node-b']) {
    const { instance, primary } = cloud.addInstance({ type: 'm5.24xlarge', subnetId: subnet.id });
    const imds = await startImds({ cloud, instanceId: instance.id });
    const address = primary.addresses.find((entry) => entry.primary)?.ip ?? '';
    const labels = { 'eip.materialize.cloud/manage': 'true', role: 'egress' };
    await request('POST', '/api/v1/nodes', {
      metadata: { name, labels },
      spec: { providerID: `aws:///us-east-1a/${instance.id}` },
    });
    await request('POST', '/api/v1/namespaces/eni-agent-system/pods', {
      metadata: { name: `agent-${name}` },
      spec: { nodeName: name, serviceAccountName: 'eni-agent', containers: [{ name: 'c', image: 'i' }] },
    });
    const agentConfig = await kubeconfigOf('eni-agent', `agent-${name}`);
    nodes.push({ name, address, eni: primary.id, imds, instanceId: instance.id, kubeconfig: agentConfig });
  }
  const agents: SpawnedAgent[] = [];
  const spawn = (argv: readonly string[], environment: Readonly<Record<string, string>>) => {
    const agent = new SpawnedAgent([...argv, '--http-address=127.0.0.1:0', '--log-level=debug'], {
      environment: { ...aws, ...environment },
    });
    agents.push(agent);
    return agent;
  };
  let pods = 0;
  const rig = {
    ...bare,
    cloud,
    ec2,
    nodes,
    async setReady(name: string, ready: boolean) {
      const address = nodes.find((node) => node.name === name)?.address;
      const conditions = [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          lastHeartbeatTime: new Date().toISOString().replace(/\.\d+/, ''),
        },
      ];
      await request('PATCH', `/api/v1/nodes/${name}/status`, {
        status: { conditions, addresses: [{ type: 'InternalIP', address }] },
      });
    },
    startNodeAgents: (flags: readonly string[] = []) =>
      nodes.map(({ name, imds, kubeconfig: agentConfig }) =>
        spawn(
          [
            'node',
            `--node-name=${name}`,
            `--kubeconfig=${agentConfig}`,
            '--cluster-name=test',
            '--observe=annotations',
            `--state-dir=${join(folder, name)}`,
            ...flags,
          ],
          { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url },
        ),
      ),
    startController: (flags: readonly string[] = []) =>
      spawn(
        [
          'controller',
          `--kubeconfig=${kubeconfig}`,
          '--lease-duration=2s',
          '--lease-renew-deadline=1500ms',
          '--lease-retry-period=300ms',
          ...flags,
        ],
        {
          CLUSTER_NAME: 'test',
          DEFAULT_TAGS: '{"team": "media"}',
          POD_NAMESPACE: 'eni-agent-system',
          AWS_EC2_METADATA_DISABLED: 'true',
        },
      ),
    async startPod(name: string, node = 'node-a', labels: Record<string, string> = {}) {
      pods += 1;
      const address = `10.0.2.${pods}`;
      const { eni = '' } = nodes.find((candidate) => candidate.name === node) ?? {};
      cloud.assignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: [address] });
      const pod = await request('POST', '/api/v1/namespaces/default/pods', {
        metadata: { name, labels },
        spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
      });
      await request('PATCH', `/api/v1/namespaces/default/pods/${name}/status`, {
        status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] },
      });
      return { address, uid: pod.metadata.uid as string };
    },
    endPod: (name: string) => request('DELETE', `/api/v1/namespaces/default/pods/${name}`, { gracePeriodSeconds: 0 }),
    pod: (name: string) => request('GET', `/api/v1/namespaces/default/pods/${name}`),
    eips: () => cloud.describeAddresses().addressesSet as Wire[],
    tagsOf: (eip: Wire): Record<string, string> =>
      Object.fromEntries((eip?.tagSet ?? []).map(({ key, value }: Wire) => [key, value])),
    eip: (name: string) =>
      request('GET', `/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips/${name}`).catch(() => undefined),
    mzEip: (name: string, version = 'v2') =>
      request('GET', `/apis/materialize.cloud/${version}/namespaces/default/eips/${name}`).catch(() => undefined),
    async close() {
      await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
      await Promise.all([ec2.close(), ...nodes.map(({ imds }) => imds.close())]);
      await bare.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

export type ControllerCluster = Awaited<ReturnType<typeof startControllerCluster>>;
