import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterStatus } from '../../lib/model/status/cluster-status.ts';

export interface UiOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Looks at the cluster. Rejects when it cannot be read. */
  readonly look: () => Promise<ClusterStatus>;
  /** Answers no older than this are given again, ms: several pages cost no more than one. */
  readonly maxAgeMs: number;
  readonly now: () => number;
}

export interface Ui {
  readonly url: string;
  close(): Promise<void>;
}

const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
} as const;

/** The page needs no other origin, and no other page may frame it. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};

/**
 * Serves the page and `/api/status` (the schema `eni-agent.io/status/v1`) on 127.0.0.1, with the rights of whoever started it. A request with
 * another Host header is refused, so that no page of the web can reach it by a name that resolves to this machine.
 * @throws {Error} of the system when the port is taken (`EADDRINUSE`).
 */
export async function serveUi(options: UiOptions): Promise<Ui> {
  const status = recent(options);
  const server = createServer((request, response) => void respond(request, response, status));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: options.port }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One look at a time; whoever asks meanwhile, or soon after, gets the same. */
function recent({ look, maxAgeMs, now }: UiOptions): () => Promise<ClusterStatus> {
  let latest: { readonly at: number; readonly status: Promise<ClusterStatus> } | undefined;
  return () => {
    if (latest === undefined || now() - latest.at > maxAgeMs) {
      const status = look();
      latest = { at: now(), status };
      status.catch(() => {
        latest = undefined;
      });
    }
    return latest.status;
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  status: () => Promise<ClusterStatus>,
): Promise<void> {
  const answer = (code: number, type: string, body: string) => {
    response.writeHead(code, { ...HEADERS, 'content-type': type }).end(body);
  };
  const json = (code: number, value: unknown) => answer(code, 'application/json', JSON.stringify(value));
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(request.headers.host ?? ''))
    return json(421, { error: 'open the page as http://127.0.0.1' });
  if (request.method !== 'GET') return json(405, { error: 'only GET' });
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/api/status') {
    return status().then(
      (value) => json(200, value),
      (error: unknown) => json(502, { error: error instanceof Error ? error.message : String(error) }),
    );
  }
  if (path !== '/' && path !== '/page.js') return json(404, { error: 'try / or /api/status' });
  const [file, type] = FILES[path];
  answer(200, type, readFileSync(new URL(file, import.meta.url), 'utf8'));
}
