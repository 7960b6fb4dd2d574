import { backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient, Query } from './client.ts';
import { isKubeError, type KubeError } from './kube-error.ts';
import { listAll } from './list.ts';
import { type Change, createObjectStore, type RawObject } from './object-store.ts';
import { WatchLost, watchOnce } from './watch.ts';

/**
 * Keeps a converted copy of a collection in step with the API server.
 *
 * Guarantees: `onChange` sees every object that stays; a vanished or recreated one is reported as deleted; nothing but the signal ends
 * `run`; during an outage the last known items stay. Between a byte's arrival and `onChange` there is only parsing and converting.
 * Caveats: states between two reads may be skipped; `onChange` runs on the watch's path, so it must return at once.
 */
export interface Reflector<T> {
  /** Lists and watches until the signal aborts; then resolves. It never rejects. */
  run(signal: AbortSignal): Promise<void>;
  items(): IterableIterator<T>;
  /** @param key `namespace/name`, or the name of a cluster-scoped object */
  get(key: string): T | undefined;
  /** True once the first list is complete. */
  readonly synced: boolean;
  /** True while a watch is open. */
  readonly connected: boolean;
  /** When the server last gave a sign of life (bookmarks count), ms since the epoch; undefined before the first. A gauge of staleness. */
  readonly lastEventAt: number | undefined;
  /** What went wrong last, in words; undefined while the watch is open. */
  readonly fault: string | undefined;
}

/** What is mirrored, and as what. */
export interface Mirrored<T> {
  readonly client: KubeClient;
  /** The collection: `/api/v1/pods`, `/apis/<group>/<version>/<plural>`. */
  readonly path: string;
  readonly query?: { readonly fieldSelector?: string; readonly labelSelector?: string };
  /**
   * The first list shows whatever was written before it was asked for. Without this it may come from a server's cache, which is cheap and may lag.
   * @default false
   */
  readonly upToDate?: boolean;
  /** Called once for each received object, whose memory is freed right after. Undefined: treat it as absent. */
  readonly convert: (raw: RawObject) => T | undefined;
}

export interface ReflectorOptions<T> {
  readonly source: Mirrored<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: (change: Change<T>) => void;
  /** Called when `synced` or `connected` changes. */
  readonly onState?: (state: ReflectorState) => void;
  /** Every fault that was survived: of the API server (`KubeError`), of `convert` and of `onChange`. */
  readonly onError?: (error: unknown) => void;
  readonly life?: SignsOfLife;
}

/** A complete list, an opened watch, every piece of one (bookmarks count). */
interface SignsOfLife {
  /** Called for each. Must be cheap. */
  readonly onSign?: () => void;
  /**
   * Silence after which the watch is taken for dead and the collection is listed again, ms. API servers send a bookmark each minute;
   * the first one on a quiet custom resource takes up to 120 s (where etcd reports no progress), so two thirds more are granted to it.
   * @default 90 000
   */
  readonly silenceMs?: number;
}

export interface ReflectorState {
  readonly synced: boolean;
  readonly connected: boolean;
}

/** A watch that lived this long was a good one: its end starts no backoff. */
const GOOD_WATCH_MS = 5_000;
/** Short at its longest, so that work waits at most 5 s after an outage; half of it is random, so 2 000 nodes come back as 530/s. */
const BACKOFF = { baseMs: 200, maxMs: 5_000 };

/** Where a reflector of one kind reads, and whom it notifies. */
export type ReflectorOf<T> = Omit<ReflectorOptions<T>, 'source' | 'life'> & { readonly client: KubeClient };

export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  return new ListAndWatch(options);
}

