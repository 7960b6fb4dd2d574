import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { floatingIpOf } from '../../lib/model/floating-ip.ts';
import { ip } from '../../lib/model/ip.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import type { HostWorld } from '../../sim/host/host-world.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { startImds } from '../../sim/imds/server.ts';
import { startKubeApi } from '../../sim/kube/server.ts';
import { AgentProcess } from '../../sim/world/agent-process.ts';
import { type ControlPlane, startControlPlane, whyNoControlPlane } from '../support/control-plane.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';

interface Api {
  readonly url: string;
  readonly token: string;
  readonly kubeconfigPath: string;
  readonly close: () => Promise<void>;
}

const VIP = '10.30.1.201';
const FIPS = '/apis/eni-agent.io/v1alpha1/floatingips';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const OBJECT = {
  apiVersion: 'eni-agent.io/v1alpha1',
  kind: 'FloatingIP',
  metadata: { name: 'web' },
  spec: { addresses: [VIP], nodeSelector: { ingress: 'yes' }, elasticIP: 'auto' },
};
const stop = new AbortController();

interface TestNode {
  readonly name: string;
  readonly eni: string;
  readonly agent: AgentProcess;
  readonly close: () => Promise<void>;
}

describe('three real agents, an API server, simulated EC2', () => {
  let plane: Api;
  let ec2: Ec2Server;
  let client: KubeClient;
  let host: HostWorld;
  const cloud = new Cloud();
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-floating-'));
  let nodes: TestNode[] = [];

  beforeAll(async () => {
    plane = await openApi(folder);
    ec2 = await startEc2Server({ cloud });
    host = new StandInHost();
    client = clientOf(plane);
    await install(client);
    const vpc = cloud.addVpc({ cidr: '10.30.0.0/16' });
    const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.30.1.0/24' });
    const main = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.30.0.0/24' });
    nodes = await Promise.all(['n1', 'n2', 'n3'].map((name) => startNode(name, main.id, subnet.id)));
  });

  afterAll(async () => {
    stop.abort();
    await Promise.all(nodes.map((node) => node.close()));
    await client?.close();
    await host?.close();
    await ec2?.close();
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startNode(name: string, mainSubnet: string, subnet: string): Promise<TestNode> {
    const { instance } = cloud.addInstance({ type: 'm5.large', subnetId: mainSubnet });
    const eni = cloud.addInterface({ subnetId: subnet, instanceId: instance.id });
    const machine = await host.createNode(name, [{ name: `eth-${name}`, mac: eni.mac }]);
    const imds = await startImds({ cloud, instanceId: instance.id });
    const spec = { providerID: `aws:///${instance.zone}/${instance.id}` };
    await client.request({
      method: 'POST',
      path: '/api/v1/nodes',
      body: { metadata: { name, labels: { ingress: 'yes' } }, spec },
    });
    const agent = new AgentProcess({
      entry: 'agent/main.ts',
      logFile: join(folder, `${name}.log`),
      argv: [
        'node',
        `--node-name=${name}`,
        `--kubeconfig=${plane.kubeconfigPath}`,
        `--netns-dir=${machine.netnsDir}`,
        `--cni-cache-dir=${machine.cacheDir}`,
        `--state-dir=${join(folder, name)}`,
        '--lease-namespace=default',
        '--cluster-name=test',
      ],
      environment: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_EC2: ec2.url,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
        AWS_ACCESS_KEY_ID: 'simulated',
        AWS_SECRET_ACCESS_KEY: 'simulated',
        ...host.environment,
      },
    });
    await agent.start(stop.signal);
    const close = async () => {
      await agent.close();
      await imds.close();
    };
    return { name, eni: eni.id, agent, close };
  }

  const holder = () => {
    const eni = [...nodes].find((node) =>
      cloud.state.requireInterfaceNow(node.eni).addresses.some((entry) => entry.ip === VIP),
    );
    return eni?.name;
  };
  const object = async () => floatingIpOf(await client.request({ method: 'GET', path: `${FIPS}/web` }));

  async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (const end = Date.now() + 40_000; Date.now() < end; await sleep(5)) {
      const found = await ask();
      if (found !== undefined) return found;
    }
    throw new Error(`not within 40 s: ${what}`);
  }
  const node = (name: string | undefined) => {
    const found = nodes.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  };
  const publicIps = () => [...cloud.state.elasticIps.all(cloud.state.describeMoment())].map(({ publicIp }) => publicIp);
  const elsewhere = (than: string) =>
    until(`${VIP} elsewhere than ${than}`, () => (holder() === than ? undefined : holder()));
  const told = (name: string) =>
    until(`status names ${name}`, async () => {
      const status = (await object())?.status;
      return status?.node === name && status.conditions[0]?.status === 'True' ? status : undefined;
    });

  it('elect a holder, which takes the address over and says so on the object', async () => {
    await client.request({ method: 'POST', path: FIPS, body: OBJECT });
    const first = await until(`a holder of ${ip(VIP)}`, holder);
    const status = await told(first);

    await until('the Elastic IP in the status', async () =>
      (await object())?.status.publicIp === publicIps()[0] ? true : undefined,
    );
    expect(publicIps()).toHaveLength(1);
    expect(status).toMatchObject({
      networkInterfaceId: node(first).eni,
      conditions: [{ type: 'Ready', reason: 'Serving' }],
    });
  });

  it('move nothing in a rolling restart', async () => {
    const first = holder();
    for (const { agent } of nodes) {
      await agent.end('SIGTERM');
      await sleep(3_500);
      await agent.start(stop.signal);
      expect(holder()).toBe(first);
    }
  });

  it('hand over at once when the node is cordoned', async () => {
    const first = holder() ?? '';
    const started = Date.now();
    await client.request({
      method: 'PATCH',
      path: `/api/v1/nodes/${first}`,
      contentType: 'application/merge-patch+json',
      body: { spec: { unschedulable: true } },
    });
    const next = await elsewhere(first);
    process.stdout.write(`cordon: EC2 has moved the address after ${Date.now() - started} ms\n`);
    await told(next);
    await client.request({
      method: 'PATCH',
      path: `/api/v1/nodes/${first}`,
      contentType: 'application/merge-patch+json',
      body: { spec: { unschedulable: null } },
    });

    expect(next).not.toBe(first);
  });

  it('replace a killed node within 5 s, and do not flap when it is back', async () => {
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const first = holder() ?? '';
      const started = Date.now();
      await node(first).agent.end('SIGKILL');
      const next = await elsewhere(first);
      times.push(Date.now() - started);
      await told(next);
      await node(first).agent.start(stop.signal);
      await sleep(1_500);
      expect(holder()).toBe(next);
    }
    process.stdout.write(`kill -9: EC2 has moved the address after ${times.join(', ')} ms\n`);

    expect(Math.max(...times)).toBeLessThanOrEqual(5_000);
  });

  it('a stopped holder does not fight when it wakes', async () => {
    const first = holder() ?? '';
    const { agent } = node(first);
    process.kill(agent.pid ?? 0, 'SIGSTOP');
    const next = await elsewhere(first);
    await sleep(1_000);
    process.kill(agent.pid ?? 0, 'SIGCONT');
    await sleep(5_000);

    expect(holder()).toBe(next);
  });

  it('give the address back when the object is deleted', async () => {
    await client.request({ method: 'DELETE', path: `${FIPS}/web` });
    await until('no holder', () => (holder() === undefined ? true : undefined));

    await until('the Elastic IP given back', () => (publicIps().length === 0 ? true : undefined));
    expect(nodes.flatMap(({ agent }) => agent.crashes)).toEqual([]);
  });
});

