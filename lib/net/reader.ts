import type { Semaphore } from '../runtime/semaphore.ts';
import { CommandError } from './command.ts';
import type { Addition, SeenInterface, Spot } from './live-view.ts';
import { seenAt, spotOf, withAddition, withoutSpot } from './live-view.ts';
import type { AddressEvent } from './monitor-line.ts';
import { readLinks } from './read-links.ts';
import { SingleFlight } from './single-flight.ts';

export interface ReaderOptions {
  /** Bind mount of the namespace, or undefined for our own. */
  readonly path: string | undefined;
  readonly signal: AbortSignal;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly onChange: () => void;
  /** Bounds the commands that run at once. */
  readonly slots: Semaphore;
}

/**
 * The addresses of one network namespace, re-read whenever asked, one read in flight and at most one queued.
 *
 * A deletion takes the address out of the view before the truth is read again, so that an address that is deleted and added at once
 * is a new one; and a read that was under way at that moment does not bring it back.
 */
export class NamespaceReader {
  readonly #options: ReaderOptions;
  readonly #reading = new SingleFlight(() => this.#options.slots.use(() => this.#read()));
  #deletedMeanwhile = new Set<Spot>();
  /** Reported by the kernel while a read is under way that may have begun before. */
  #addedMeanwhile = new Map<Spot, Addition>();
  interfaces: readonly SeenInterface[] = [];
  /** Whether the last read succeeded; undefined before the first. */
  fault: CommandError | 'never read' | undefined = 'never read';

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Resolves when a read that started after this request has ended, well or not: see `fault`. */
  read(): Promise<void> {
    return this.#reading.request();
  }

  /**
   * Takes the kernel's word and reads the truth behind it. Waiting for that read would cost a floating IP two forks before its call:
   * a usable address that is reported for a link we know is shown at once, and the read takes it back should it not be there.
   */
  onEvent({ ifindex, ip, deleted, prefixLength }: AddressEvent): void {
    const spot = spotOf(ifindex, ip);
    if (deleted) {
      this.#deletedMeanwhile.add(spot);
      this.#addedMeanwhile.delete(spot);
      this.#show(withoutSpot(this.interfaces, spot));
    } else if (prefixLength !== undefined) {
      const addition = { ifindex, address: { ip, prefixLength, since: this.#options.now() } };
      this.#deletedMeanwhile.delete(spot);
      this.#addedMeanwhile.set(spot, addition);
      this.#show(withAddition(this.interfaces, addition));
    }
  }

  async #read(): Promise<void> {
    this.#deletedMeanwhile = new Set();
    this.#addedMeanwhile = new Map();
    const { path, signal, now } = this.#options;
    const hadFault = this.fault !== undefined;
    try {
      const links = await readLinks(path, signal);
      this.fault = undefined;
      const read = seenAt(now(), links, this.interfaces, this.#deletedMeanwhile);
      this.#show([...this.#addedMeanwhile.values()].reduce(withAddition, read), hadFault);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.fault = error;
    }
  }

  #show(next: readonly SeenInterface[], always = false): void {
    const changed = JSON.stringify(next) !== JSON.stringify(this.interfaces);
    this.interfaces = next;
    if (changed || always) this.#options.onChange();
  }
}
