interface Version<T> {
  readonly at: number;
  /** Undefined: deleted. */
  readonly value: T | undefined;
}

interface Entry<T> {
  readonly sequence: number;
  readonly createdAt: number;
  readonly versions: Version<T>[];
}

/**
 * A map that remembers its recent past, so that a reader may lag behind: Describe and IMDS see an earlier moment
 * than the mutations do (facts §1.13 item 9). Values must be immutable.
 *
 * Versions older than the horizon are forgotten, apart from the newest of them. Iteration is in order of creation.
 */
export class Timeline<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #graves: { id: string; at: number }[] = [];
  readonly #now: () => number;
  readonly #horizonMs: number;
  #created = 0;

  constructor(now: () => number, horizonMs = 300_000) {
    this.#now = now;
    this.#horizonMs = horizonMs;
  }

  /** The value now. */
  get(id: string): T | undefined {
    return this.#entries.get(id)?.versions.at(-1)?.value;
  }

  /** The value that a reader sees whose knowledge ends at `moment` (epoch ms). */
  asOf(id: string, moment: number): T | undefined {
    const versions = this.#entries.get(id)?.versions;
    return versions?.findLast((version) => version.at <= moment)?.value;
  }

  /** Everything that exists for a reader whose knowledge ends at `moment`. */
  all(moment: number): T[] {
    const values: T[] = [];
    for (const id of this.#entries.keys()) {
      const value = this.asOf(id, moment);
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  put(id: string, value: T): void {
    this.#write(id, value);
  }

  delete(id: string): void {
    if (this.get(id) === undefined) return;
    this.#write(id, undefined);
    this.#graves.push({ id, at: this.#now() });
    this.#bury();
  }

  /** Position in the order of creation: stable under deletions, so a page token can hold it. */
  sequenceOf(id: string): number {
    return this.#entries.get(id)?.sequence ?? 0;
  }

  /** Epoch ms; undefined for an id that never was. */
  createdAt(id: string): number | undefined {
    return this.#entries.get(id)?.createdAt;
  }

  #write(id: string, value: T | undefined): void {
    const at = this.#now();
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#created += 1;
      entry = { sequence: this.#created, createdAt: at, versions: [] };
      this.#entries.set(id, entry);
    }
    const { versions } = entry;
    if (versions.at(-1)?.at === at) versions.pop();
    versions.push({ at, value });
    const firstNeeded = versions.findLastIndex((version) => version.at <= at - this.#horizonMs);
    if (firstNeeded > 0) versions.splice(0, firstNeeded);
  }

  #bury(): void {
    const end = this.#now() - this.#horizonMs;
    for (let grave = this.#graves[0]; grave !== undefined && grave.at <= end; grave = this.#graves[0]) {
      if (this.get(grave.id) === undefined) this.#entries.delete(grave.id);
      this.#graves.shift();
    }
  }
}
