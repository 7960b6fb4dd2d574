import type { IncomingHttpHeaders } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Clock } from '../runtime/clock.ts';
import type { Connection } from './connection.ts';
import { createDispatcherSource } from './dispatcher-source.ts';
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
  const source = createDispatcherSource(connection, clock);
  const base = new URL(connection.server);
  const prefix = base.pathname.replace(/\/$/, '');
  const userAgent = options.userAgent ?? 'eni-agent';

  async function exchange(request: KubeRequest, onData: (chunk: Buffer) => void, onOpen?: () => void): Promise<void> {
    const { dispatcher, headers } = await source.current();
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const dispatch: Dispatcher.DispatchOptions = {
      origin: base.origin,
      path: prefix + request.path + queryString(request.query),
      method: request.method,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body === null ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...headers,
      },
      body,
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    try {
      await perform(dispatcher, dispatch, { signal: request.signal, now: () => clock.now(), onOpen, onData });
    } catch (error) {
      // The token may have been rotated since it was read.
      if (isKubeError(error) && error.status === 401) source.forget();
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
      return parse(chunks) as T;
    },
    stream: ({ onData, onOpen, ...request }) => exchange({ method: 'GET', ...request }, onData, onOpen),
    close: () => source.close(),
  };
}

interface Exchange {
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
  readonly onOpen: (() => void) | undefined;
  readonly onData: (chunk: Buffer) => void;
}

/** Runs one request by undici's callbacks: no stream object stands between the socket and `onData`. */
function perform(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, exchange: Exchange): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { signal, now, onOpen, onData } = exchange;
  let controller: Dispatcher.DispatchController | undefined;
  let failed: { status: number; headers: IncomingHttpHeaders; body: Buffer[] } | undefined;
  const onAbort = () => {
    controller?.abort(asError(signal?.reason));
    reject(signal?.reason);
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  dispatcher.dispatch(options, {
    onRequestStart(started) {
      controller = started;
      if (signal?.aborted) started.abort(asError(signal.reason));
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return;
      if (status >= 300) failed = { status, headers, body: [] };
      else onOpen?.();
    },
    onResponseData(current, chunk) {
      if (failed) failed.body.push(chunk);
      else if (signal?.aborted !== true) deliver(current, chunk);
    },
    onResponseEnd() {
      if (failed)
        reject(errorFromResponse(failed.status, failed.headers, Buffer.concat(failed.body).toString(), now()));
      else resolve();
    },
    onResponseError(_controller, error) {
      reject(isKubeError(error) ? error : networkError(error));
    },
  });
  return promise.finally(() => signal?.removeEventListener('abort', onAbort));

  function deliver(current: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      onData(chunk);
    } catch (error) {
      reject(error);
      current.abort(asError(error));
    }
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function timeout(request: KubeRequest, timeoutMs: number): KubeError {
  return new KubeError({
    status: 0,
    reason: 'Timeout',
    message: `${request.method} ${request.path}: no answer in ${timeoutMs} ms`,
  });
}

function parse(chunks: readonly Buffer[]): unknown {
  const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '';
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new KubeError({ status: 0, reason: 'Network', message: 'the answer is not JSON', cause });
  }
}

function queryString(query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}
