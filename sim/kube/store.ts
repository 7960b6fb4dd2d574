import type { KubeObject } from './object.ts';
import { type Change, WatchHub } from './watch-hub.ts';

/**
 * Every object, under one revision counter as in etcd. What goes in and comes out is never shared with the caller.
 * It knows nothing of validation, deletion rules or versions: those are the registry's.
 */
export class ObjectStore {
  readonly hub: WatchHub;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  #revision = 1;
  #rehearsing = false;

  constructor(historyCapacity = 10_000) {
    this.hub = new WatchHub(historyCapacity);
  }

  get revision(): number {
    return this.#revision;
  }

  get(storage: string, namespace: string | undefined, name: string): KubeObject | undefined {
    const found = this.#bucket(storage).get(keyOf(namespace, name));
    return found && structuredClone(found);
  }

  /** In key order (namespace, then name), as a list comes from etcd. */
  list(storage: string, namespace?: string): KubeObject[] {
    return [...this.#bucket(storage)]
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
  }

  /** Writes the object with the next resourceVersion and returns it as stored. */
  put(storage: string, object: KubeObject): KubeObject {
    if (this.#rehearsing) return structuredClone(object);
    const stored = this.#atNextRevision(object);
    const bucket = this.#bucket(storage);
    const key = keyOf(stored.metadata.namespace, stored.metadata.name);
    const previous = bucket.get(key);
    bucket.set(key, stored);
    this.#publish(storage, stored, previous ? { type: 'MODIFIED', previous } : { type: 'ADDED' });
    return structuredClone(stored);
  }

  /** Removes the object; `last` is what the DELETED event shows, at a resourceVersion of its own. */
  remove(storage: string, last: KubeObject): KubeObject {
    if (this.#rehearsing) return structuredClone(last);
    const removed = this.#atNextRevision(last);
    const key = keyOf(removed.metadata.namespace, removed.metadata.name);
    const previous = this.#bucket(storage).get(key) ?? removed;
    this.#bucket(storage).delete(key);
    this.#publish(storage, removed, { type: 'DELETED', previous });
    return structuredClone(removed);
  }

  /** Runs something that writes, and writes nothing: `?dryRun=All`. */
  rehearse<T>(act: () => T): T {
    this.#rehearsing = true;
    try {
      return act();
    } finally {
      this.#rehearsing = false;
    }
  }

  #atNextRevision(object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    this.#revision += 1;
    copy.metadata.resourceVersion = String(this.#revision);
    return copy;
  }

  #publish(storage: string, object: KubeObject, what: Pick<Change, 'type' | 'previous'>): void {
    this.hub.publish({ revision: this.#revision, storage, object, ...what });
  }

  #bucket(storage: string): Map<string, KubeObject> {
    let bucket = this.#objects.get(storage);
    if (!bucket) this.#objects.set(storage, (bucket = new Map()));
    return bucket;
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
