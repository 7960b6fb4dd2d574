import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import { type RateLimit, unthrottled } from '../../sim/ec2/throttle.ts';
import { startImds } from '../../sim/imds/server.ts';
import { AgentProcess } from '../../sim/world/agent-process.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { PROGRAM } from '../support/program.ts';

export const NODE = 'node-a';

export interface ApiPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** On a real API server, which rigs use one after the other: the simulated EC2 over HTTP at 50 ms, and the real agent process of one node. */
export async function startEipRig(
  controlPlane: Pick<ControlPlane, 'kubeconfigPath'>,
  options: { readonly throttle?: RateLimit } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-eip-'));
  const cloud = new Cloud({ knobs: { elasticIpQuota: 100 } });
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.0.0/20' });
  const { instance, primary } = cloud.addInstance({ type: 'm5.24xlarge', subnetId: subnet.id });
  const ec2 = await startEc2Server({ cloud, throttle: options.throttle ?? unthrottled });
  ec2.faults.latencyMs = 50;
  const imds = await startImds({ cloud, instanceId: instance.id });
  // The warm addresses of the VPC CNI.
  const addresses = Array.from({ length: 49 }, (_, index) => `10.0.8.${index + 10}`);
  cloud.assignPrivateIpAddresses({ networkInterfaceId: primary.id, privateIpAddresses: addresses });
  const lines: string[] = [];
  const agent = new AgentProcess({
    entry: PROGRAM,
    argv: [
      'node',
      `--node-name=${NODE}`,
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--cluster-name=test',
      '--observe=annotations',
      '--release-delay=2s',
      `--state-dir=${join(folder, 'state')}`,
    ],
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: ec2.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_ACCESS_KEY_ID: 'simulated',
      AWS_SECRET_ACCESS_KEY: 'simulated',
    },
    logFile: join(folder, 'agent.log'),
    onLine: (line) => void lines.push(line),
  });
  const connection = await loadConnection({ kubeconfig: controlPlane.kubeconfigPath, env: {} });
  const client = createKubeClient({ connection, clock: systemClock() });
  await untilDefaultNamespace(client);
  const pods = podsOf(client);
  const close = async () => {
    await agent.close();
    await pods.removeAll();
    await client.close();
    await Promise.all([ec2.close(), imds.close()]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { cloud, ec2, primary, addresses, agent, lines, pods, client, close };
}

export type EipRig = Awaited<ReturnType<typeof startEipRig>>;

/** @throws errors that name the request: which of several in a test failed is otherwise anybody's guess. */
function podsOf({ request }: Pick<KubeClient, 'request'>) {
  const client: Pick<KubeClient, 'request'> = {
    request: async (asked) =>
      request<never>(asked).catch((error: unknown) => {
        throw new Error(`${asked.method} ${asked.path}: ${String(error)}`, { cause: error });
      }),
  };
  const path = '/api/v1/namespaces/default/pods';
  return {
    create: (body: object) => client.request<ApiPod>({ method: 'POST', path, body }),
    get: (name: string) => client.request<ApiPod>({ method: 'GET', path: `${path}/${name}` }),
    list: async () => (await client.request<{ items: ApiPod[] }>({ method: 'GET', path })).items,
    remove: (name: string) =>
      client.request({ method: 'DELETE', path: `${path}/${name}`, query: { gracePeriodSeconds: 0 } }),
    removeAll: () => client.request({ method: 'DELETE', path, query: { gracePeriodSeconds: 0 } }),
    /** What the kubelet writes when the sandbox is up. */
    giveAddress: (name: string, address: string) =>
      client.request<ApiPod>({
        method: 'PATCH',
        path: `${path}/${name}/status`,
        contentType: 'application/strategic-merge-patch+json',
        body: { status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } },
      }),
    annotate: (name: string, annotations: Readonly<Record<string, string | null>>) =>
      client.request<ApiPod>({
        method: 'PATCH',
        path: `${path}/${name}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations } },
      }),
    events: async (name: string) => {
      const list = await client.request<{
        items: { reason: string; type: string; message: string; involvedObject: { name: string; uid: string } }[];
      }>({
        method: 'GET',
        path: '/api/v1/namespaces/default/events',
      });
      return list.items.filter(({ involvedObject }) => involvedObject.name === name);
    },
  };
}

async function untilDefaultNamespace(client: KubeClient): Promise<void> {
  await until(
    async () =>
      (await client.request({ method: 'GET', path: '/api/v1/namespaces/default' }).catch(() => undefined)) !==
      undefined,
  );
}

/** Looks every few ms until the condition holds. @throws when it does not in time. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = PATIENCE_MS): Promise<number> {
  const start = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - start;
    if (performance.now() - start > withinMs) throw new Error(`the condition does not hold within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Calls since the last reset, by action. */
export function countCalls({ calls }: Pick<Ec2Server, 'calls'>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action } of calls) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}
