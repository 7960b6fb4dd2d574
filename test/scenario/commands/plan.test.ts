import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanView } from '../../../agent/node/render-plan.ts';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { threeNodes } from '../../../sim/world/topology.ts';
import { openWorld, type World } from '../../../sim/world/world.ts';
import { PROGRAM } from '../../support/program.ts';

describe('eni-agent plan, in a simulated cluster without agents', { timeout: 120_000 }, () => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry: PROGRAM });
    world.floatingIps.install();
    world.floatingIps.create({ name: 'ingress', addresses: ['10.20.1.200'] });
    const node = world.nodes[1]!;
    const eni = node.enis[0]!;
    const networks = [{ ifName: 'net1', eni, ips: [world.addresses.take(eni.subnet, 4)] }];
    await world.pods.start({ name: 'web', node, networks, annotations: { 'eni-agent.io/eip': 'auto' } });
    const own = [{ ifName: 'net1', eni, ips: ['10.20.2.98'] }];
    await world.pods.start({
      name: 'odd',
      node,
      networks: own,
      annotations: { 'eni-agent.io/floating-ips': 'nonsense' },
    });
    const { vpcId } = world.cloud.state.interfaces.get(eni.id) ?? { vpcId: '' };
    world.cloud.addRouteTable({ id: 'rtb-1', vpcId, main: true, tags: { 'eni-agent.io/routed-ips': '' } });
    const routed = { 'eni-agent.io/routed-ips': '10.99.0.0/24' };
    const vip = [{ ifName: 'net1', eni, ips: ['10.99.0.5'] }];
    await world.pods.start({ name: 'vip', node, networks: vip, annotations: routed });
    await world.pods.start({ name: 'lost', node, networks: [{ ifName: 'net1', eni, ips: ['10.20.2.99'] }] });
  });
  afterAll(() => world?.close());

  function plan(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const { host, imds } = world.nodes[1]!;
    const env = {
      PATH: process.env['PATH'] ?? '',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: world.ec2.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_ACCESS_KEY_ID: 'simulated',
      AWS_SECRET_ACCESS_KEY: 'simulated',
      ...world.host.environment,
    };
    const flags = [
      `--kubeconfig=${world.kubeconfig}`,
      `--netns-dir=${host.netnsDir}`,
      `--cni-cache-dir=${host.cacheDir}`,
      `--state-dir=${join(world.folder, 'plan')}`,
      ...argv,
    ];
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, 'plan', ...flags], { env }, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      );
    });
  }

  it('prints private addresses, routes, Elastic IPs, FloatingIPs and every refusal, and changes nothing', async () => {
    const { code, out, err } = await plan('--node-name=node-b', '--cluster-name=test');

    expect(code).toBe(0);
    // On a slow machine it says what it waits for; nothing else goes there, and none of it to stdout.
    expect(err.replaceAll(/^eni-agent plan: waiting for .*\n/gm, '')).toBe('');
    expect(out).toMatch(/^Would do 4:\n {2}assign [\d.]+ to eni-\w+: ipam address of default\/web on net1/);
    expect(out).toMatch(/ {2}lead 10\.99\.0\.5\/32 to eni-\w+ in rtb-1: 10\.99\.0\.5 of default\/vip on net1\n/);
    expect(out).toMatch(/10\.99\.0\.5 ipam default\/vip net1: pending on eni-\w+ by rtb-1\(pending\)\n/);
    expect(out).toContain('  allocate an Elastic IP from amazon for default/web');
    expect(out).toMatch(/10\.20\.2\.99 ipam default\/lost net1: refused \(\w+: /);
    expect(out).toMatch(/Not understood:\n {2}default\/odd: InvalidAnnotation: /);
    expect(out).toContain('ingress 10.20.1.200: not served, holder nobody');
    expect(world.ec2.calls.filter(({ action }) => !action.startsWith('Describe'))).toEqual([]);
    expect(world.kube.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('says the same as JSON', async () => {
    const { out } = await plan('--node-name=node-b', '--cluster-name=test', '-o', 'json');
    const { schema, steps, snapshot } = JSON.parse(out) as PlanView;

    expect(schema).toBe('eni-agent.io/plan/v1');
    expect(steps.map(({ kind, pod }) => [kind, pod])).toEqual([
      ['assign', 'default/web'],
      ['move-route', 'default/vip'],
      ['uncheck-route', undefined],
      ['allocate-elastic-ip', 'default/web'],
    ]);
    const states = new Map(snapshot.claims.map(({ pod, state }) => [pod, state]));
    expect(states).toEqual(
      new Map([
        ['default/lost', 'refused'],
        ['default/odd', 'refused'],
        ['default/vip', 'pending'],
        ['default/web', 'pending'],
      ]),
    );
  });

  it('knows no node of another name', async () => {
    const { code, out, err } = await plan('--node-name=node-x');

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe('eni-agent plan: the cluster has no node "node-x"; see kubectl get nodes\n');
  });
});
