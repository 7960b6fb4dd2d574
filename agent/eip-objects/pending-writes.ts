/** A write whose result the watch does not show yet. */
interface PendingWrite {
  /** The version of the object that it rests on. */
  readonly version: string;
  /** It is given up then, ms since the epoch. */
  readonly until: number;
}

/** Keeps a write from being repeated because the watch still shows the object as it was before. */
export class PendingWrites {
  readonly #writes = new Map<string, PendingWrite>();

  /** A write was accepted, or found the object changed: wait for its new version, but not forever. */
  made(key: string, version: string, until: number): void {
    this.#writes.set(key, { version, until });
  }

  /** Until when a write that rests on this version must wait; undefined: it may go. */
  until(key: string, version: string | undefined, now: number): number | undefined {
    const write = this.#writes.get(key);
    if (write === undefined) return undefined;
    if (write.until > now && (version === undefined || write.version === version)) return write.until;
    if (write.until <= now) this.#writes.delete(key);
    return undefined;
  }
}