class ListAndWatch<T> implements Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #query: Query;
  readonly #store: ReturnType<typeof createObjectStore<T>>;
  #state: ReflectorState = { synced: false, connected: false };
  #lastEventAt: number | undefined;
  /** Where to resume; undefined asks for a list. */
  #resumeFrom: string | undefined;
  /** The list after an `Expired` must not be older than what is known. */
  #listFrom: string;
  #failures = 0;
  /** Watches in a row that were opened and then failed before any event. */
  #fruitless = 0;
  #opened = false;
  #lastFault: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#query = { ...options.source.query };
    this.#listFrom = options.source.upToDate === true ? '' : '0';
    this.#store = createObjectStore(options.source.convert);
  }

  get synced(): boolean {
    return this.#state.synced;
  }

  get connected(): boolean {
    return this.#state.connected;
  }

  get lastEventAt(): number | undefined {
    return this.#lastEventAt;
  }

  get fault(): string | undefined {
    return this.#lastFault;
  }

  items(): IterableIterator<T> {
    return this.#store.items.values();
  }

  get(key: string): T | undefined {
    return this.#store.items.get(key);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#resumeFrom === undefined) await this.#list(signal);
        await this.#watch(this.#resumeFrom ?? '', signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#lastFault = error instanceof Error ? error.message : String(error);
        this.#guarded(() => this.#options.onError?.(error));
        await this.#recover(error, signal);
      }
    }
    this.#enter({ connected: false });
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, path } = this.#options.source;
    const convert = (object: RawObject) => this.#convert(object);
    const from = this.#listFrom;
    const { entries, resourceVersion } = await listAll(client, { path, query: this.#query, from, signal, convert });
    this.#aliveNow();
    for (const change of this.#store.replace(entries)) this.#report(change);
    this.#resumeFrom = resourceVersion;
    this.#listFrom = resourceVersion;
    this.#enter({ synced: true });
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { source, clock, random, life: { silenceMs = 90_000 } = {} } = this.#options;
    const { client, path } = source;
    const startedAt = clock.now();
    this.#opened = false;
    try {
      await watchOnce({
        collection: { client, path, query: this.#query },
        from,
        signal,
        clock,
        random,
        silenceMs,
        on: {
          open: () => this.#open(),
          byte: () => this.#aliveNow(),
          event: (type, object) => this.#onEvent(type, object),
        },
      });
    } finally {
      this.#enter({ connected: false });
      if (clock.now() - startedAt >= GOOD_WATCH_MS) this.#failures = this.#fruitless = 0;
    }
    // An orderly end is normal after minutes; a server that ends each watch at once must not be asked in a tight loop.
    if (clock.now() - startedAt < GOOD_WATCH_MS) await this.#pause(signal);
  }

  #open(): void {
    this.#opened = true;
    this.#lastFault = undefined;
    this.#aliveNow();
    this.#enter({ connected: true });
  }

  #aliveNow(): void {
    this.#lastEventAt = this.#options.clock.now();
    this.#guarded(() => this.#options.life?.onSign?.());
  }

  #onEvent(type: string, object: RawObject): void {
    const version = object.metadata.resourceVersion;
    if (isOlder(version, this.#resumeFrom))
      throw new WatchLost(`the server went back from version ${this.#resumeFrom} to ${version}`);
    const changes = this.#guarded(() => this.#apply(type, object)) ?? [];
    this.#resumeFrom = version ?? this.#resumeFrom;
    this.#listFrom = this.#resumeFrom ?? this.#listFrom;
    this.#failures = this.#fruitless = 0;
    for (const change of changes) this.#report(change);
  }

  #apply(type: string, object: RawObject): Change<T>[] {
    if (type === 'ADDED' || type === 'MODIFIED') return this.#store.upsert(object);
    return type === 'DELETED' ? this.#store.remove(object) : [];
  }

  /** Decides how to go on after a fault: at once, after a pause, from the last event or from a new list. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const fault = isKubeError(error) ? error : undefined;
    const wasListing = this.#resumeFrom === undefined;
    this.#fruitless = this.#opened ? this.#fruitless + 1 : 0;
    // The server knows no history from there, refuses the watch, or fails at that very version again and again.
    // An outage alone is no reason: afterwards a thousand nodes resume where they were, and none lists.
    if (fault?.expired || this.#fruitless >= 3 || (fault !== undefined && !fault.transient))
      this.#resumeFrom = undefined;
    // A server that was restored from a backup has nothing to say to a watch from its future; only a list shows what it has.
    if (error instanceof WatchLost || (fault !== undefined && isOfFuture(fault))) {
      this.#resumeFrom = undefined;
      this.#listFrom = '';
    }
    if (wasListing && fault !== undefined && (fault.expired || isTooLarge(fault))) this.#listFrom = '';
    if (fault?.expired && !wasListing && this.#failures === 0) {
      this.#failures = 1;
      return;
    }
    await this.#pause(signal, fault?.retryAfterMs);
  }

  async #pause(signal: AbortSignal, atLeastMs = 0): Promise<void> {
    this.#failures += 1;
    const { clock, random } = this.#options;
    await clock.sleep(Math.max(atLeastMs, backoffMs(this.#failures, { ...BACKOFF, random })), signal);
  }

  #enter(change: Partial<ReflectorState>): void {
    const next = { ...this.#state, ...change };
    if (next.synced === this.#state.synced && next.connected === this.#state.connected) return;
    this.#state = next;
    this.#guarded(() => this.#options.onState?.(this.#state));
  }

  #report(change: Change<T>): void {
    this.#guarded(() => this.#options.onChange(change));
  }

  #convert(object: RawObject) {
    return this.#guarded(() => this.#store.convert(object)) ?? this.#store.known(object);
  }

  /** The caller's code must not stop the watch. */
  #guarded<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }
}

/**
 * True when the server's history has gone back behind what we know: etcd was restored from a backup. Versions are compared as numbers
 * where both are (every API server on etcd; a promise since Kubernetes 1.35) and else not at all.
 */
function isOlder(version: string | undefined, known: string | undefined): boolean {
  if (version === undefined || known === undefined || !/^\d+$/.test(version) || !/^\d+$/.test(known)) return false;
  return BigInt(version) < BigInt(known);
}

/** The server refuses to wait for a version that it may never reach. The words are those of every API server since Kubernetes 1.14. */
function isOfFuture({ message }: KubeError): boolean {
  return /too large resource version/i.test(message);
}

/** The server's cache is behind the version that was asked for (another API server answered before). */
function isTooLarge(fault: KubeError): boolean {
  return fault.status === 504 || fault.reason === 'Timeout';
}
