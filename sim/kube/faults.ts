import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fields } from './object.ts';

/** Answers instead of the real handler, for requests that it matches. */
export interface FailureRule {
  /** HTTP code, such as 500 or 429. */
  code: number;
  /** `Retry-After` in seconds. */
  retryAfter?: number;
  /** How many requests fail before things are well again. @default unlimited */
  times?: number;
  /** Only this method. @default all */
  method?: string;
  /** Only paths that contain this text. @default all */
  pathIncludes?: string;
}

/** What can be made to go wrong. The control plane and the in-process API share this one object. */
export class KubeFaults {
  /** Watches stay open but say nothing, not even that they end: a half-open connection. */
  watchesHang = false;
  /** Added before every answer, ms. */
  latencyMs = 0;
  #refuseUntil = 0;
  #failures: FailureRule[] = [];
  readonly #watches = new Map<ServerResponse, () => void>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Breaks every open watch's connection. */
  cutWatches(): void {
    for (const response of this.#watches.keys()) response.destroy();
  }

  /** Ends every open watch cleanly, as a server does when it shuts down. */
  endWatches(): void {
    for (const response of this.#watches.keys()) response.end();
  }

  /** Sends every open watch a bookmark now. */
  sendBookmarks(): void {
    for (const send of this.#watches.values()) send();
  }

  /** New connections are reset and open ones broken for so many ms. */
  refuseConnections(forMs: number): void {
    this.#refuseUntil = this.#now() + forMs;
    this.cutWatches();
  }

  fail(rule: FailureRule): void {
    this.#failures.push({ ...rule });
  }

  /** Ends all faults. */
  clear(): void {
    this.watchesHang = false;
    this.latencyMs = 0;
    this.#refuseUntil = 0;
    this.#failures = [];
  }

  /** True when this connection was refused. */
  refuses(socket: Socket): boolean {
    if (this.#now() >= this.#refuseUntil) return false;
    socket.resetAndDestroy();
    return true;
  }

  /** The failure that this request meets, if any; one of its `times` is used up. */
  failureFor(method: string, path: string): FailureRule | undefined {
    const rule = this.#failures.find(
      (each) => (each.method ?? method) === method && path.includes(each.pathIncludes ?? ''),
    );
    if (rule?.times !== undefined && --rule.times <= 0) this.#failures = this.#failures.filter((each) => each !== rule);
    return rule;
  }

  trackWatch(response: ServerResponse, sendBookmark: () => void): () => void {
    this.#watches.set(response, sendBookmark);
    return () => this.#watches.delete(response);
  }

  state(): Fields {
    const { watchesHang, latencyMs, openWatches } = this;
    return { watchesHang, latencyMs, openWatches, failures: this.#failures };
  }
}
