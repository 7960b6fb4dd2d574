import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canUseRealNamespaces } from '../../sim/host/real.ts';
import { type SpawnedAgent, until } from '../support/agent-process.ts';
import { openPod, type PodRig } from './pod-rig.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`agents in pods are not tested: ${possible}\n`);

const [V4, V6] = ['10.77.1.20', '2001:db8:77:1::20'];
const NOWHERE = 'http://198.18.77.1:1';

let rig: PodRig;
let cloud: PodRig['cloud'];
let red: PodRig['red'];
let otherNode: PodRig['otherNode'];

beforeEach(async () => {
  if (possible !== true) return;
  rig = await openPod();
  ({ cloud, red, otherNode } = rig);
});

afterEach(async () => {
  if (possible === true) await rig.close();
});

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

const writes = () => rig.ec2.calls.filter(({ action }) => /^(Assign|Unassign)/.test(action));

describe.skipIf(possible !== true)('eni-agent init, in the namespace of a pod', () => {
  test('assigns both families, the primary network left out, and ends with 0', async () => {
    await rig.inside('addr', 'add', `${V4}/24`, 'dev', 'net1');
    await rig.inside('addr', 'add', `${V6}/64`, 'dev', 'net1', 'nodad');

    const agent = rig.start(['init', '--timeout=20s']);

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
    await rig.inside('addr', 'add', `${V4}/24`, 'dev', 'net1');
    await rig.inside('addr', 'add', `${V6}/64`, 'dev', 'net1', 'nodad');

    const agent = rig.start(['init', '--timeout=20s'], { environment: { POD_NAMESPACE: '' } });

    expect(await agent.ended).toBe(0);
    expect(podsNamedBy(agent)).toEqual(['web-0']);

    expect([holderOf(V4), holderOf(V6)]).toEqual([red.id, red.id]);
  });

  test('fails closed and says what to fix when EC2 refuses', async () => {
    cloud.knobs.deniedActions = ['AssignPrivateIpAddresses'];
    await rig.inside('addr', 'add', `${V4}/24`, 'dev', 'net1');

    const agent = rig.start(['init', '--timeout=2s']);

    expect(await agent.ended).toBe(1);
    expect(agent.output.join('\n')).toMatch(/10\.77\.1\.20 on net1: Unauthorized: .*AssignPrivateIpAddresses/);
  });

  test.each([
    { name: 'no address comes', address: undefined, environment: {}, said: /no address besides the primary network/ },
    {
      name: 'EC2 is not there',
      address: `${V4}/24`,
      environment: { AWS_ENDPOINT_URL_EC2: NOWHERE },
      said: /on net1: Ec2Unavailable: DescribeNetworkInterfaces .*ECONNREFUSED/,
    },
    {
      name: 'the metadata service is not there',
      address: `${V4}/24`,
      environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: NOWHERE },
      said: /instance metadata/,
    },
  ])('fails closed when $name', async ({ address, environment, said }) => {
    if (address) await rig.inside('addr', 'add', address, 'dev', 'net1');
    const startedAt = Date.now();

    const agent = rig.start(['init', '--timeout=2s'], { environment });

    expect(await agent.ended).toBe(1);
    // From source, loading client-node takes a second, and on a busy machine several.
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(agent.output.join('\n')).toMatch(said);
    expect(agent.output.join('\n')).not.toMatch(/\n\s+at /);
  });

  test('waits for an address that comes after it has started', async () => {
    const agent = rig.start(['init', '--timeout=20s']);
    await until('a first describe', () => rig.ec2.calls.length > 0);

    await rig.inside('addr', 'add', `${V4}/24`, 'dev', 'net1');

    expect(await agent.ended).toBe(0);
    expect(holderOf(V4)).toBe(red.id);
  });
});

describe.skipIf(possible !== true)('eni-agent sidecar, in the namespace of a pod', () => {
  test('follows what is added and removed, and keeps the addresses when it is told to stop', async () => {
    const agent = rig.start(['sidecar']);
    await until('the sidecar', () => agent.told('following the addresses of this pod').length === 1);

    await rig.inside('addr', 'add', `${V4}/32`, 'dev', 'net1');
    await until('v4', () => holderOf(V4) === red.id);
    await rig.inside('addr', 'add', `${V6}/128`, 'dev', 'net1', 'nodad');
    await until('v6', () => holderOf(V6) === red.id);

    expect(await agent.end()).toBe(0);
    expect([holderOf(V4), holderOf(V6)]).toEqual([red.id, red.id]);
  });

  test('does not take back what another node took over, but takes it when it appears again', async () => {
    const agent = rig.start(['sidecar', '--ec2-resync=10s']);
    await rig.inside('addr', 'add', `${V4}/32`, 'dev', 'net1');
    await until('v4', () => holderOf(V4) === red.id);
    const reassign = { networkInterfaceId: otherNode.id, privateIpAddresses: [V4], allowReassignment: true };
    cloud.assignPrivateIpAddresses(reassign);

    await until('the loss', () => agent.told('address is no longer on our ENI; standing down').length === 1);
    expect(holderOf(V4)).toBe(otherNode.id);
    await rig.inside('addr', 'del', `${V4}/32`, 'dev', 'net1');
    await rig.inside('addr', 'add', `${V4}/32`, 'dev', 'net1');

    await until('the takeover', () => holderOf(V4) === red.id);
  });
});
