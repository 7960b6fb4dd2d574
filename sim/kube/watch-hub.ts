import type { KubeObject } from './object.ts';
import { expired } from './status.ts';

/** One committed change of one object. `previous` is absent for a creation. */
export interface Change {
  readonly revision: number;
  readonly storage: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}

export type ChangeListener = (change: Change) => void;

/**
 * The recent past of the store and those who follow it. Whoever asks for a revision that the history no longer
 * reaches back to gets 410 Expired, exactly as after an etcd compaction (facts §7.2).
 */
export class WatchHub {
  #history: Change[] = [];
  #compacted = 0;
  readonly #firstServed = new Map<string, number>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  publish(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > this.#capacity) {
      const cut = Math.ceil(this.#capacity / 4);
      this.compact(this.#history[cut - 1]?.revision ?? 0);
    }
    for (const listener of this.#listeners) listener(change);
  }

  /** Forgets everything up to and including this revision. */
  compact(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision);
    this.#history = this.#history.filter((change) => change.revision > this.#compacted);
  }

  /** A resource served only from now on has no history before this revision. */
  startsAt(storage: string, revision: number): void {
    this.#firstServed.set(storage, revision);
  }

  /** Changes of this storage after `revision`; throws 410 when they are no longer all known. */
  since(storage: string, revision: number): Change[] {
    const oldest = Math.max(this.#compacted, this.#firstServed.get(storage) ?? 0);
    if (revision < oldest) throw expired(revision, oldest);
    return this.#history.filter((change) => change.storage === storage && change.revision > revision);
  }

  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
