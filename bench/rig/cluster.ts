import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { startControlPlane, whyNoControlPlane } from '../../test/support/control-plane.ts';

/** An API server in other processes, and what scheduler, kubelet and Multus write to it. */
export interface Cluster extends AsyncDisposable {
  /** For the table: which server this is. */
  readonly label: string;
  readonly url: string;
  readonly token: string;
  readonly kubeconfigPath: string;
  /** @throws when the server does not answer 2xx. */
  send(method: string, path: string, body?: object, contentType?: string): Promise<object>;
}

const MERGE = 'application/merge-patch+json';

/** The real one when `KUBEBUILDER_ASSETS` is set, else the simulated one. */
export async function openCluster(): Promise<Cluster> {
  return whyNoControlPlane() === undefined ? realCluster() : simulatedCluster();
}

async function realCluster(): Promise<Cluster> {
  const plane = await startControlPlane();
  const { url, token, kubeconfigPath } = plane;
  const { send, closeClient } = client(url, token);
  const version = (await send('GET', '/version')) as { gitVersion: string };
  const close = async () => {
    await closeClient();
    await plane.close();
  };
  return {
    label: `kube-apiserver ${version.gitVersion}`,
    url,
    token,
    kubeconfigPath,
    send,
    [Symbol.asyncDispose]: close,
  };
}

async function simulatedCluster(): Promise<Cluster> {
  const child = fork(join(import.meta.dirname, 'kube-process.ts'));
  const [{ url, kubeconfig }] = (await once(child, 'message')) as [{ url: string; kubeconfig: string }];
  const folder = await mkdtemp(join(tmpdir(), 'eni-agent-bench-'));
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, kubeconfig);
  const { send, closeClient } = client(url, 'simulated');
  const close = async () => {
    await closeClient();
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
    await rm(folder, { recursive: true });
  };
  return { label: 'simulated', url, token: 'simulated', kubeconfigPath, send, [Symbol.asyncDispose]: close };
}

function client(url: string, token: string) {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, pipelining: 1 });
  const send: Cluster['send'] = async (method, path, body, contentType = 'application/json') => {
    const answer = await request(`${url}${path}`, {
      dispatcher,
      method: method as 'GET',
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
    return JSON.parse(text) as object;
  };
  return { send, closeClient: () => dispatcher.close() };
}

export async function createNode(cluster: Cluster, name: string, providerID: string): Promise<void> {
  await cluster.send('POST', '/api/v1/nodes', { metadata: { name }, spec: { providerID } });
}

export interface PodInput {
  readonly name: string;
  readonly node: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A pod bound to a node, without network yet. Returns its uid. */
export async function createPod(cluster: Cluster, { name, node, annotations = {} }: PodInput): Promise<string> {
  const spec = { nodeName: node, containers: [{ name: 'main', image: 'pause' }] };
  const created = await cluster.send('POST', PODS, { metadata: { name, annotations }, spec });
  return (created as { metadata: { uid: string } }).metadata.uid;
}

export interface Attachment {
  readonly ifName: string;
  readonly ips: readonly string[];
  readonly mac: string;
}

/** What Multus writes at the end of CNI ADD. */
export async function writeNetworkStatus(
  cluster: Cluster,
  pod: string,
  networks: readonly Attachment[],
): Promise<void> {
  const entries = [
    { name: 'aws-cni', interface: 'eth0', ips: ['100.64.0.10'], default: true, dns: {} },
    ...networks.map(({ ifName, ips, mac }) => ({ name: 'default/multus', interface: ifName, ips, mac, dns: {} })),
  ];
  const annotations = { 'k8s.v1.cni.cncf.io/network-status': JSON.stringify(entries, null, 4) };
  await cluster.send('PATCH', `${PODS}/${pod}/status`, { metadata: { annotations } }, MERGE);
}

/** The sandbox is up: what a kubelet writes. */
export async function writeRunning(cluster: Cluster, pod: string, podIP: string): Promise<void> {
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] };
  await cluster.send('PATCH', `${PODS}/${pod}/status`, { status }, MERGE);
}

/** Gone at once, as after the kubelet's last word. */
export async function removePod(cluster: Cluster, pod: string): Promise<void> {
  await cluster.send('DELETE', `${PODS}/${pod}`, { gracePeriodSeconds: 0 });
}

const PODS = '/api/v1/namespaces/default/pods';
