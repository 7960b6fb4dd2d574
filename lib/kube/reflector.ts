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

export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  /** The collection: `/api/v1/pods`, `/apis/<group>/<version>/<plural>`. */
  readonly path: string;
  readonly query?: { readonly fieldSelector?: string; readonly labelSelector?: string };
  /** Called once for each received object, whose memory is freed right after. Undefined: treat it as absent. */
  readonly convert: (raw: RawObject) => T | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: (change: Change<T>) => void;
  /** Called when `synced` or `connected` changes. */
  readonly onState?: (state: ReflectorState) => void;
  /** Called for every sign of life: a complete list, an opened watch, every piece of one (bookmarks count). Must be cheap. */
  readonly onHeard?: () => void;
  /** Every fault that was survived: of the API server (`KubeError`), of `convert` and of `onChange`. */
  readonly onError?: (error: unknown) => void;
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

export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, path, clock, random } = options;
  const query: Query = { ...options.query };
  const store = createObjectStore(options.convert);
  let state: ReflectorState = { synced: false, connected: false };
  let lastEventAt: number | undefined;
  /** Where to resume; undefined asks for a list. */
  let resumeFrom: string | undefined;
  /** The list after an `Expired` must not be older than what is known; the first may come from the server's cache. */
  let listFrom = '0';
  let failures = 0;
  /** Watches in a row that were opened and then failed before any event. */
  let fruitless = 0;
  let opened = false;
  let lastFault: string | undefined;

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (resumeFrom === undefined) await list(signal);
        await watch(resumeFrom ?? '', signal);
      } catch (error) {
        if (signal.aborted) break;
        lastFault = error instanceof Error ? error.message : String(error);
        guarded(() => options.onError?.(error));
        await recover(error, signal);
      }
    }
    enter({ connected: false });
  }

  async function list(signal: AbortSignal): Promise<void> {
    const { entries, resourceVersion } = await listAll(client, { path, query, from: listFrom, signal, convert });
    heard();
    for (const change of store.replace(entries)) tell(change);
    resumeFrom = resourceVersion;
    listFrom = resourceVersion;
    enter({ synced: true });
  }

  async function watch(from: string, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now();
    opened = false;
    const silenceMs = options.silenceMs ?? 90_000;
    try {
      await watchOnce({ client, path, query, from, signal, clock, random, silenceMs, onOpen, onByte: heard, onEvent });
    } finally {
      enter({ connected: false });
      if (clock.now() - startedAt >= GOOD_WATCH_MS) failures = fruitless = 0;
    }
    // An orderly end is normal after minutes; a server that ends each watch at once must not be asked in a tight loop.
    if (clock.now() - startedAt < GOOD_WATCH_MS) await pause(signal);
  }

  const onOpen = () => {
    opened = true;
    lastFault = undefined;
    heard();
    enter({ connected: true });
  };

  function heard(): void {
    lastEventAt = clock.now();
    guarded(() => options.onHeard?.());
  }

  function onEvent(type: string, object: RawObject): void {
    const version = object.metadata.resourceVersion;
    if (isOlder(version, resumeFrom))
      throw new WatchLost(`the server went back from version ${resumeFrom} to ${version}`);
    const changes = guarded(() => apply(type, object)) ?? [];
    resumeFrom = version ?? resumeFrom;
    listFrom = resumeFrom ?? listFrom;
    failures = fruitless = 0;
    for (const change of changes) tell(change);
  }

  function apply(type: string, object: RawObject): Change<T>[] {
    if (type === 'ADDED' || type === 'MODIFIED') return store.upsert(object);
    return type === 'DELETED' ? store.remove(object) : [];
  }

  /** Decides how to go on after a fault: at once, after a pause, from the last event or from a new list. */
  async function recover(error: unknown, signal: AbortSignal): Promise<void> {
    const fault = isKubeError(error) ? error : undefined;
    const wasListing = resumeFrom === undefined;
    fruitless = opened ? fruitless + 1 : 0;
    // The server knows no history from there, refuses the watch, or fails at that very version again and again.
    // An outage alone is no reason: afterwards a thousand nodes resume where they were, and none lists.
    if (fault?.expired || fruitless >= 3 || (fault !== undefined && !fault.transient)) resumeFrom = undefined;
    // A server that was restored from a backup has nothing to say to a watch from its future; only a list shows what it has.
    if (error instanceof WatchLost) {
      resumeFrom = undefined;
      listFrom = '';
    }
    if (wasListing && fault !== undefined && (fault.expired || isTooLarge(fault))) listFrom = '';
    if (fault?.expired && !wasListing && failures === 0) {
      failures = 1;
      return;
    }
    await pause(signal, fault?.retryAfterMs);
  }

  async function pause(signal: AbortSignal, atLeastMs = 0): Promise<void> {
    failures += 1;
    await clock.sleep(Math.max(atLeastMs, backoffMs(failures, { ...BACKOFF, random })), signal);
  }

  function enter(change: Partial<ReflectorState>): void {
    const next = { ...state, ...change };
    if (next.synced === state.synced && next.connected === state.connected) return;
    state = next;
    guarded(() => options.onState?.(state));
  }

  function tell(change: Change<T>): void {
    guarded(() => options.onChange(change));
  }

  function convert(object: RawObject) {
    return guarded(() => store.convert(object)) ?? store.known(object);
  }

  /** The caller's code must not stop the watch. */
  function guarded<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      options.onError?.(error);
      return undefined;
    }
  }

  return {
    run,
    items: () => store.items.values(),
    get: (key) => store.items.get(key),
    get synced() {
      return state.synced;
    },
    get connected() {
      return state.connected;
    },
    get lastEventAt() {
      return lastEventAt;
    },
    get fault() {
      return lastFault;
    },
  };
}

/**
 * True when the server's history has gone back behind what we know: etcd was restored from a backup. Versions are compared as numbers
 * where both are (every API server on etcd; a promise since Kubernetes 1.35) and else not at all.
 */
function isOlder(version: string | undefined, known: string | undefined): boolean {
  if (version === undefined || known === undefined || !/^\d+$/.test(version) || !/^\d+$/.test(known)) return false;
  return BigInt(version) < BigInt(known);
}

/** The server's cache is behind the version that was asked for (another API server answered before). */
function isTooLarge(fault: KubeError): boolean {
  return fault.status === 504 || fault.reason === 'Timeout';
}