/** A real API server where one can be started and bears custom resources, else the simulated one; says which and why. */
async function openApi(folder: string): Promise<Api> {
  const why = whyNoControlPlane() ?? (await whyNoCustomResources());
  if (why === undefined) return startControlPlane();
  process.stdout.write(`floating IPs are tested on the simulated API server: ${why}\n`);
  const api = await startKubeApi();
  const kubeconfigPath = join(folder, 'kubeconfig');
  writeFileSync(kubeconfigPath, api.kubeconfig());
  return { url: api.url, token: '', kubeconfigPath, close: () => api.close() };
}

/** Kubernetes before 1.23 built with Go 1.18 or later dies of the first custom resource; its definition it takes. */
async function whyNoCustomResources(): Promise<string | undefined> {
  const plane: ControlPlane = await startControlPlane();
  const client = clientOf(plane);
  try {
    await install(client);
    await client.request({ method: 'POST', path: FIPS, body: { ...OBJECT, metadata: { name: 'probe' } } });
    return undefined;
  } catch (error) {
    return `this kube-apiserver takes the definition, but no object (${String(error)})`;
  } finally {
    await client.close();
    await plane.close();
  }
}

function clientOf({ url, token }: Pick<Api, 'url' | 'token'>): KubeClient {
  const credentials = { headers: { authorization: `Bearer ${token}` }, tls: { rejectUnauthorized: false } };
  return createKubeClient({
    connection: { server: url, namespace: undefined, credentials: () => Promise.resolve(credentials) },
    clock: systemClock(),
  });
}

/** Applies the definition and waits until it is served. @throws when the server refuses it */
async function install(client: KubeClient): Promise<void> {
  await client.request({ method: 'POST', path: CRDS, body: parse(contentOf('daemonset/crds/floatingip.yaml')) });
  for (let tries = 0; tries < 100; tries += 1) {
    if (
      await client.request({ method: 'GET', path: FIPS }).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error('FloatingIPs are not served');
}
