import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../runtime/clock.ts';
import { createAgentPool } from './agent-pool.ts';
import type { Connection } from './connection.ts';
import { errorFromResponse, isKubeError, KubeError, networkError } from './kube-error.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type ContentType =
  | 'application/json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/json-patch+json';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute API path: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  /** @default 'application/json' */
  readonly contentType?: ContentType;
  readonly signal?: AbortSignal;
  /** From sending to the last byte of the answer, ms. @default 15 000 */
  readonly timeoutMs?: number;
}

export interface KubeStream {
  readonly path: string;
  readonly query?: Query;
  readonly signal: AbortSignal;
  /** Called once when the server has accepted the request. */
  readonly onOpen?: () => void;
  /** Called synchronously with every piece of the body as it leaves the socket. What it throws ends the stream. */
  readonly onData: (chunk: Buffer) => void;
}

/**
 * A thin HTTP client for one API server: one pool of kept-alive connections, fresh credentials, typed errors, no retries.
 * An aborted signal rejects with the signal's reason; all else rejects with {@link KubeError}.
 */
export interface KubeClient {
  /** The parsed JSON answer; the caller vouches for its type. */
  request<T>(request: KubeRequest): Promise<T>;
  /** Streams a body that may never end. Resolves when the server ends it in order. Silence is the caller's to judge. */
  stream(request: KubeStream): Promise<void>;
  close(): Promise<void>;
}

export interface KubeClientOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly userAgent?: string;
}

const DEFAULT_TIMEOUT_MS = 15_000;

export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { connection, clock } = options;
  const pool = createAgentPool(connection);
  const base = new URL(connection.server);
  const prefix = base.pathname.replace(/\/$/, '');
  const userAgent = options.userAgent ?? 'eni-agent';

  async function exchange(request: KubeRequest, onData: (chunk: Buffer) => void, onOpen?: () => void): Promise<void> {
    const { agent, headers } = await unlessAborted(pool.current(), request.signal);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const target: RequestOptions = {
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      agent,
      path: prefix + request.path + queryString(request.query),
      method: request.method,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        // The length by hand: node leaves it out of a DELETE, and the server would take the body for the next request.
        ...(body !== undefined && {
          'content-type': request.contentType ?? 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
        ...headers,
      },
    };
    try {
      const { server } = connection;
      await perform(target, body, { server, signal: request.signal, now: () => clock.now(), onOpen, onData });
    } catch (error) {
      // The token may have been rotated since it was read.
      if (isKubeError(error) && error.status === 401) connection.renew?.();
      throw error;
    }
  }

  return {
    async request<T>(request: KubeRequest): Promise<T> {
      const chunks: Buffer[] = [];
      const deadline = new AbortController();
      const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
      const cancel = clock.after(timeoutMs, () => deadline.abort(timeout(request, timeoutMs)));
      const signal = request.signal ? AbortSignal.any([request.signal, deadline.signal]) : deadline.signal;
      try {
        await exchange({ ...request, signal }, (chunk) => chunks.push(chunk));
      } finally {
        cancel();
        // The answer is reported a moment before its connection counts as free: a request made at once would open another one.
        await turn();
      }
      return parse(chunks, connection.server) as T;
    },
    stream: ({ onData, onOpen, ...request }) => exchange({ method: 'GET', ...request }, onData, onOpen),
    close: async () => pool.close(),
  };
}

interface Exchange {
  readonly server: string;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
  readonly onOpen: (() => void) | undefined;
  readonly onData: (chunk: Buffer) => void;
}

/** Longest wait for a connection, ms. */
const CONNECT_MS = 5_000;

/**
 * Runs one request on node's own HTTP, each piece of whose answer goes from the socket to `onData` with no stream in between.
 * client-node's own request path opens an agent, and so a TLS connection, for every request (figures: docs/architecture.md).
 */
function perform(target: RequestOptions, body: string | undefined, exchange: Exchange): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { server, signal, now, onOpen, onData } = exchange;
  signal?.throwIfAborted();
  const sending = (target.protocol === 'https:' ? requestTls : requestPlain)(target);
  const fail = (error: unknown) => {
    reject(error);
    sending.destroy();
  };
  const onAbort = () => fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  limitConnecting(sending, target.protocol);
  sending.on('error', (error) => fail(networkError(error, server)));
  sending.once('response', (response) => {
    const status = response.statusCode ?? 0;
    response.on('error', (error) => fail(networkError(error, server)));
    if (status >= 300) {
      refused(response, status, now()).then(reject, fail);
      return;
    }
    onOpen?.();
    response.on('data', (chunk: Buffer) => {
      try {
        if (signal?.aborted !== true) onData(chunk);
      } catch (error) {
        fail(error);
      }
    });
    response.once('end', resolve);
  });
  sending.end(body);
  return promise.finally(() => signal?.removeEventListener('abort', onAbort));
}

async function refused(response: IncomingMessage, status: number, now: number): Promise<KubeError> {
  return errorFromResponse(status, response.headers, await text(response), now);
}

/** A server that is away shows after seconds, not after the minutes that the kernel would try. */
function limitConnecting(sending: ClientRequest, protocol: string | null | undefined): void {
  sending.once('socket', (socket) => {
    if (!socket.connecting) return;
    const error = Object.assign(new Error(`no connection in ${CONNECT_MS} ms`), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => sending.destroy(error), CONNECT_MS);
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    sending.once('close', () => clearTimeout(timer));
  });
}

/** Credentials may come from a program that takes its time. @throws the signal's reason when it aborts before. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

function timeout(request: KubeRequest, timeoutMs: number): KubeError {
  return new KubeError({
    status: 0,
    reason: 'Timeout',
    message: `${request.method} ${request.path}: no answer in ${timeoutMs} ms`,
  });
}

function parse(chunks: readonly Buffer[], server: string): unknown {
  const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '';
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new KubeError({ status: 0, reason: 'Network', message: `${server}: the answer is not JSON`, cause });
  }
}

function queryString(query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}
