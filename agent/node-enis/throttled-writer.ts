import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

export interface ThrottledWriterParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Least time between two writes to one object, ms: many interfaces change in the same second. */
  readonly minIntervalMs: number;
  /** For the log. */
  readonly what: string;
  /** Something waits, or a write failed: look again. */
  readonly trigger: () => void;
}

interface Write {
  readonly text: string;
  /** The object's version that it was based on: until a newer one is seen, what was written counts as what the object says. */
  readonly version: string;
  readonly at: number;
  readonly done: Promise<void>;
  readonly busy: { now: boolean };
}

/** A write that the watch does not show within this time is tried again, ms. */
const PENDING_WRITE_MS = 5_000;

/** Writes of one kind: one at a time for an object, none that would say again what the object says or is about to say. */
export class ThrottledWriter {
  readonly #parts: ThrottledWriterParts;
  readonly #writes = new Map<string, Write>();

  constructor(parts: ThrottledWriterParts) {
    this.#parts = parts;
  }

  /**
   * Writes unless the object says the text already; `say`: both texts, asked for only when a write may begin. `write` may reject, which is
   * logged.
   * Returns when to look again, if it must wait.
   */
  write(
    { key, version, say }: { key: string; version: string; say: () => { current: string; text: string } },
    write: () => Promise<unknown>,
  ): { readonly started: boolean; readonly retryAt: number | undefined } {
    const { clock, minIntervalMs } = this.#parts;
    const now = clock.now();
    const earlier = this.#writes.get(key);
    if (earlier?.busy.now === true) return { started: false, retryAt: undefined };
    // One look when the pause is over sees all that has changed by then.
    if (earlier !== undefined && now < earlier.at + minIntervalMs)
      return { started: false, retryAt: earlier.at + minIntervalMs };
    const isAwaited = earlier?.version === version && now < earlier.at + PENDING_WRITE_MS;
    const { current, text } = say();
    if ((isAwaited ? earlier.text : current) === text)
      return { started: false, retryAt: isAwaited ? earlier.at + PENDING_WRITE_MS : undefined };
    const busy = { now: true };
    this.#writes.set(key, { text, version, at: now, busy, done: this.#perform(key, busy, write) });
    return { started: true, retryAt: undefined };
  }

  keep(keys: ReadonlySet<string>): void {
    for (const [key, { busy }] of this.#writes) if (!keys.has(key) && !busy.now) this.#writes.delete(key);
  }

  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#writes.values(), ({ done }) => done));
  }

  async #perform(key: string, busy: { now: boolean }, write: () => Promise<unknown>): Promise<void> {
    const { log, what, trigger, clock } = this.#parts;
    try {
      await write();
      busy.now = false;
      trigger();
    } catch (error) {
      log.warn(`cannot write ${what}; trying again`, { object: key, error });
      // What the object says is not known now: the pause between two writes keeps this from becoming a storm.
      clock.after(1_000, () => {
        busy.now = false;
        const failed = this.#writes.get(key);
        if (failed !== undefined) this.#writes.set(key, { ...failed, version: '' });
        trigger();
      });
    }
  }
}
