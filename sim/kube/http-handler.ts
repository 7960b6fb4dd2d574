import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { controlAnswer } from './control-plane.ts';
import type { FailureRule, KubeFaults } from './faults.ts';
import { logOf } from './pod-log.ts';
import { proxyToPod } from './pod-proxy.ts';
import { type KubeRequest, type RequestRecord, readRequest } from './request.ts';
import { type Answer, answer, type Served } from './routes.ts';
import { ApiError, noContainers } from './status.ts';
import { streamWatch } from './watch-response.ts';

export interface HttpSide extends Served {
  /** Files with the logs of pods, by `namespace/name`. */
  podLogs: ReadonlyMap<string, string>;
  faults: KubeFaults;
  requests: RequestRecord[];
  now: () => number;
}

/** Serves one HTTP exchange from first byte to last; never rejects. */
export async function handle(side: HttpSide, message: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const request = await readRequest(message);
    if (request.path.startsWith('/_sim/')) {
      return sendJson(response, 200, controlAnswer(request, side.store, side.requests, side.faults));
    }
    const entry = recorded(side, request, message.headers['user-agent'] ?? '');
    await respond(side, request, response);
    entry.code = response.statusCode;
  } catch (error) {
    sendError(response, error);
  }
}

/** What kubectl asks for with `exec`, `attach` and `port-forward`. */
const NEEDS_A_CONTAINER = /^\/api\/v1\/namespaces\/[^/]+\/pods\/[^/]+\/(?:exec|attach|portforward)$/;

async function respond(side: HttpSide, request: KubeRequest, response: ServerResponse): Promise<void> {
  if (side.faults.latencyMs > 0) await delay(side.faults.latencyMs);
  const failure = side.faults.failureFor(request.method, request.path);
  if (failure) return sendFailure(response, failure);
  if (await proxyToPod(side, request, response)) return;
  const log = logOf(side.podLogs, request.path);
  if (log !== undefined) return void response.writeHead(200, { 'content-type': 'text/plain' }).end(log);
  if (NEEDS_A_CONTAINER.test(request.path)) throw noContainers();
  const decide = () => answer(side, request, side.now());
  try {
    send(side, request, response, request.query.has('dryRun') ? side.store.rehearse(decide) : decide());
  } catch (error) {
    sendError(response, error);
  }
}

function recorded(side: HttpSide, { method, path, query }: KubeRequest, userAgent: string): RequestRecord {
  const entry = { at: side.now(), method, path, query: Object.fromEntries(query), userAgent, code: 0 };
  side.requests.push(entry);
  return entry;
}

function send(side: HttpSide, request: KubeRequest, response: ServerResponse, what: Answer): void {
  switch (what.kind) {
    case 'json':
      return sendJson(response, what.code, what.body);
    case 'text':
      return void response.writeHead(200, { 'content-type': 'text/plain' }).end(what.body);
    case 'watch':
      return streamWatch(side, what.selection, request, response);
  }
}

function sendFailure(response: ServerResponse, { code, retryAfter }: FailureRule): void {
  const reason = code === 429 ? 'TooManyRequests' : code === 503 ? 'ServiceUnavailable' : 'InternalError';
  const status = new ApiError(code, reason, 'the simulator was told to fail', {
    ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }),
  }).toStatus();
  sendJson(response, code, status, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known = error instanceof ApiError ? error : new ApiError(500, 'InternalError', String(error));
  sendJson(response, known.code, known.toStatus());
}

function sendJson(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
