import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canUseRealNamespaces } from '../../sim/host/real.ts';
import { until } from '../support/agent-process.ts';
import { openPod, type PodRig } from './pod-rig.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`routes of agents in pods are not tested: ${possible}\n`);

/** The ConfigMap of AWS's Multi-AZ sample. */
const SAMPLE = {
  Intf1Peers: '11.0.0.0/8,10.10.10.48',
  Intf2Peers: '20.0.0.0/8',
  VPCRTTag: 'ALL',
  RunAsSidecar: 'True',
  UseSBR: 'True',
  SubnetBasedLoopbacks: 'False',
};
const [VIP1, VIP2] = ['192.168.0.2', '192.168.1.2'];

let rig: PodRig;

beforeEach(async () => {
  if (possible !== true) return;
  rig = await openPod();
  const { cloud, vpc } = rig;
  // The subnet of the second pattern, which nothing else uses.
  cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.254.0/28' });
  cloud.addRouteTable({ id: 'rtb-1', vpcId: vpc.id, main: true });
  cloud.addRouteTable({ id: 'rtb-2', vpcId: vpc.id, tags: { BGPSpeaker: 'yes' } });
});

afterEach(async () => {
  if (possible === true) await rig.close();
});

/** Where a table leads a destination. */
function target(table: string, destination: string): string | undefined {
  const route = rig.cloud.state.routeTables.get(table)?.routes.find((each) => each.destination === destination);
  return route?.target.kind === 'interface' ? route.target.networkInterfaceId : undefined;
}

const targets = (destination: string) => ['rtb-1', 'rtb-2'].map((table) => target(table, destination));
const written = () => rig.ec2.calls.filter(({ action }) => action === 'CreateRoute' || action === 'ReplaceRoute');

describe.skipIf(possible !== true)("AWS's Multi-AZ sample with its image replaced", () => {
  test('as init container: leads the addresses of both interfaces here in all tables, sets source-based routing and the peers, ends', async () => {
    await rig.inside('addr', 'add', `${VIP1}/29`, 'dev', 'net1');
    await rig.inside('addr', 'add', `${VIP2}/29`, 'dev', 'net2');

    const agent = rig.startScript({ ...SAMPLE, RunAsSidecar: 'False' });

    expect({ code: await agent.ended, output: agent.output }).toMatchObject({ code: 0 });
    expect(targets(`${VIP1}/32`)).toEqual([rig.red.id, rig.red.id]);
    expect(targets(`${VIP2}/32`)).toEqual([rig.blue.id, rig.blue.id]);
    const rules = await rig.inside('rule');
    expect(rules).toMatch(/from 192\.168\.0\.2 lookup 101/);
    expect(rules).toMatch(/from 192\.168\.1\.2 lookup 102/);
    expect(await rig.inside('route', 'show', 'table', '101')).toMatch(/^default via 10\.77\.1\.1 dev net1 onlink/);
    expect(await rig.inside('route', 'show', 'table', '102')).toMatch(/^default via 10\.77\.2\.1 dev net2 onlink/);
    const main = await rig.inside('route');
    expect(main).toMatch(/11\.0\.0\.0\/8 via 10\.77\.1\.1 dev net1 onlink/);
    expect(main).toMatch(/10\.10\.10\.48 via 10\.77\.1\.1 dev net1 onlink/);
    expect(main).toMatch(/20\.0\.0\.0\/8 via 10\.77\.2\.1 dev net2 onlink/);
    expect(rig.cloud.state.interfaces.get(rig.red.id)?.sourceDestCheck).toBe(false);
    expect(rig.ec2.calls.filter(({ action }) => action.startsWith('Assign'))).toEqual([]);
  });

  test('without a variable but one it is an init container for all tables', async () => {
    await rig.inside('addr', 'add', `${VIP1}/29`, 'dev', 'net1');

    expect(await rig.startScript({ SubnetBasedLoopbacks: 'False' }).ended).toBe(0);

    expect(targets(`${VIP1}/32`)).toEqual([rig.red.id, rig.red.id]);
    expect(await rig.inside('rule')).not.toMatch(/192\.168/);
  });

  test('with a tag it writes that table only; in the second pattern the route is the network of the subnet', async () => {
    await rig.inside('addr', 'add', '10.77.254.2/28', 'dev', 'net1');

    const environment = { VPCRTTag: 'BGPSpeaker=yes', RunAsSidecar: 'False', SubnetBasedLoopbacks: 'True' };
    const agent = rig.startScript(environment);

    expect({ code: await agent.ended, output: agent.output }).toMatchObject({ code: 0 });
    expect(targets('10.77.254.0/28')).toEqual([undefined, rig.red.id]);
  });

  test('as sidecar: follows what is added and removed, and does not take back over a restart what another has by then', async () => {
    const agent = rig.startScript(SAMPLE);
    await until('the sidecar', () => agent.told('following the addresses of this pod').length === 1);
    await rig.inside('addr', 'add', `${VIP1}/32`, 'dev', 'net1');
    await until('the routes', () => targets(`${VIP1}/32`).every((eni) => eni === rig.red.id));
    await until('the rule', async () => (await rig.inside('rule')).includes(`from ${VIP1} lookup 101`));
    await rig.inside('addr', 'add', `${VIP2}/32`, 'dev', 'net2');
    await until('the second rule', async () => (await rig.inside('rule')).includes(`from ${VIP2} lookup 102`));
    await rig.inside('addr', 'del', `${VIP2}/32`, 'dev', 'net2');
    await until('the end of the rule', async () => !(await rig.inside('rule')).includes(VIP2));

    expect(await agent.end('SIGKILL')).toBe(-1);
    const destination = { destinationCidrBlock: `${VIP1}/32`, networkInterfaceId: rig.otherNode.id };
    for (const routeTableId of ['rtb-1', 'rtb-2']) rig.cloud.replaceRoute({ routeTableId, ...destination });
    const before = written().length;
    const next = rig.startScript(SAMPLE);
    await until('the loss', () => next.told('route leads elsewhere by now; standing down').length === 2);
    expect(await next.end()).toBe(0);
    expect(written()).toHaveLength(before);
    expect(targets(`${VIP1}/32`)).toEqual([rig.otherNode.id, rig.otherNode.id]);
  });
});

