import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cloud } from '../../sim/ec2/cloud.ts';
import type { NetworkInterface } from '../../sim/ec2/entities.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import { unthrottled } from '../../sim/ec2/throttle.ts';
import { canUseRealNamespaces } from '../../sim/host/real.ts';
import { type ImdsServer, startImds } from '../../sim/imds/server.ts';
import { SpawnedAgent, until } from '../support/agent-process.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`agents in pods are not tested: ${possible}\n`);

const POD = `eni-agent-pod-${process.pid}`;
const HOST_END = `hp${process.pid.toString(36)}`;
const [HOST_IP, POD_IP] = ['198.18.77.1', '198.18.77.2'];
const [V4, V6] = ['10.77.1.20', '2001:db8:77:1::20'];

let cloud: Cloud;
let ec2: Ec2Server;
let imds: ImdsServer;
let red: NetworkInterface;
let otherNode: NetworkInterface;
let agents: SpawnedAgent[];

beforeEach(async () => {
  if (possible !== true) return;
  cloud = new Cloud();
  const vpc = cloud.addVpc({ cidr: '10.77.0.0/16', ipv6Cidr: '2001:db8:77::/56' });
  const primary = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.0.0/24' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.1.0/24', ipv6Cidr: '2001:db8:77:1::/64' });
  const [here, there] = [1, 2].map(() => cloud.addInstance({ type: 'm5.large', subnetId: primary.id }).instance);
  red = cloud.addInterface({ subnetId: subnet.id, instanceId: here?.id ?? '' });
  otherNode = cloud.addInterface({ subnetId: subnet.id, instanceId: there?.id ?? '' });
  ec2 = await startEc2Server({ cloud, throttle: unthrottled, host: '0.0.0.0' });
  imds = await startImds({ cloud, instanceId: here?.id ?? '', host: '0.0.0.0', tokens: 'optional' });
  agents = [];
  await execa('ip', ['netns', 'add', POD]);
  await execa('ip', ['link', 'add', HOST_END, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', POD]);
  await execa('ip', ['addr', 'add', `${HOST_IP}/30`, 'dev', HOST_END]);
  await execa('ip', ['link', 'set', HOST_END, 'up']);
  await inside('link', 'set', 'lo', 'up');
  await inside('addr', 'add', `${POD_IP}/30`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  // Like an ipvlan child: it has the MAC of the ENI.
  await inside('link', 'add', 'net1', 'address', red.mac, 'type', 'veth', 'peer', 'name', 'far');
  for (const end of ['net1', 'far']) await inside('link', 'set', end, 'up');
});

afterEach(async () => {
  if (possible !== true) return;
  await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
  await execa('ip', ['link', 'del', HOST_END]);
  await execa('ip', ['netns', 'del', POD]);
  await Promise.all([ec2.close(), imds.close()]);
});

async function inside(...words: readonly string[]): Promise<void> {
  await execa('nsenter', [`--net=/run/netns/${POD}`, 'ip', ...words]);
}

/** Starts the program inside the pod's network namespace. */
function start(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): SpawnedAgent {
  const agent = new SpawnedAgent(argv, {
    through: ['nsenter', `--net=/run/netns/${POD}`],
    environment: {
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: fromPod(ec2.url),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: fromPod(imds.url),
      AWS_ACCESS_KEY_ID: 'pod',
      AWS_SECRET_ACCESS_KEY: 'pod',
      POD_NAME: 'web-0',
      POD_NAMESPACE: 'shop',
      ...environment,
    },
  });
  agents.push(agent);
  return agent;
}

function fromPod(url: string): string {
  return `http://${HOST_IP}:${new URL(url).port}`;
}

function holderOf(address: string): string | undefined {
  const { state } = cloud;
  return state
    .allInterfaces(state.now())
    .find(({ addresses, ipv6Addresses }) => [...addresses, ...ipv6Addresses].some(({ ip }) => ip === address))?.id;
}

/** Pods that the log names, each once. */
function podsNamedBy(agent: SpawnedAgent): unknown[] {
  return [...new Set(agent.log.flatMap(({ pod }) => pod ?? []))];
}

const writes = () => ec2.calls.filter(({ action }) => /^(Assign|Unassign)/.test(action));

describe.skipIf(possible !== true)('eni-agent init, in the namespace of a pod', () => {
  test('assigns both families, the primary network left out, and ends with 0', async () => {
    await inside('addr', 'add', `${V4}/24`, 'dev', 'net1');
    await inside('addr', 'add', `${V6}/64`, 'dev', 'net1', 'nodad');

    const agent = start(['init', '--timeout=20s']);

    expect(await agent.ended).toBe(0);
    expect([holderOf(V4), holderOf(V6)]).toEqual([red.id, red.id]);
    expect(writes()).toHaveLength(2);
    expect(podsNamedBy(agent)).toEqual(['shop/web-0']);
    // IPAM gave them.
    expect(agent.output.join('\n')).not.toContain('floating');
  });

  test('takes its addresses over from the node where the pod was before', async () => {
    cloud.assignPrivateIpAddresses({ networkInterfaceId: otherNode.id, privateIpAddresses: [V4] });
    cloud.assignIpv6Addresses({ networkInterfaceId: otherNode.id, ipv6Addresses: [V6] });
    await inside('addr', 'add', `${V4}/24`, 'dev', 'net1');
    await inside('addr', 'add', `${V6}/64`, 'dev', 'net1', 'nodad');

    const agent = start(['init', '--timeout=20s'], { POD_NAMESPACE: '' });

    expect(await agent.ended).toBe(0);
    expect(podsNamedBy(agent)).toEqual(['web-0']);

    expect([holderOf(V4), holderOf(V6)]).toEqual([red.id, red.id]);
  });

  test('fails closed and says what to fix when EC2 refuses', async () => {
    cloud.knobs.deniedActions = ['AssignPrivateIpAddresses'];
    await inside('addr', 'add', `${V4}/24`, 'dev', 'net1');

    const agent = start(['init', '--timeout=2s']);

    expect(await agent.ended).toBe(1);
    expect(agent.output.join('\n')).toMatch(/10\.77\.1\.20 on net1: Unauthorized: .*AssignPrivateIpAddresses/);
  });

  test.each([
    { name: 'no address comes', address: undefined, environment: {}, said: /no address besides the primary network/ },
    {
      name: 'EC2 is not there',
      address: `${V4}/24`,
      environment: { AWS_ENDPOINT_URL_EC2: `http://${HOST_IP}:1` },
      said: /on net1: Ec2Unavailable: DescribeNetworkInterfaces .*ECONNREFUSED/,
    },
    {
      name: 'the metadata service is not there',
      address: `${V4}/24`,
      environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${HOST_IP}:1` },
      said: /instance metadata/,
    },
  ])('fails closed when $name', async ({ address, environment, said }) => {
    if (address) await inside('addr', 'add', address, 'dev', 'net1');
    const startedAt = Date.now();

    const agent = start(['init', '--timeout=2s'], environment);

    expect(await agent.ended).toBe(1);
    // From source, loading client-node takes a second, and on a busy machine several.
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(agent.output.join('\n')).toMatch(said);
    expect(agent.output.join('\n')).not.toMatch(/\n\s+at /);
  });

  test('waits for an address that comes after it has started', async () => {
    const agent = start(['init', '--timeout=20s']);
    await until('a first describe', () => ec2.calls.length > 0);

    await inside('addr', 'add', `${V4}/24`, 'dev', 'net1');

    expect(await agent.ended).toBe(0);
    expect(holderOf(V4)).toBe(red.id);
  });
});

describe.skipIf(possible !== true)('eni-agent sidecar, in the namespace of a pod', () => {
  test('follows what is added and removed, and keeps the addresses when it is told to stop', async () => {
    const agent = start(['sidecar']);
    await until('the sidecar', () => agent.told('following the addresses of this pod').length === 1);

    await inside('addr', 'add', `${V4}/32`, 'dev', 'net1');
    await until('v4', () => holderOf(V4) === red.id);
    await inside('addr', 'add', `${V6}/128`, 'dev', 'net1', 'nodad');
    await until('v6', () => holderOf(V6) === red.id);

    expect(await agent.end()).toBe(0);
    expect([holderOf(V4), holderOf(V6)]).toEqual([red.id, red.id]);
  });

  test('does not take back what another node took over, but takes it when it appears again', async () => {
    const agent = start(['sidecar', '--ec2-resync=10s']);
    await inside('addr', 'add', `${V4}/32`, 'dev', 'net1');
    await until('v4', () => holderOf(V4) === red.id);
    const reassign = { networkInterfaceId: otherNode.id, privateIpAddresses: [V4], allowReassignment: true };
    cloud.assignPrivateIpAddresses(reassign);

    await until('the loss', () => agent.told('address is no longer on our ENI; standing down').length === 1, 20_000);
    expect(holderOf(V4)).toBe(otherNode.id);
    await inside('addr', 'del', `${V4}/32`, 'dev', 'net1');
    await inside('addr', 'add', `${V4}/32`, 'dev', 'net1');

    await until('the takeover', () => holderOf(V4) === red.id);
  });
});
