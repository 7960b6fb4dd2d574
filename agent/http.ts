import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostPort } from '../lib/config/value-type.ts';

export interface HttpEndpoints {
  /** Why the process should be restarted; empty while it is healthy. Must not depend on the API server or on EC2. */
  readonly healthFaults: () => readonly string[];
  /** Why the agent cannot do its work yet or any more; empty when it is ready. */
  readonly readyFaults: () => readonly string[];
  /** What looks wrong but does not keep the agent from its work; shown beside a good answer too. */
  readonly readyNotes?: () => readonly string[];
  /** What the process knows, for `eni-agent status`: plain values, nothing secret. Absent: not answered. */
  readonly snapshot?: (() => unknown) | undefined;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface HttpServer {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly addresses: readonly ListensOn[];
  /** Resolves when the signal aborted and the last connection is gone. */
  readonly closed: Promise<unknown>;
}

interface ListensOn {
  readonly host: string;
  readonly port: number;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and `/v1/snapshot` on each of the addresses until the signal aborts; nowhere where `off` is among
 * them. A probe that fails answers 503 and `{"ok": false, "reasons": […]}`; `notes` stand beside either answer.
 * @throws {Error} of the system when an address cannot be listened on, e.g. `EADDRINUSE`.
 */
export async function serveHttp(
  where: readonly (HostPort | 'off')[],
  endpoints: HttpEndpoints,
  signal: AbortSignal,
): Promise<HttpServer> {
  const wanted = where.includes('off') ? [] : where.filter((one) => one !== 'off');
  const servers = await Promise.all(wanted.map((one) => listen(one, endpoints, signal)));
  return { addresses: servers.map(({ on }) => on), closed: Promise.all(servers.map(({ closed }) => closed)) };
}

async function listen(
  where: HostPort,
  endpoints: HttpEndpoints,
  signal: AbortSignal,
): Promise<{ readonly on: ListensOn; readonly closed: Promise<void> }> {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 75_000 }, (request, response) => {
    void respond(endpoints, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: where.port, ...(where.host === undefined ? {} : { host: where.host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
  const { address, port } = server.address() as AddressInfo;
  return { on: { host: address, port }, closed };
}

/** Never rejects: a fault of an endpoint becomes an answer. */
async function respond(endpoints: HttpEndpoints, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, contentType, body } = await answer(endpoints, request).catch((error: unknown) =>
    json(500, { ok: false, reasons: [error instanceof Error ? error.message : 'unknown fault'] }),
  );
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answer(endpoints: HttpEndpoints, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json(405, { ok: false, reasons: ['only GET and HEAD'] });
  const path = pathOf(request);
  if (path === '/v1/snapshot' && endpoints.snapshot !== undefined) return json(200, endpoints.snapshot());
  switch (path) {
    case '/healthz':
      return probe(endpoints.healthFaults());
    case '/readyz':
      return probe(endpoints.readyFaults(), endpoints.readyNotes?.());
    case '/metrics':
      return { status: 200, ...(await endpoints.metrics()) };
    default:
      return json(404, { ok: false, reasons: ['try /healthz, /readyz or /metrics'] });
  }
}

function probe(reasons: readonly string[], notes: readonly string[] = []): Answer {
  const more = notes.length === 0 ? {} : { notes };
  return reasons.length === 0 ? json(200, { ok: true, ...more }) : json(503, { ok: false, reasons, ...more });
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0] ?? '';
}
