import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Agent, request } from 'undici';
import type { Cluster } from './cluster.ts';

/** Stands between the agent and any API server and counts what the agent asks, so that the server need not be believed. */
export interface CountingProxy {
  readonly kubeconfigPath: string;
  /** `GET /api/v1/pods?watch=…`, in order of arrival. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function openCountingProxy(cluster: Cluster): Promise<CountingProxy> {
  const requests: string[] = [];
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: 0 });
  const forward = async (incoming: IncomingMessage, response: ServerResponse) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const answer = await request(`${cluster.url}${incoming.url}`, {
      dispatcher,
      method: incoming.method as 'GET',
      headers: {
        authorization: `Bearer ${cluster.token}`,
        accept: incoming.headers.accept ?? '*/*',
        'content-type': incoming.headers['content-type'] ?? 'application/json',
      },
      body: incoming.method === 'GET' ? null : incoming,
    });
    response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) });
    await pipeline(answer.body, response);
  };
  const server = createServer((incoming, response) => {
    // A client that goes away ends its watch: no fault.
    forward(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfigPath = join(tmpdir(), `eni-agent-bench-proxy-${process.pid}.yaml`);
  await writeFile(kubeconfigPath, kubeconfigFor(url));
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await dispatcher.destroy();
  };
  return { kubeconfigPath, requests, close };
}

function kubeconfigFor(url: string): string {
  const config = {
    'current-context': 'proxy',
    clusters: [{ name: 'proxy', cluster: { server: url } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
  };
  return JSON.stringify(config);
}
