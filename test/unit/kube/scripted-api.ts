import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKubeClient, type KubeClient } from '../../../lib/kube/client.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  readonly headers: IncomingMessage['headers'];
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON, into which each test looks as it likes
  readonly body: any;
  /** Remote port: equal ports are one connection. */
  readonly port: number | undefined;
}

export type Answer =
  | { status?: number; headers?: Record<string, string>; body?: unknown }
  | ((response: ServerResponse) => void);

/** An HTTP server on loopback whose answers a test writes itself: for what a faithful simulator would never say. */
export interface ScriptedApi {
  readonly url: string;
  readonly calls: Call[];
  client(clock: Clock): KubeClient;
  close(): Promise<void>;
}

export async function startScriptedApi(answer: (call: Call) => Answer | Promise<Answer>): Promise<ScriptedApi> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    calls.push(call);
    const result = await answer(call);
    if (typeof result === 'function') return result(response);
    response.writeHead(result.status ?? 200, { 'content-type': 'application/json', ...result.headers });
    response.end(result.body === undefined ? '{}' : JSON.stringify(result.body));
  }

  const clients: KubeClient[] = [];
  return {
    url,
    calls,
    client(clock) {
      const connection = { server: url, namespace: undefined, credentials: async () => ({ headers: {}, tls: {} }) };
      const client = createKubeClient({ connection, clock });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(request.url ?? '/', 'http://localhost');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    contentType: request.headers['content-type'],
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
    port: request.socket.remotePort,
  };
}
