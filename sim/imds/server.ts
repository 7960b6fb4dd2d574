import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Cloud } from '../ec2/cloud.ts';
import { close, listen } from '../ec2/http.ts';
import { SessionTokens } from './tokens.ts';
import { listing, metadataTree } from './tree.ts';

export interface ImdsOptions {
  readonly cloud: Cloud;
  readonly instanceId: string;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** @default 0: chosen by the system */
  readonly port?: number;
  /** `optional` allows IMDSv1 as well. @default required */
  readonly tokens?: 'required' | 'optional';
  /** How far this node's IMDS lags behind, ms. @default the cloud's knob `imdsLagMs` */
  readonly lagMs?: number;
  /** The role under `iam/security-credentials/`. @default node */
  readonly role?: string | null;
}

export interface ImdsServer extends AsyncDisposable {
  /** For `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly url: string;
  /** `GET /latest/…` and so on, in order; for tests that count reads. */
  readonly requests: readonly string[];
  /** Leaves that answer 404 for now, by last path element: an ENI that is only partly there (facts §2). */
  readonly hiddenLeaves: Set<string>;
  /** Answers 403 to everything while false. */
  enabled: boolean;
  lagMs: number | undefined;
  /** Makes every token given so far invalid. */
  revokeTokens(): void;
  close(): Promise<void>;
}

/** The Instance Metadata Service (version 2) of one simulated instance (facts §2). */
export async function startImds(options: ImdsOptions): Promise<ImdsServer> {
  const tokens = new SessionTokens(options.cloud.state.now);
  const requests: string[] = [];
  const settings = {
    requests,
    hiddenLeaves: new Set<string>(),
    enabled: true,
    lagMs: options.lagMs,
    revokeTokens: () => tokens.revokeAll(),
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    send(request, response, respond({ options, settings, tokens }, request));
  });
  server.keepAliveTimeout = 3_600_000;
  const url = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0);
  const shutDown = () => close(server);
  return Object.assign(settings, { url, close: shutDown, [Symbol.asyncDispose]: shutDown });
}

interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Service {
  readonly options: ImdsOptions;
  readonly settings: Pick<ImdsServer, 'hiddenLeaves' | 'enabled' | 'lagMs'>;
  readonly tokens: SessionTokens;
}

const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenHeader = 'x-aws-ec2-metadata-token';

function respond(service: Service, request: IncomingMessage): Reply {
  const path = new URL(request.url ?? '/', 'http://imds').pathname;
  const { options, settings, tokens } = service;
  if (!settings.enabled || request.headers['x-forwarded-for'] !== undefined) return { status: 403 };
  if (request.method === 'PUT') return issueToken(tokens, path, headerOf(request, ttlHeader));
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405 };
  const token = headerOf(request, tokenHeader);
  const authorized = token === undefined ? options.tokens === 'optional' : tokens.isValid(token);
  return authorized ? read(service, path) : { status: 401 };
}

function issueToken(tokens: SessionTokens, path: string, ttl: string | undefined): Reply {
  if (/^\/(?!latest)[^/]+\/api\/token$/.test(path)) return { status: 403 };
  if (path !== '/latest/api/token') return { status: 404 };
  const token = tokens.issue(ttl);
  return token === undefined ? { status: 400 } : { status: 200, body: token, headers: { [ttlHeader]: ttl ?? '' } };
}

function read({ options, settings }: Service, path: string): Reply {
  if (path === '/') return { status: 200, body: 'latest' };
  const inside = /^\/(?:latest|\d{4}-\d{2}-\d{2}|1\.0)(?:\/(.*))?$/.exec(path);
  if (inside === null) return { status: 404 };
  const { cloud, instanceId } = options;
  const role = options.role === undefined ? 'node' : (options.role ?? undefined);
  const moment = cloud.state.now() - (settings.lagMs ?? cloud.knobs.imdsLagMs);
  const tree = metadataTree(cloud.state, instanceId, { moment, role });
  const wanted = (inside[1] ?? '').replace(/\/$/, '');
  if (tree === undefined || settings.hiddenLeaves.has(wanted.split('/').at(-1) ?? '')) return { status: 404 };
  const body = tree.get(wanted) ?? listing(tree, wanted);
  return body === undefined ? { status: 404 } : { status: 200, body };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'content-type': 'text/plain', ...reply.headers });
  response.end(request.method === 'HEAD' ? undefined : (reply.body ?? ''));
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
