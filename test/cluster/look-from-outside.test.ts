import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterDoctor } from '../../agent/remote/doctor.ts';
import type { ClusterStatus } from '../../lib/model/status/cluster-status.ts';
import { until } from '../support/agent-process.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';
import { objectsIn } from '../unit/daemonset/chart.ts';
import { type RealApiServer, startRealApiServer } from './kube-api-server.ts';
import { NodeRig, type RigNode } from './node-rig.ts';

const ENTRY = join(import.meta.dirname, '../../agent/main.ts');
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const NAMESPACE = 'eni-agent-system';
const AGENT = 'eni-agent-a';
const ADDRESS = '10.77.1.61';

/** The API server's proxy reaches no loopback address, so the agent listens on one of this machine's own. */
const MACHINE = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
if (MACHINE === undefined) console.warn('commands from outside skipped: this machine has loopback addresses only');

describe.skipIf(MACHINE === undefined)(
  'commands that people run, against a real API server',
  { timeout: 120_000 },
  () => {
    let api: RealApiServer;
    let rig: NodeRig;
    let node: RigNode;

    beforeAll(async () => {
      api = await startRealApiServer(process.env['KUBEBUILDER_ASSETS'] ?? '');
      rig = await NodeRig.open(api);
      node = await rig.addNode();
      const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' };
      await patch(`/api/v1/nodes/${node.name}/status`, { status: { conditions: [ready] } });
      const agent = rig.agent(node, ['--observe=annotations', `--http-address=${MACHINE}:0`]);
      await agent.ready();
      const port = agent.told('listening').find(({ host }) => host === MACHINE)?.['port'];
      await createAgentPod(Number(port));
      await bindRights();
      const networks = [{ name: 'default/red', interface: 'net1', ips: [ADDRESS], mac: node.enis[1]?.mac }];
      await rig.createPod({ name: 'web', node: node.name, networks });
      await until('the address on its ENI', () => rig.holder(ADDRESS) === node.enis[1]?.id);
    }, 120_000);
    afterAll(async () => {
      await rig?.close();
      await api?.stop();
    });

    const patch = (path: string, body: object) =>
      rig.kube.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });

    /** The account of the DaemonSet and what it may do, in the server's own objects. */
    async function bindRights(): Promise<void> {
      const objects = objectsIn(contentOf('daemonset/base/rbac.yaml'), 'rbac.yaml');
      for (const object of objects.filter(({ kind }) => kind.startsWith('ClusterRole'))) {
        const path = `${RBAC}/${object.kind.toLowerCase()}s`;
        await rig.kube.request({ method: 'POST', path, body: object });
      }
    }

    /** As the DaemonSet makes it, for the agent that runs as a process here. */
    async function createAgentPod(port: number): Promise<void> {
      const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
      await rig.kube.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: NAMESPACE } } });
      const container = { name: 'agent', image: 'eni-agent:dev', ports: [{ name: 'metrics', containerPort: port }] };
      const metadata = { name: AGENT, labels: { 'app.kubernetes.io/name': 'eni-agent' } };
      const spec = { serviceAccountName: 'eni-agent', nodeName: node.name, hostNetwork: true, containers: [container] };
      const body = { metadata, spec };
      await rig.kube.request({ method: 'POST', path: pods, body });
      const conditions = [{ type: 'Ready', status: 'True' }];
      const status = { phase: 'Running', podIP: MACHINE, podIPs: [{ ip: MACHINE }], conditions };
      await patch(`${pods}/${AGENT}/status`, { status });
    }

    function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
      const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: join(rig.folder, 'direct') };
      return new Promise((resolve) => {
        execFile(process.execPath, [ENTRY, ...argv], { env, cwd: rig.folder }, (error, out, err) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
        });
      });
    }

    test('status reads objects, and the agent’s snapshot through the API server’s proxy', async () => {
      const read = async () => {
        const { out } = await run('status', '-o', 'json');
        return JSON.parse(out) as ClusterStatus;
      };
      await until('the pod to say so', async () => (await read()).summary.addresses.assigned === 1);
      const { code, out } = await run('status', '-o', 'json');
      const { summary, addresses, gaps, problems } = JSON.parse(out) as ClusterStatus;

      expect({ code, gaps, problems }).toEqual({ code: 0, gaps: [], problems: [] });
      expect(addresses).toMatchObject([{ address: ADDRESS, holder: 'Pod default/web', state: 'assigned' }]);
      expect(summary.enis.slots?.used).toBeGreaterThan(3);
      expect(summary.ec2).toEqual({ throttled: [], waiting: 0 });
    });

    test('status says at once that the agents have lost their rights, although their watches are still open', async () => {
      const read = async () => {
        const { code, out } = await run('status', '-o', 'json');
        return { code, problems: (JSON.parse(out) as ClusterStatus).problems };
      };
      await rig.kube.request({ method: 'DELETE', path: `${RBAC}/clusterrolebindings/eni-agent` });
      // The authorizer hears of it by a watch of its own.
      await until('the problem', async () => (await read()).problems.length > 0);
      const lost = await read();
      await rig.kube.request({ method: 'DELETE', path: `${RBAC}/clusterroles/eni-agent` });
      await bindRights();
      await until('the end of the problem', async () => (await read()).problems.length === 0);

      expect(lost).toMatchObject({
        code: 1,
        problems: [{ severity: 'error', subject: `ServiceAccount ${NAMESPACE}/eni-agent`, reason: 'AgentForbidden' }],
      });
      expect(lost.problems[0]?.message).toContain('may not list pods, watch pods, patch pods/status, create events');
    });

    test('status of a node that the cluster does not have is one line', async () => {
      const { code, err } = await run('status', '--node=nowhere');

      expect({ code, lines: err.trim().split('\n').length }).toEqual({ code: 2, lines: 1 });
      expect(err).toContain('nowhere');
    });

    test('bundle has what a cluster without kubelets can give, and names the rest', async () => {
      const { code, out } = await run('bundle', '--file=b.tar.gz');
      expect({ code, out }).toEqual({ code: 1, out: 'b.tar.gz\n' });

      execFileSync('tar', ['xzf', 'b.tar.gz', '--strip-components=1'], { cwd: rig.folder });
      const file = (path: string) => readFileSync(join(rig.folder, path), 'utf8');
      expect(file(`snapshots/${NAMESPACE}_${AGENT}.json`)).toContain(ADDRESS);
      expect(file(`metrics/${AGENT}.txt`)).toContain('eni_agent_claims');
      expect(JSON.parse(file('versions.json'))).toMatchObject({ apiServer: { major: '1' } });
      const missing = file('MISSING.txt').trim().split('\n');
      expect(missing.map((line) => line.split(':', 1)[0])).toEqual([`logs/${AGENT}.log`, `doctor/${AGENT}.json`]);
    });

    test('doctor --all-nodes says of a node that it could not be asked, and why; that is not a finding', async () => {
      const { code, out } = await run('doctor', '--all-nodes', '-o', 'json');
      const { nodes } = JSON.parse(out) as ClusterDoctor;

      expect(code).toBe(2);
      expect(nodes).toEqual([{ node: node.name, fault: expect.stringMatching(/.{10,}/) as string }]);
    });
  },
);
