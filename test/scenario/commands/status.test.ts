import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../../lib/model/status/cluster-status.ts';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { threeNodes } from '../../../sim/world/topology.ts';
import { openWorld, type World } from '../../../sim/world/world.ts';
import { PROGRAM } from '../../support/program.ts';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('eni-agent status, against real agents in a simulated cluster', { timeout: 120_000 }, () => {
  let world: World;
  const ending = new AbortController();

  beforeAll(async () => {
    world = await openWorld({
      host: new StandInHost(),
      topology: threeNodes,
      entry: PROGRAM,
      agentFlags: ['--release-delay=2s'],
    });
    world.floatingIps.install();
    await Promise.all(world.nodes.map(({ agent }) => agent.start(ending.signal)));
  });
  afterAll(async () => {
    ending.abort();
    await world?.close();
  });

  /** Runs the program as a person would, with the world's kubeconfig and nothing else in its environment. */
  function run(...argv: string[]): Promise<Ended> {
    const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: world.kubeconfig };
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, ...argv], { env }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  }

  async function look(...argv: string[]): Promise<ClusterStatus> {
    return JSON.parse((await run('status', '-o', 'json', ...argv)).out) as ClusterStatus;
  }

  async function startPod(name: string, nodeIndex: number, ips?: readonly string[]) {
    const node = world.nodes[nodeIndex]!;
    const eni = node.enis[0]!;
    const given = ips ?? [world.addresses.take(eni.subnet, 4)];
    await world.pods.start({ name, node, networks: [{ ifName: 'net1', eni, ips: given }] });
    return { node, eni, given };
  }

  it('shows what EC2 has: every ENI with its limit, the pod on its address, and says that all is well', async () => {
    const { node, eni, given } = await startPod('web', 1);
    const told = async () => (await look()).addresses.some(({ state }) => state === 'assigned');
    await expect.poll(told, { timeout: 15_000 }).toBe(true);

    const { code, out } = await run('status');
    const status = await look();

    expect(out).toContain('all is well');
    expect(out).toContain('3 of 3 ready');
    expect(code).toBe(0);
    expect(status.addresses).toMatchObject([
      { address: given[0], holder: 'Pod default/web', node: node.name, eni: eni.id, kind: 'ipam' },
    ]);
    const shown = status.nodes.flatMap(({ enis }) =>
      enis.flatMap((shownEni) => shownEni.addresses.map(({ address }) => address)),
    );
    const { state } = world.cloud;
    const real = state
      .allInterfaces(state.now())
      .flatMap(({ addresses, ipv6Addresses }) => [...addresses, ...ipv6Addresses].map(({ ip }) => ip));
    expect(new Set(shown)).toEqual(new Set(real));
    expect(status.summary.enis.slots).toMatchObject({ limit: expect.any(Number) as number });
  });

  it('narrows the look to a node, a namespace or labels, and knows no node of another name', async () => {
    const onlyA = await look('--node', 'node-a');
    expect(onlyA.nodes.map(({ name }) => name)).toEqual(['node-a']);
    expect(onlyA.pods).toEqual([]);
    expect((await look('-n', 'kube-system')).pods).toEqual([]);
    expect((await look('-l', 'no=such')).pods).toEqual([]);

    const wrong = await run('status', '--node', 'node-x');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toBe('eni-agent status: the cluster has no node "node-x"; see eni-agent status nodes\n');
  });

  it('tells a refusal with its reason and message, and exits with 1', async () => {
    await startPod('lost', 1, ['10.20.2.99']);
    await expect.poll(async () => (await look()).summary.addresses.refused, { timeout: 15_000 }).toBe(1);

    const { code, out } = await run('status');
    expect(code).toBe(1);
    expect(out).toContain('Pod default/lost');
    expect((await look()).problems).toMatchObject([{ severity: 'error', subject: 'Pod default/lost' }]);
  });

  it('names an agent that has gone, and shows what Kubernetes still knows of its node', async () => {
    const { agent, name } = world.nodes[1]!;
    await agent.end('SIGKILL');
    await expect.poll(() => agent.running).toBe(false);

    const status = await look();
    expect(status.problems.map(({ subject, reason }) => `${subject} ${reason}`)).toContain(
      `Node ${name} AgentNotReady`,
    );
    expect(status.gaps.join()).toContain('1 of 3 agents gave no snapshot');
    expect(status.nodes[1]).toMatchObject({ name, source: 'pods', enis: [{ ipv4: { used: 1, limit: null } }] });
    await agent.start(ending.signal);
  });

  it('shows the controller beside the agents, who of its replicas leads, and the quota that it has read', async () => {
    await world.controller.start(ending.signal);
    const controller = async () => (await look()).agents.find(({ role }) => role === 'controller');
    await expect.poll(async () => (await controller())?.leader, { timeout: 60_000 }).toBe(true);
    const quota = async () => (await look()).summary.elasticIps.quota;
    await expect.poll(quota, { timeout: 60_000 }).toEqual({ used: 0, limit: 5 });

    expect(await controller()).toMatchObject({ name: 'eni-agent-controller', node: 'node-c', ready: true });
    expect((await run('status', 'agents')).out).toMatch(/eni-agent-controller +leader +node-c +yes/);
  });

  it('ends a watch in the middle of a look without a fault, with the code of the look before', async () => {
    const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: world.kubeconfig };
    const child = spawn(process.execPath, [PROGRAM, 'status', '-w', '-o', 'json', '--interval=1s'], { env });
    const err = text(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.resume();
    const { faults, requests } = world.kube;
    faults.latencyMs = 10_000;
    try {
      const before = requests.length;
      const isLooking = () => requests.slice(before).some(({ path }) => path === '/api/v1/nodes');
      await expect.poll(isLooking, { timeout: 30_000 }).toBe(true);
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([1, null]);
    } finally {
      faults.latencyMs = 0;
    }
    expect(await err).toBe('');
  });

  it('knows nothing any more of a node that has left, nor of its agent', async () => {
    const [node] = world.nodes;
    await world.leave(node!);

    const status = await look();
    expect(status.nodes.map(({ name }) => name)).toEqual(['node-b', 'node-c']);
    expect(status.agents.map(({ name }) => name)).not.toContain('eni-agent-node-a');
    expect(status.gaps.join()).not.toContain('node-a');
  });

  it('says in a view that shows nothing wrong why it ends with 1', async () => {
    const { code, out, err } = await run('status', 'eips');

    expect([code, out]).toEqual([1, 'No Elastic IP is used or asked for.\n']);
    expect(err).toContain('eni-agent status: something is wrong in the cluster (exit code 1); see eni-agent status\n');
  });

  it.each([
    [
      'there is no kubeconfig',
      () => '/nowhere',
      /^eni-agent status: kubeconfig \/nowhere cannot be read .* --kubeconfig/,
    ],
    [
      'the API server is away',
      awayServer,
      /^eni-agent status: http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED.* is the cluster up/,
    ],
  ])('is one plain line with the fix and code 2 when %s', async (_, kubeconfig, said) => {
    const { code, out, err } = await run('status', '--kubeconfig', kubeconfig());

    expect([code, out]).toEqual([2, '']);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toMatch(said);
  });

  /** A kubeconfig that leads to a port on which nobody listens. */
  function awayServer(): string {
    const path = join(world.folder, 'away');
    writeFileSync(path, readFileSync(world.kubeconfig, 'utf8').replace(/http:\/\/[\d.:]+/, 'http://127.0.0.1:1'));
    return path;
  }
});
