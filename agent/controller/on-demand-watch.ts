import { createReflector, type Mirrored, type Reflector, type ReflectorOf } from '../../lib/kube/reflector.ts';

type Base<T> = Pick<ReflectorOf<T>, 'client' | 'clock' | 'random' | 'onError'> & Pick<Mirrored<T>, 'convert'>;

/** What is to be watched: a collection, perhaps only the objects with a label. */
export interface WatchQuery {
  readonly path: string;
  readonly labelSelector?: string;
}

/**
 * A watch that runs only while somebody needs it, and only as wide as they need it. It begins with what is: a leader that began with an older world
 * would undo what the one before it did for a pod or an object that has been made again since.
 */
export class OnDemandWatch<T> {
  readonly #base: Base<T>;
  readonly #onChange: () => void;
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  #current:
    | { readonly query: WatchQuery; readonly stop: AbortController; readonly reflector: Reflector<T> }
    | undefined;

  constructor(base: Base<T>, onChange: () => void, signal: AbortSignal) {
    this.#base = base;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  /** Undefined ends the watch and forgets its objects; another query replaces it. */
  want(query: WatchQuery | undefined): void {
    const running = this.#current?.query;
    if (running?.path === query?.path && running?.labelSelector === query?.labelSelector) return;
    this.#current?.stop.abort();
    this.#current = undefined;
    if (query === undefined || this.#signal.aborted) return;
    const stop = new AbortController();
    const { path, labelSelector } = query;
    const onChange = this.#onChange;
    const { client, convert, ...rest } = this.#base;
    const source = { client, path, convert, upToDate: true, ...(labelSelector && { query: { labelSelector } }) };
    const reflector = createReflector({ ...rest, source, onChange, onState: onChange });
    this.#current = { query, stop, reflector };
    const run = reflector.run(AbortSignal.any([this.#signal, stop.signal]));
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** True once the whole collection was read. */
  get known(): boolean {
    return this.#current?.reflector.synced === true;
  }

  get wanted(): boolean {
    return this.#current !== undefined;
  }

  items(): IterableIterator<T> {
    return this.#current?.reflector.items() ?? [].values();
  }

  /** Resolves when no watch runs any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }
}
