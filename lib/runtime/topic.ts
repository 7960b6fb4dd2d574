/** Something that is said to whoever has subscribed. Those who speak and those who listen need not know one another. */
export class Topic<T = void> {
  readonly #listeners: ((value: T) => void)[] = [];

  subscribe(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls the listeners in the order in which they subscribed. What one throws ends it and reaches the caller. */
  publish(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

/** A topic that remembers what was published last. */
export class Latest<T> extends Topic<T> {
  #value: T;

  constructor(initial: T) {
    super();
    this.#value = initial;
  }

  get value(): T {
    return this.#value;
  }

  override publish(value: T): void {
    this.#value = value;
    super.publish(value);
  }
}
