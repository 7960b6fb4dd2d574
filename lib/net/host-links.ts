import type { Mac } from '../model/eni.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KernelLink } from './addresses.ts';
import { parseLinks } from './addresses.ts';
import { run } from './command.ts';
import { SingleFlight } from './single-flight.ts';

export interface HostLinksOptions {
  readonly clock: Clock;
  /** Another answer than before may be given now. */
  readonly onChange: () => void;
  readonly onProblem: (message: string, error?: unknown) => void;
  /** Answers older than this are given and checked behind, ms: an ENI may come back under an old name. @default 60000 */
  readonly maxAgeMs?: number;
  /** Pause before a link that was not there is looked for again, ms. @default 2000 */
  readonly retryMs?: number;
}

/**
 * The links of the host: which MAC is behind a `master` name or a parent's index. Nothing is watched: the list is read when
 * somebody asks for a link that is not in it, and `onChange` says when asking again pays.
 */
export class HostLinks {
  readonly #options: HostLinksOptions;
  readonly #reading = new SingleFlight(() => this.#read());
  #signal: AbortSignal | undefined;
  #byName = new Map<string, KernelLink>();
  #byIndex = new Map<number, KernelLink>();
  #readAt: number | undefined;
  #asText = '';

  constructor(options: HostLinksOptions) {
    this.#options = options;
  }

  /** True once the list has been read. */
  get synced(): boolean {
    return this.#asText !== '';
  }

  /** Reads the list for the first time and answers until the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.refresh();
  }

  /** Reads the list now, e.g. because an ENI has come or gone. */
  async refresh(): Promise<void> {
    if (this.#signal?.aborted === false) await this.#reading.request();
  }

  /** MAC of the host interface with this name or alternative name. */
  macOfName(name: string): Mac | undefined {
    return this.#answer(this.#byName.get(name));
  }

  macOfIndex(index: number): Mac | undefined {
    return this.#answer(this.#byIndex.get(index));
  }

  /** The name behind an index, or undefined. */
  nameOfIndex(index: number): string | undefined {
    return this.#byIndex.get(index)?.name;
  }

  /** The interface that has this MAC itself: the lowest index, because children of it may share the MAC and come later. */
  nameOfMac(mac: Mac): string | undefined {
    const holders = [...this.#byIndex.values()].filter((link) => link.mac === mac);
    return holders.toSorted((a, b) => a.ifindex - b.ifindex)[0]?.name;
  }

  #answer(link: KernelLink | undefined): Mac | undefined {
    const { clock, maxAgeMs = 60_000, retryMs = 2_000 } = this.#options;
    const age = this.#readAt === undefined ? Infinity : clock.now() - this.#readAt;
    if (age >= (link === undefined ? retryMs : maxAgeMs)) void this.refresh();
    return link?.mac;
  }

  async #read(): Promise<void> {
    const { clock, onChange, onProblem } = this.#options;
    const signal = this.#signal;
    if (signal === undefined) return;
    this.#readAt = clock.now();
    try {
      const text = await run('ip', ['-j', 'link', 'show'], signal);
      const links = parseLinks(text);
      if (links === undefined) return onProblem('the list of host links is not JSON');
      this.#byName = new Map(
        links.flatMap((link) => [link.name, ...link.altNames].map((name) => [name, link] as const)),
      );
      this.#byIndex = new Map(links.map((link) => [link.ifindex, link]));
      const changed = this.#remember(links);
      if (changed) onChange();
    } catch (error) {
      if (!signal.aborted) onProblem('cannot list the links of the host', error);
    }
  }

  #remember(links: readonly KernelLink[]): boolean {
    const before = this.#asText;
    this.#asText = JSON.stringify(links.map(({ ifindex, name, altNames, mac }) => [ifindex, name, altNames, mac]));
    return before !== this.#asText;
  }
}
