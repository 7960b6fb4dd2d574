import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterDoctor } from '../../../agent/remote/doctor.ts';
import type { ClusterStatus } from '../../../lib/model/status/cluster-status.ts';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { threeNodes } from '../../../sim/world/topology.ts';
import { openWorld, type World } from '../../../sim/world/world.ts';
import { PROGRAM } from '../../support/program.ts';

/** Stands in for kubectl: notes what it was asked, and answers `exec … doctor` as an agent's pod would. Node b's pod does not answer. */
const KUBECTL = `#!${process.execPath}
const { appendFileSync } = require('node:fs');
appendFileSync(process.env.KUBECTL_NOTES, JSON.stringify(process.argv.slice(2)) + '\\n');
const words = process.argv.slice(2).join(' ');
if (words.includes('node-b')) { console.error('error: unable to upgrade connection'); process.exit(1); }
const node = /eni-agent-(node-\\w)/.exec(words)[1];
if (words.includes(' plan ')) { console.log('plan of ' + node); process.exit(0); }
const checks = [{ name: 'links', verdict: node === 'node-c' ? 'fail' : 'pass', finding: 'secret=hunter2', paragraph: 'docs/doctor.md#links' }];
console.log(JSON.stringify({ schema: 'eni-agent.io/doctor/v1', node, checks }));
`;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('commands that reach into the pods of the agents', { timeout: 120_000 }, () => {
  let world: World;
  let bin: string;
  const ending = new AbortController();

  beforeAll(async () => {
    world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry: PROGRAM });
    bin = join(world.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'kubectl'), KUBECTL);
    chmodSync(join(bin, 'kubectl'), 0o755);
    await Promise.all(world.nodes.map(({ agent }) => agent.start(ending.signal)));
  });
  afterAll(async () => {
    ending.abort();
    await world?.close();
  });

  function run(path: string, ...argv: string[]): Promise<Ended> {
    const env = { PATH: path, KUBECONFIG: world.kubeconfig, KUBECTL_NOTES: join(world.folder, 'notes') };
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, ...argv], { env, cwd: world.folder }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  }

  it('checks every node, tells which could not be asked, and ends with 1 when one is not well', async () => {
    const { code, out } = await run(bin, 'doctor', '--all-nodes', '-o', 'json');
    const { nodes } = JSON.parse(out) as ClusterDoctor;

    expect(code).toBe(1);
    expect(nodes).toMatchObject([
      { node: 'node-a', checks: [{ verdict: 'pass' }] },
      { node: 'node-b', fault: 'error: unable to upgrade connection' },
      { node: 'node-c', checks: [{ verdict: 'fail' }] },
    ]);
    // The nodes are asked at the same time, so kubectl's notes have any order.
    const asked = readFileSync(join(world.folder, 'notes'), 'utf8').trim().split('\n');
    expect(asked.map((line) => JSON.parse(line) as string[])).toContainEqual([
      `--kubeconfig=${world.kubeconfig}`,
      'exec',
      '--namespace=eni-agent-system',
      'eni-agent-node-a',
      '--',
      'eni-agent',
      'doctor',
      '-o',
      'json',
    ]);
  });

  it('plans in the pod of one node, and says so when kubectl or the agent is missing', async () => {
    expect(await run(bin, 'plan', '--node', 'node-a')).toEqual({ code: 0, out: 'plan of node-a\n', err: '' });
    const nobody = await run(bin, 'plan', '--node', 'node-x');
    expect(nobody).toMatchObject({
      code: 2,
      err: 'eni-agent plan: no agent runs on node "node-x"; see eni-agent status nodes\n',
    });
    const without = await run('/nowhere', 'plan', '--node', 'node-a');
    expect(without).toMatchObject({ code: 2, err: expect.stringContaining('kubectl is not on the PATH') as string });
  });

  it('bundles status, snapshots, metrics, logs and doctor of every node, names what is missing, and redacts', async () => {
    const { code, out } = await run(bin, 'bundle', '--file', 'b.tar.gz');
    expect({ code, out }).toEqual({ code: 1, out: 'b.tar.gz\n' });

    execFileSync('tar', ['xzf', 'b.tar.gz', '--strip-components=1'], { cwd: world.folder });
    const read = (path: string) => readFileSync(join(world.folder, path), 'utf8');
    expect((JSON.parse(read('status.json')) as ClusterStatus).nodes).toHaveLength(3);
    expect(read('status.txt')).toContain('# floatingips');
    expect(read('snapshots/eni-agent-system_eni-agent-node-a.json')).toContain('"kind": "node"');
    expect(read('metrics/eni-agent-node-c.txt')).toContain('eni_agent_');
    expect(read('logs/eni-agent-node-a.log')).toContain('serving node');
    expect(read('doctor/eni-agent-node-a.json')).toContain('secret=[redacted]');
    expect(read('MISSING.txt')).toBe('doctor/eni-agent-node-b.json: error: unable to upgrade connection\n');
    expect(read('README.txt')).toContain('Account ids are replaced');
  });
});
