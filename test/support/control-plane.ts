import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { freePort } from '../../sim/world/free-port.ts';

export interface ControlPlane extends AsyncDisposable {
  /** https, with a certificate that nobody has signed. */
  readonly url: string;
  /** A bearer token of system:masters. */
  readonly token: string;
  readonly kubeconfigPath: string;
  readonly close: () => Promise<void>;
}

export interface ControlPlaneOptions {
  /** Also runs kube-controller-manager and kube-scheduler. @default false */
  controllers?: boolean;
}

const token = 'admin-token';

/** Why no real API server can be started here, or undefined when one can. The envtest convention is followed. */
export function whyNoControlPlane(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (!assets) return 'KUBEBUILDER_ASSETS is not set to a folder with etcd and kube-apiserver';
  const missing = ['etcd', 'kube-apiserver'].filter((binary) => !existsSync(join(assets, binary)));
  return missing.length > 0 ? `KUBEBUILDER_ASSETS has no ${missing.join(' and no ')}` : undefined;
}

/**
 * Starts etcd and kube-apiserver from `KUBEBUILDER_ASSETS` on free loopback ports in a folder of their own and waits
 * until `/readyz` says ok. Throws with the server's last words when it does not become ready within 60 s.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'eni-agent-control-plane-'));
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${apiPort}`;
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFiles(folder, url);
  const processes: ChildProcess[] = [];
  const run = (name: string, args: string[]) => processes.push(start(join(assets, name), args, folder, name));
  const close = async () => {
    for (const child of processes.toReversed()) await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    run('etcd', etcdFlags(etcdPort, peerPort));
    run('kube-apiserver', apiServerFlags(etcdPort, apiPort));
    await ready(url, join(folder, 'kube-apiserver.log'), processes);
    if (options.controllers) {
      const common = ['--kubeconfig=kubeconfig', '--leader-elect=false', '--secure-port=0'];
      run('kube-controller-manager', [...common, '--service-account-private-key-file=sa.key', ...NO_KUBELETS]);
      run('kube-scheduler', common);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { url, token, kubeconfigPath, close, [Symbol.asyncDispose]: close };
}

function etcdFlags(port: number | undefined, peerPort: number | undefined): string[] {
  const client = `http://127.0.0.1:${port}`;
  const flags = [`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`, '--data-dir=etcd'];
  return [...flags, `--listen-peer-urls=http://127.0.0.1:${peerPort}`, '--unsafe-no-fsync', '--log-level=error'];
}

/** No kubelet reports here: after a minute every node would count as not ready, and no node would serve a FloatingIP any more. */
const NO_KUBELETS = ['--node-startup-grace-period=24h', '--node-monitor-grace-period=24h'];

/** Works from 1.20 to today. Pods need no service account, and nodes are not tainted for lack of a kubelet. */
function apiServerFlags(etcdPort: number | undefined, port: number | undefined): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--cert-dir=certs',
    '--token-auth-file=tokens.csv',
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-signing-key-file=sa.key',
    '--service-account-key-file=sa.pub',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    '--allow-privileged=true',
  ];
}

async function writeFiles(folder: string, url: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFile(join(folder, 'sa.key'), privateKey, { mode: 0o600 });
  await writeFile(join(folder, 'sa.pub'), publicKey);
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
  await writeFile(
    join(folder, 'kubeconfig'),
    `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "${url}", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: ${token}}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
`,
  );
}

function start(binary: string, args: string[], folder: string, name: string): ChildProcess {
  const log = createWriteStream(join(folder, `${name}.log`));
  const child = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.on('error', (error) => log.write(String(error)));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function ready(url: string, log: string, processes: readonly ChildProcess[]): Promise<void> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const headers = { authorization: `Bearer ${token}` };
  const deadline = AbortSignal.timeout(60_000);
  try {
    while (!deadline.aborted && processes.every((child) => child.exitCode === null)) {
      const answer = await fetch(`${url}/readyz`, { dispatcher, headers }).catch(() => undefined);
      if ((await answer?.text()) === 'ok') return;
      await delay(200);
    }
    const words = await readFile(log, 'utf8');
    throw new Error(`kube-apiserver did not become ready:\n${words.slice(-2_000)}`);
  } finally {
    await dispatcher.close();
  }
}
