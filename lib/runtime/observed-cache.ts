export interface ObservedCacheOptions<Value, Write> {
  /** Before the first read. */
  readonly initial: Value;
  /**
   * The value with one accepted write of ours laid over it. `askedAt`: when the value was asked for, ms since the epoch; undefined while
   * the write is being made: it is then the latest news. May change and return what it was given.
   */
  readonly lay: (
    value: Value,
    write: Write,
    times: { readonly at: number; readonly askedAt: number | undefined },
  ) => Value;
  /** @default {@link SETTLING_MS} */
  readonly settlingMs?: number;
}

/** How long a write of ours that was accepted outweighs a read that does not show it, ms: EC2's views lag behind its answers. */
const SETTLING_MS = 10_000;

/**
 * What was read last, with our own accepted writes laid over it.
 *
 * One clock rule: a write counts until a read that was asked for more than the settling time after it. The time of the question decides,
 * because an answer that took long knows nothing of a write made meanwhile.
 */
export class ObservedCache<Value, Key, Write> {
  readonly #options: ObservedCacheOptions<Value, Write>;
  #value: Value;
  #readAt: number | undefined;
  readonly #writes = new Map<Key, { readonly write: Write; readonly at: number }>();

  constructor(options: ObservedCacheOptions<Value, Write>) {
    this.#options = options;
    this.#value = options.initial;
  }

  get value(): Value {
    return this.#value;
  }

  /** When the last read was asked for, ms since the epoch; undefined before the first. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  /** The write to this key that has not settled yet. */
  pending(key: Key): Write | undefined {
    return this.#writes.get(key)?.write;
  }

  /** When each write that has not settled yet was accepted, ms since the epoch. */
  get pendingSince(): ReadonlyMap<Key, number> {
    return new Map(Array.from(this.#writes, ([key, { at }]) => [key, at]));
  }

  /** A write was accepted; it replaces an earlier one to the same key. */
  wrote(key: Key, write: Write, at: number): void {
    // The order of writes is the order in which they are laid over a read.
    this.#writes.delete(key);
    this.#writes.set(key, { write, at });
    this.#value = this.#options.lay(this.#value, write, { at, askedAt: undefined });
  }

  /** Somebody else has reported a change; the next read decides about it. */
  learned(value: Value): void {
    this.#value = value;
  }

  /** Takes in what was asked for at `askedAt`. */
  read(value: Value, askedAt: number): void {
    for (const [key, { at }] of this.#writes) if (this.#isSettled(at, askedAt)) this.#writes.delete(key);
    this.#value = this.corrected(value, askedAt);
    this.#readAt = askedAt;
  }

  /** What was asked for at `askedAt`, with our writes laid over it. It is not kept: it may be a part of all there is. */
  corrected(value: Value, askedAt: number): Value {
    const { lay } = this.#options;
    return Array.from(this.#writes.values())
      .filter(({ at }) => !this.#isSettled(at, askedAt))
      .reduce((known, { write, at }) => lay(known, write, { at, askedAt }), value);
  }

  #isSettled(at: number, askedAt: number): boolean {
    return askedAt - at > (this.#options.settlingMs ?? SETTLING_MS);
  }
}
