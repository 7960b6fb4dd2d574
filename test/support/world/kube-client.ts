import type { KubeClient, KubeRequest, KubeStream, Query } from '../../../lib/kube/client.ts';
import { errorFromStatus, KubeError } from '../../../lib/kube/kube-error.ts';
import { answer, type Served } from '../../../sim/kube/routes.ts';
import { ApiError } from '../../../sim/kube/status.ts';
import { bookmark, follow, type WatchEvent } from '../../../sim/kube/watch-session.ts';
import type { VirtualProcess } from './process.ts';

export interface WorldKubeOptions {
  /** One way between a client and the API server, ms. */
  readonly latencyMs: number;
  /** False while this process cannot reach the API server. */
  readonly reachable: () => boolean;
  /** Sees each request, watches too, as it leaves. */
  readonly onRequest: (request: KubeRequest | KubeStream) => void;
}

const BOOKMARK_MS = 60_000;

/** The API server as one process sees it: the simulator's own verbs and watches, without sockets, so that time can be virtual. */
export function worldKubeClient(served: Served, process: VirtualProcess, options: WorldKubeOptions): KubeClient {
  const forever = new AbortController().signal;
  const travel = (signal: AbortSignal = forever) => process.sleep(options.latencyMs, signal);
  const down = () => new KubeError({ status: 0, reason: 'Network', message: 'the API server does not answer' });

  async function request<T>(asked: KubeRequest): Promise<T> {
    asked.signal?.throwIfAborted();
    options.onRequest(asked);
    await travel(asked.signal);
    asked.signal?.throwIfAborted();
    if (!options.reachable()) throw down();
    const outcome = attempt(() => {
      const what = answer(served, wire(asked));
      if (what.kind !== 'json') throw new Error(`no JSON at ${asked.path}`);
      return structuredClone(what.body) as T;
    });
    await travel(asked.signal);
    asked.signal?.throwIfAborted();
    if (!options.reachable()) throw down();
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async function stream(asking: KubeStream): Promise<void> {
    const { path, query, signal, onOpen, onData } = asking;
    options.onRequest(asking);
    await travel(signal);
    signal.throwIfAborted();
    if (!options.reachable()) throw down();
    const asked = wire({ method: 'GET', path, ...(query && { query }) });
    const opened = attempt(() => answer(served, asked));
    if ('error' in opened) throw opened.error;
    if (opened.value.kind !== 'watch') throw new Error(`no watch at ${path}`);
    const { selection } = opened.value;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const send = (event: WatchEvent) => {
      const line = Buffer.from(`${JSON.stringify(event)}\n`);
      process.after(options.latencyMs, () => {
        if (signal.aborted) return;
        // A connection that cannot deliver breaks: what it carried is lost, and the client knows.
        if (!options.reachable()) return reject(down());
        try {
          onData(line);
        } catch (error) {
          reject(error as Error);
        }
      });
    };
    onOpen?.();
    const stop = follow(served.store, selection, asked.query, send);
    if (stop === undefined) process.after(options.latencyMs, resolve);
    const seconds = Number(asked.query.get('timeoutSeconds') ?? 0);
    const timers = [
      ...(seconds > 0 ? [process.after(seconds * 1000, resolve)] : []),
      repeat(process, BOOKMARK_MS, () => send(bookmark(selection.resource, served.store.revision))),
    ];
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    await process.whileAlive(promise).finally(() => {
      stop?.();
      for (const cancel of timers) cancel();
    });
  }

  return { request, stream, close: () => Promise.resolve() };
}

function wire({ method, path, query, body, contentType }: KubeRequest) {
  return {
    method,
    path,
    query: searchOf(query),
    contentType: contentType ?? 'application/json',
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

function searchOf(query: Query | undefined): URLSearchParams {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(key, String(value));
  return search;
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly error: Error } {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof ApiError) return { error: errorFromStatus(error.toStatus()) };
    throw error;
  }
}

function repeat(process: VirtualProcess, ms: number, act: () => void): () => void {
  let cancel = process.after(ms, again);
  function again(): void {
    act();
    cancel = process.after(ms, again);
  }
  return () => cancel();
}
