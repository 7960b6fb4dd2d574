import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Semaphore } from '../runtime/semaphore.ts';
import { CommandError, isFault } from './command.ts';
import type { Nsids } from './nsids.ts';
import { namespaceIdentity } from './nsids.ts';
import { NamespaceReader } from './reader.ts';
import { SingleFlight } from './single-flight.ts';

export interface PodNamespaceOptions {
  readonly dir: string;
  readonly name: string;
  readonly nsids: Nsids;
  readonly slots: Semaphore;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** The kernel does not report this namespace by id. */
  readonly onDeaf: (namespace: PodNamespace, why: unknown) => void;
}

/** The runtime makes the file first and binds the namespace on it some time later; this covers 2.5 s. */
const BIND_RETRY_MS = [0, 5, 10, 20, 40, 80, 160, 320, 640, 1280] as const;

/** One namespace of the folder: identified (given an nsid), then read, then read again whenever the kernel says so. */
export class PodNamespace {
  readonly name: string;
  readonly path: string;
  readonly reader: NamespaceReader;
  readonly #options: PodNamespaceOptions;
  readonly #adopting = new SingleFlight(() => this.#adopt());
  readonly #end = new AbortController();
  #identity: string | undefined;
  #settled = false;
  #hiddenSince: number | undefined;

  constructor(options: PodNamespaceOptions) {
    this.#options = options;
    this.name = options.name;
    this.path = join(options.dir, options.name);
    const { clock, onChange, slots } = options;
    this.#hiddenSince = clock.now();
    this.reader = new NamespaceReader({
      path: this.path,
      signal: this.signal,
      now: () => clock.now(),
      onChange,
      slots,
    });
  }

  /** Aborts when the namespace has left the folder. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * True when the view says what is there: the last read succeeded, or the file turned out to be no namespace (left behind by an
   * unmount), which has no addresses.
   */
  get known(): boolean {
    const { fault } = this.reader;
    return this.#settled && (fault === undefined || isFault(fault, 'invalid', 'gone'));
  }

  /** Since when an address in there may be hidden from us, ms since the epoch; undefined while the view is true. */
  get hiddenSince(): number | undefined {
    if (this.known) this.#hiddenSince = undefined;
    else this.#hiddenSince ??= this.#options.clock.now();
    return this.#hiddenSince;
  }

  /** Why it is not known, in words. */
  get fault(): string {
    const { fault } = this.reader;
    return fault instanceof CommandError
      ? `the addresses in ${this.path} cannot be read: ${fault.message}`
      : `the addresses in ${this.path} have not been read yet`;
  }

  get readable(): boolean {
    return this.reader.fault === undefined;
  }

  /** Its file was touched: identifies it again if another namespace is bound there now, and reads it. */
  touched(): Promise<void> {
    return this.#adopting.request();
  }

  close(): void {
    this.#end.abort();
  }

  async #adopt(): Promise<void> {
    for (const pause of BIND_RETRY_MS) {
      await this.#options.clock.sleep(pause, this.signal);
      if (this.signal.aborted) return;
      const identity = namespaceIdentity(this.path);
      const deafness = await this.#identify(identity);
      await this.reader.read();
      // Only what could be entered is a namespace, and only if it was bound before we asked for its id was the answer about it.
      if (isFault(this.reader.fault, 'invalid') || namespaceIdentity(this.path) !== identity) continue;
      this.#identity = identity;
      if (deafness !== undefined && this.readable) this.#options.onDeaf(this, deafness);
      break;
    }
    this.#settled = true;
    if (!this.signal.aborted) this.#options.onChange();
  }

  /** Sees to it that the namespace has an nsid; returns why it has none. */
  async #identify(identity: string | undefined): Promise<unknown> {
    const { nsids, slots } = this.#options;
    if (identity === this.#identity && identity !== undefined) return undefined;
    if (this.#identity !== undefined) nsids.forget(this.name);
    if (nsids.has(this.name)) return undefined;
    try {
      const given = await slots.use(() => nsids.give(this.name, this.path));
      return given ? undefined : new Error('ip netns does not know it');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return error;
    }
  }
}