describe.skipIf(possible !== true)('routes of a pod, in our own words', () => {
  test('named addresses are routed, IPv6, too; others go to the ENI', async () => {
    await rig.inside('addr', 'add', '10.77.1.20/24', 'dev', 'net1');
    await rig.inside('addr', 'add', '2001:db8:ffff::1/128', 'dev', 'net1', 'nodad');

    const agent = rig.start(['init', '--timeout=20s', '--route-tables=rtb-1', '--routed-ips=2001:db8:ffff::/48']);

    expect({ code: await agent.ended, output: agent.output }).toMatchObject({ code: 0 });
    expect(targets('2001:db8:ffff::1/128')).toEqual([rig.red.id, undefined]);
    expect(rig.cloud.state.interfaces.get(rig.red.id)?.addresses.map(({ ip }) => ip)).toContain('10.77.1.20');
  });

  test('source-based routing needs NET_ADMIN and nothing else; without it the init container fails and says so', async () => {
    await rig.inside('addr', 'add', `${VIP1}/32`, 'dev', 'net1');
    const startWith = (capabilities: string) =>
      rig.start(['init', '--timeout=20s', '--route-tables=*', '--use-sbr'], {
        through: ['setpriv', `--bounding-set=${capabilities}`],
      });

    const without = startWith('-all');
    expect(await without.ended).toBe(1);
    expect(without.output.join('\n')).toMatch(/UseSBR and peers need the capability NET_ADMIN/);
    expect(await rig.inside('rule')).not.toMatch(/192\.168/);

    const agent = startWith('-all,+net_admin');
    expect({ code: await agent.ended, output: agent.output }).toMatchObject({ code: 0 });
    expect(await rig.inside('rule')).toMatch(/from 192\.168\.0\.2 lookup 101/);
  });
});
