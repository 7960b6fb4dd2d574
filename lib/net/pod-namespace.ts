import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { CommandError, isFault } from './command.ts';
import type { Nsids } from './nsids.ts';
import { namespaceIdentity } from './nsids.ts';
import { NamespaceReader } from './reader.ts';
import { SingleFlight } from './single-flight.ts';
import type { Slots } from './slots.ts';

export interface PodNamespaceOptions {
  readonly dir: string;
  readonly name: string;
  readonly nsids: Nsids;
  readonly slots: Slots;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** The kernel will not tell about this namespace by id. */
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

  constructor(options: PodNamespaceOptions) {
    this.#options = options;
    this.name = options.name;
    this.path = join(options.dir, options.name);
    const { clock, onChange, slots } = options;
    this.reader = new NamespaceReader({ path: this.path, signal: this.signal, now: () => clock.now(), onChange, slots });
  }

  /** Aborts when the namespace has left the folder. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * True when the view tells what is there: the last read succeeded, or the file turned out to be no namespace (left behind by an
   * unmount), which has no addresses.
   */
  get known(): boolean {
    const { fault } = this.reader;
    return this.#settled && (fault === undefined || isFault(fault, 'invalid', 'gone'));
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
      await this.#identify();
      await this.reader.read();
      if (!isFault(this.reader.fault, 'invalid')) break;
    }
    this.#settled = true;
    if (!this.signal.aborted) this.#options.onChange();
  }

  async #identify(): Promise<void> {
    const { nsids, slots, onDeaf } = this.#options;
    const identity = namespaceIdentity(this.path);
    if (identity === this.#identity) return;
    if (this.#identity !== undefined) nsids.forget(this.name);
    try {
      const hasId = nsids.has(this.name) || (await slots.use(() => nsids.give(this.name, this.path)));
      if (!hasId) onDeaf(this, `ip netns does not know ${this.path}`);
      this.#identity = identity;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.signal.aborted || isFault(error, 'invalid', 'aborted')) return;
      this.#identity = identity;
      onDeaf(this, error);
    }
  }
}
