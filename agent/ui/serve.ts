import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { adviceOn } from '../../lib/kube/kube-error.ts';
import type { ClusterStatus } from '../../lib/model/status/cluster-status.ts';

export interface UiOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Looks at the cluster. Rejects when it cannot be read. */
  readonly look: () => Promise<ClusterStatus>;
  /** Answers no older than this are given again, ms: several pages cost no more than one. */
  readonly maxAgeMs: number;
  readonly now: () => number;
  /** Where page.html and page.js are. @default beside the program */
  readonly folder?: URL;
}

export interface Ui {
  readonly url: string;
  close(): Promise<void>;
}

const FILES = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
} as const;
type Page = keyof typeof FILES;

/** The page by path. It is not part of the bundle, which the agents load. @throws {Error} naming what is missing beside the program. */
function readPage(folder: URL): ReadonlyMap<string, readonly [body: string, type: string]> {
  return new Map(
    (Object.keys(FILES) as Page[]).map((path) => {
      const [file, type] = FILES[path];
      const place = new URL(file, folder);
      if (!existsSync(place))
        throw new Error(`${fileURLToPath(place)} is missing; copy page.html and page.js to where eni-agent.mjs is`);
      return [path, [readFileSync(place, 'utf8'), type]];
    }),
  );
}

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
 * @throws {Error} when the files of the page are missing, or when the port is taken.
 */
export async function serveUi(options: UiOptions): Promise<Ui> {
  const page = readPage(options.folder ?? new URL('.', import.meta.url));
  const status = recent(options);
  const server = createServer((request, response) => void respond(request, response, { status, page }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(
        isTaken ? new Error(`port ${options.port} is taken; give another with --port, 0 for any free one`) : error,
      );
    });
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
  { status, page }: { readonly status: () => Promise<ClusterStatus>; readonly page: ReturnType<typeof readPage> },
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
      (error: unknown) =>
        json(502, { error: `${error instanceof Error ? error.message : String(error)}${adviceOn(error)}` }),
    );
  }
  const [body, type] = page.get(path) ?? [];
  if (body === undefined || type === undefined) return json(404, { error: 'try / or /api/status' });
  answer(200, type, body);
}
