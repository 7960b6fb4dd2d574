import { setTimeout as delay } from 'node:timers/promises';

/** Where the suite runs: an API server and a `fetch` that is already allowed in. */
export interface KubeTarget {
  readonly baseUrl: string;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

/** An object as it came over the wire; the tests look into it freely. */
export interface Wire {
  apiVersion: string;
  kind: string;
  metadata: WireMeta;
  spec: Record<string, unknown>;
  status: Record<string, unknown>;
  items: Wire[];
  code: number;
  reason: string;
  [field: string]: unknown;
}

export interface WireMeta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  finalizers: string[];
  deletionTimestamp: string;
  deletionGracePeriodSeconds: number;
  creationTimestamp: string;
  continue: string;
}

/** What `kubectl get` prints. */
export interface WireTable {
  kind: string;
  apiVersion: string;
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[]; object: Wire }[];
}

export interface Reply {
  code: number;
  body: Wire;
}

export type PatchType = 'json-patch+json' | 'merge-patch+json' | 'strategic-merge-patch+json' | 'apply-patch+yaml';

export interface WatchLine {
  type: string;
  object: Wire;
}

/** Plain HTTP on a target: no client library whose habits would be tested instead. */
export class Wires {
  readonly #target: () => KubeTarget;

  constructor(target: () => KubeTarget) {
    this.#target = target;
  }

  get = (path: string) => this.send('GET', path);
  /** As `kubectl get` asks. */
  table = async (path: string): Promise<WireTable> => {
    const { baseUrl, fetch } = this.#target();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    return (await (await fetch(baseUrl + path, { headers: { accept } })).json()) as WireTable;
  };
  post = (path: string, body: unknown) => this.send('POST', path, body);
  put = (path: string, body: unknown) => this.send('PUT', path, body);
  delete = (path: string, body?: unknown) => this.send('DELETE', path, body);
  patch = (path: string, type: PatchType, body: unknown) => this.send('PATCH', path, body, `application/${type}`);
  merge = (path: string, body: unknown) => this.patch(path, 'merge-patch+json', body);

  async send(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Reply> {
    const { baseUrl, fetch } = this.#target();
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } };
    const response = await fetch(baseUrl + path, { method, ...content });
    const text = await response.text();
    // Paths that nobody serves are answered in plain text by a real server.
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Wire) : ({ message: text } as unknown as Wire);
    return { code: response.status, body: parsed };
  }

  /** Waits until GET answers with this code; a real server serves new resources after a moment only. */
  async until(path: string, code: number): Promise<void> {
    while ((await this.get(path)).code !== code) await delay(50);
  }

  /** Opens a watch; resolves when the server has answered, so that nothing written later can be missed. */
  async watch(path: string, query: Record<string, string> = {}): Promise<WatchReader> {
    const { baseUrl, fetch } = this.#target();
    const abort = new AbortController();
    const search = new URLSearchParams({ watch: '1', ...query });
    const response = await fetch(`${baseUrl}${path}?${search.toString()}`, { signal: abort.signal });
    return new WatchReader(response, abort);
  }
}

/** The lines of one watch, read one by one. */
export class WatchReader implements AsyncDisposable {
  readonly code: number;
  readonly #lines: AsyncGenerator<string>;
  readonly #abort: AbortController;

  constructor(response: Response, abort: AbortController) {
    this.code = response.status;
    this.#abort = abort;
    this.#lines = linesOf(response);
  }

  /** The next event, or undefined at the orderly end of the watch. The test's own timeout bounds the wait. */
  async next(): Promise<WatchLine | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (JSON.parse(value) as WatchLine);
  }

  /** Reads up to the first event that is about this object. */
  async about(name: string): Promise<WatchLine> {
    for (;;) {
      const line = await this.next();
      if (!line) throw new Error(`the watch ended before anything was said about ${name}`);
      if (line.object.metadata.name === name) return line;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#lines.next().catch(() => undefined);
  }
}

async function* linesOf(response: Response): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  return undefined;
}
