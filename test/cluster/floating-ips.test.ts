import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { floatingIpOf } from '../../lib/model/floating-ips/floating-ip.ts';
import { ip } from '../../lib/model/ip.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import type { HostWorld } from '../../sim/host/host-world.ts';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { startImds } from '../../sim/imds/server.ts';
import { AgentProcess } from '../../sim/world/agent-process.ts';
import { type ControlPlane, startControlPlane, whyNoControlPlane } from '../support/control-plane.ts';
import { PROGRAM } from '../support/program.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';

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

const why = whyNoControlPlane();
if (why !== undefined) process.stdout.write(`FloatingIPs are not tested on a real API server: ${why}\n`);

describe.skipIf(why !== undefined)(
  'three real agents, a real API server with its garbage collector, simulated EC2',
  () => {
    let plane: ControlPlane;
    let ec2: Ec2Server;
    let client: KubeClient;
    let host: HostWorld;
    const cloud = new Cloud();
    const folder = mkdtempSync(join(tmpdir(), 'eni-agent-floating-'));
    let nodes: TestNode[] = [];

    beforeAll(async () => {
      plane = await startControlPlane({ controllers: true });
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
        entry: PROGRAM,
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
    const publicIps = () =>
      [...cloud.state.elasticIps.all(cloud.state.describeMoment())].map(({ publicIp }) => publicIp);
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

    it('a stopped holder does not fight when it triggers', async () => {
      const first = holder() ?? '';
      const { agent } = node(first);
      process.kill(agent.pid ?? 0, 'SIGSTOP');
      const next = await elsewhere(first);
      await sleep(1_000);
      process.kill(agent.pid ?? 0, 'SIGCONT');
      await sleep(5_000);

      expect(holder()).toBe(next);
    });

    it('give address and Elastic IP back when the object is deleted, although its Lease goes first', async () => {
      await client.request({ method: 'DELETE', path: `${FIPS}/web` });
      await until('no holder', () => (holder() === undefined ? true : undefined));
      await until('the Elastic IP given back', () => (publicIps().length === 0 ? true : undefined));

      expect(nodes.flatMap(({ agent }) => agent.crashes)).toEqual([]);
    });

    it('give the Elastic IP back when the holder died just before the deletion', async () => {
      await client.request({ method: 'POST', path: FIPS, body: OBJECT });
      const first = await until('a holder', holder);
      await until('an Elastic IP', () => (publicIps().length === 1 ? true : undefined));
      await node(first).agent.end('SIGKILL');
      await client.request({ method: 'DELETE', path: `${FIPS}/web` });
      await until('the Elastic IP given back', () => (publicIps().length === 0 ? true : undefined));
      await node(first).agent.start(stop.signal);
      await until('the address given back, too', () => (holder() === undefined ? true : undefined));

      expect(nodes.flatMap(({ agent }) => agent.crashes)).toEqual([]);
    });

    it('serve the older of two objects with one address, and nothing flaps', async () => {
      const { elasticIP: _none, ...spec } = OBJECT.spec;
      const remove = (name: string) => client.request({ method: 'DELETE', path: `${FIPS}/${name}` });
      // Whatever a failure leaves must not fail the next test, too.
      onTestFinished(
        async () => void (await Promise.all(['web', 'young'].map((name) => remove(name).catch(() => undefined)))),
      );
      await client.request({ method: 'POST', path: FIPS, body: { ...OBJECT, spec } });
      const first = await until('a holder', holder);
      await told(first);
      await sleep(1_100);
      const young = { ...OBJECT, metadata: { name: 'young' }, spec };
      await client.request({ method: 'POST', path: FIPS, body: young });
      const reason = await until('a reason on the younger', async () => {
        const found = floatingIpOf(await client.request({ method: 'GET', path: `${FIPS}/young` }));
        return found?.status.conditions[0]?.reason;
      });
      for (let look = 0; look < 20; look += 1) {
        expect(holder()).toBe(first);
        await sleep(100);
      }

      expect(reason).toBe('DuplicateAddress');
      await remove('young');
      await remove('web');
      await until('no holder', () => (holder() === undefined ? true : undefined));
    });

    const REFUSED: [string, object, RegExp][] = [
      ['a number over 255', { addresses: ['10.0.0.256'] }, /addresses\[0\]/],
      ['a leading zero', { addresses: ['10.0.0.01'] }, /addresses\[0\]/],
      ['a loopback address', { addresses: ['127.0.0.1'] }, /cannot be assigned/],
      ['a link-local address', { addresses: ['169.254.0.5/16'] }, /cannot be assigned/],
      ['a multicast address', { addresses: ['224.0.0.18'] }, /cannot be assigned/],
      ['an IPv6 link-local address', { addresses: ['fe80::1'] }, /cannot be assigned/],
      ['the IPv6 loopback address', { addresses: ['::1/128'] }, /cannot be assigned/],
      ['IPv6 with two gaps', { addresses: ['2001::1::2'] }, /not an IPv6 address/],
      ['IPv6 with seven groups', { addresses: ['2001:db8:0:0:0:0:1'] }, /not an IPv6 address/],
      ['IPv6 with a group too long', { addresses: ['2001:db8::12345'] }, /not an IPv6 address/],
      ['IPv6 with a colon at its end', { addresses: ['2001:db8::1:'] }, /not an IPv6 address/],
      ['one address twice', { addresses: [VIP, `${VIP}/24`] }, /listed once/],
      ['no address', { addresses: [] }, /addresses/],
      ['an Elastic IP without IPv4', { addresses: ['2001:db8::1'], elasticIP: 'auto' }, /needs an IPv4 address/],
      ['two Elastic IPs', { addresses: [VIP], elasticIP: 'tag:a,tag:b' }, /elasticIP/],
      ['an Elastic IP with a target', { addresses: [VIP], elasticIP: 'net1=auto' }, /elasticIP/],
      [
        'an Elastic IP with route tables',
        { addresses: [VIP], elasticIP: 'auto', routeTables: ['*'] },
        /not possible with/,
      ],
      ['what names no route table', { addresses: [VIP], routeTables: ['main'] }, /routeTables\[0\]/],
      ['no route table', { addresses: [VIP], routeTables: [] }, /routeTables/],
      ['an interface name with a blank', { addresses: [VIP], interface: 'eth 0' }, /interface/],
    ];
    it.each(REFUSED)('the API server refuses %s', async (_what, spec, message) => {
      const body = { ...OBJECT, metadata: { name: 'bad' }, spec };

      await expect(client.request({ method: 'POST', path: FIPS, body })).rejects.toThrow(message);
    });

    it('the API server takes what the agent understands', async () => {
      const addresses = [
        '10.77.0.9',
        '10.77.0.10/24',
        '2001:db8::1',
        '2001:DB8:0:0:0:0:0:2/64',
        '2001:db8::',
        'fd00:1::5',
      ];
      const spec = { addresses, elasticIP: 'auto:ipv4pool-ec2-1', nodeSelector: { no: 'node' } };
      const made = await client.request({
        method: 'POST',
        path: FIPS,
        body: { ...OBJECT, metadata: { name: 'good' }, spec },
      });
      await client.request({ method: 'DELETE', path: `${FIPS}/good` });

      expect(floatingIpOf(made)).toMatchObject({ faults: [] });
    });

    it('lead route tables to the holder and say where each stands; the field cannot be removed', async () => {
      const [{ vpcId } = { vpcId: '' }] = cloud.state.subnets.all(cloud.state.now());
      cloud.addRouteTable({ id: 'rtb-1', vpcId, main: true });
      const spec = { addresses: ['10.99.0.1'], nodeSelector: { ingress: 'yes' }, routeTables: ['rtb-1', 'rtb-0gone'] };
      await client.request({ method: 'POST', path: FIPS, body: { ...OBJECT, metadata: { name: 'routed' }, spec } });
      onTestFinished(async () => void (await client.request({ method: 'DELETE', path: `${FIPS}/routed` })));
      const status = await until('both tables in the status', async () => {
        const now = floatingIpOf(await client.request({ method: 'GET', path: `${FIPS}/routed` }))?.status;
        return now?.routeTables.some(({ state }) => state === 'assigned') === true ? now : undefined;
      });
      const [route] =
        cloud.state.routeTables.get('rtb-1')?.routes.filter(({ destination }) => destination === '10.99.0.1/32') ?? [];
      const patch = { body: { spec: { routeTables: null } }, contentType: 'application/merge-patch+json' } as const;

      expect(route?.target).toMatchObject({ networkInterfaceId: status.networkInterfaceId });
      expect(status.routeTables).toEqual([
        { table: 'rtb-0gone', state: 'refused', reason: 'RouteTableNotFound' },
        { table: 'rtb-1', state: 'assigned', reason: '' },
      ]);
      expect(status.conditions[0]).toMatchObject({ status: 'False', reason: 'RouteTableNotFound' });
      await expect(client.request({ method: 'PATCH', path: `${FIPS}/routed`, ...patch })).rejects.toThrow(
        /make a new object/,
      );
    });

    it('keep the Elastic IP when the definition is removed, and find it again for the next object of the name', async () => {
      await client.request({ method: 'POST', path: FIPS, body: OBJECT });
      await until('an Elastic IP in the status', async () => (await object())?.status.publicIp || undefined);
      const before = publicIps();
      await client.request({ method: 'DELETE', path: `${CRDS}/floatingips.eni-agent.io` });
      await until('no holder', () => (holder() === undefined ? true : undefined));
      await sleep(8_000);
      expect(publicIps()).toEqual(before);

      await install(client);
      await client.request({ method: 'POST', path: FIPS, body: OBJECT });
      for (const { agent } of nodes) await agent.end('SIGTERM');
      for (const { agent } of nodes) await agent.start(stop.signal);
      const again = await until(
        'an Elastic IP in the status',
        async () => (await object())?.status.publicIp || undefined,
      );

      expect([again]).toEqual(before);
      expect(publicIps()).toEqual(before);
      expect(nodes.flatMap(({ agent }) => agent.crashes)).toEqual([]);
    });
  },
);

function clientOf({ url, token }: Pick<ControlPlane, 'url' | 'token'>): KubeClient {
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
