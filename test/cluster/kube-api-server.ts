import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import type { Connection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { freePort } from '../../sim/world/free-port.ts';

/** etcd and kube-apiserver on loopback, with the faults that the adapter must survive. */
export interface RealApiServer {
  readonly connection: Connection;
  /** The way to the server through a link that can be cut. */
  readonly link: { readonly connection: Connection; cut(): void; mend(): void };
  /** Ends the API server and starts it again, with an empty watch cache. */
  restart(): Promise<void>;
  /** Drops all history, so that a watch from an old version gets 410. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRealApiServer(assets: string): Promise<RealApiServer> {
  const dir = await mkdtemp(join(tmpdir(), 'kube-api-'));
  const [port, clientPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(dir, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await writeFile(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(dir, 'tokens.csv'), 'admin-token,admin,admin,system:masters\n');

  const etcd = run(join(assets, 'etcd'), dir, {
    'data-dir': 'etcd',
    'listen-client-urls': etcdUrl,
    'advertise-client-urls': etcdUrl,
    'listen-peer-urls': `http://127.0.0.1:${peerPort}`,
    'unsafe-no-fsync': 'true',
    'log-level': 'error',
  });
  const startServer = () =>
    run(join(assets, 'kube-apiserver'), dir, {
      'etcd-servers': etcdUrl,
      'secure-port': String(port),
      'bind-address': '127.0.0.1',
      'cert-dir': 'certs',
      'token-auth-file': 'tokens.csv',
      'authorization-mode': 'RBAC',
      'service-cluster-ip-range': '10.96.0.0/16',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-signing-key-file': 'sa.key',
      'service-account-key-file': 'sa.pub',
      'disable-admission-plugins': 'ServiceAccount,TaintNodesByCondition',
    });
  let server = startServer();
  const connection = connectionTo(port);
  const client = createKubeClient({ connection, clock: systemClock() });
  const link = await startLink(port);
  await untilReady(client);

  return {
    connection,
    link: { ...link, connection: connectionTo(link.port) },
    async restart() {
      await end(server);
      server = startServer();
      await untilReady(client);
    },
    async compact() {
      const status = await fetch(`${etcdUrl}/v3/kv/range`, { method: 'POST', body: JSON.stringify({ key: 'AA==' }) });
      const { header } = (await status.json()) as { header: { revision: string } };
      await fetch(`${etcdUrl}/v3/kv/compaction`, {
        method: 'POST',
        body: JSON.stringify({ revision: header.revision }),
      });
    },
    async stop() {
      await client.close();
      link.close();
      await end(server);
      await end(etcd);
      await rm(dir, { recursive: true });
    },
  };
}

function connectionTo(port: number): Connection {
  const credentials = { headers: { authorization: 'Bearer admin-token' }, tls: { rejectUnauthorized: false } };
  return { server: `https://127.0.0.1:${port}`, namespace: undefined, credentials: async () => credentials };
}

function run(command: string, cwd: string, flags: Readonly<Record<string, string>>): ChildProcess {
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn(command, args, { cwd, stdio: 'ignore' });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function untilReady(client: KubeClient): Promise<void> {
  for (let tries = 0; tries < 240; tries += 1) {
    // The default namespace is made a moment after /readyz says ok.
    const ready = await client
      .request({ method: 'GET', path: '/api/v1/namespaces/default', timeoutMs: 1_000 })
      .catch(() => undefined);
    if (ready !== undefined) return;
    await sleep(200);
  }
  throw new Error('kube-apiserver did not become ready');
}

async function startLink(target: number) {
  const sockets = new Set<Socket>();
  let up = true;
  const server = createServer((near) => {
    if (!up) {
      near.destroy();
      return;
    }
    const far = connectTcp(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => sockets.delete(socket) && other.destroy());
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    up = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend: () => {
      up = true;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
