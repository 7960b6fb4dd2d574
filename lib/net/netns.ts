import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LiveNamespace } from '../model/addresses/observation.ts';
import type { IpAddress } from '../model/ip.ts';
import type { Clock } from '../runtime/clock.ts';
import { Semaphore } from '../runtime/semaphore.ts';
import { isFault } from './command.ts';
import { FolderWatch } from './folder-watch.ts';
import type { SeenInterface } from './live-view.ts';
import { monitorAddresses } from './monitor.ts';
import type { AddressEvent } from './monitor-line.ts';
import { NAMED_NAMESPACES, Nsids } from './nsids.ts';
import { PodNamespace } from './pod-namespace.ts';
import { SingleFlight } from './single-flight.ts';
import { SpecialFiles } from './special-files.ts';
import { UnplacedAddresses } from './unplaced-addresses.ts';

export interface PodNamespacesOptions {
  /** Folder of the namespaces' bind mounts. @default '/run/netns' */
  readonly dir?: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Pause between full re-reads, the safety net of the events, ms. @default 60000 */
  readonly resyncMs?: number;
  /** The view has changed, or has become complete. Carries nothing: look at the view. */
  readonly onChange: () => void;
  readonly onProblem: (message: string, error?: unknown) => void;
  /** Called with the id of each monitoring process. */
  readonly onMonitor?: (pid: number | undefined) => void;
}

export interface NamespaceView extends LiveNamespace {
  readonly name: string;
  readonly interfaces: readonly SeenInterface[];
}

/** Commands at once: more would only make each of them slower on the small share of CPU that an agent has. */
const COMMANDS_AT_ONCE = 4;
/** Most monitors of single namespaces, for those that cannot have an nsid. */
const MAX_OWN_MONITORS = 32;

/**
 * The addresses in all network namespaces of a folder, as the kernel has them.
 *
 * One `ip monitor` per node triggers it; the truth is then read in the namespace that the event names. Namespaces that the kernel cannot
 * name (no nsid: another folder, or no privilege) get a monitor each, up to a bound; the resync finds what nobody says.
 *
 * Guarantees: level based; an address that was deleted and added again has a new `since`; a namespace that cannot be read keeps
 * its last view and makes `synced` false.
 */
export class PodNamespaces {
  readonly #options: PodNamespacesOptions;
  readonly #dir: string;
  readonly #stop = new AbortController();
  readonly #nsids = new Nsids(this.#stop.signal);
  readonly #slots = new Semaphore(COMMANDS_AT_ONCE);
  readonly #namespaces = new Map<string, PodNamespace>();
  readonly #unplaced: UnplacedAddresses;
  readonly #scan = new SingleFlight(() => this.#readFolder());
  readonly #sweep = new SingleFlight(() => this.#readAll());
  readonly #watch: FolderWatch;
  readonly #ownMonitors = new Map<PodNamespace, Promise<void>>();
  readonly #specialFiles: SpecialFiles;
  #folderFault: string | undefined;
  #scanned = false;

  constructor(options: PodNamespacesOptions) {
    this.#options = options;
    this.#dir = options.dir ?? NAMED_NAMESPACES;
    this.#specialFiles = new SpecialFiles(this.#dir, options.onProblem);
    this.#unplaced = new UnplacedAddresses(options.clock, () => options.onChange());
    const onChange = (name: string | undefined) => {
      void (name === undefined ? undefined : this.#namespaces.get(name))?.touched();
      void this.#scan.request();
    };
    this.#watch = new FolderWatch({ path: this.#dir, onChange, onProblem: options.onProblem });
  }

  /** True while the view is complete: the folder was read, and every namespace in it. */
  get synced(): boolean {
    return this.#scanned && [...this.#namespaces.values()].every((namespace) => namespace.known);
  }

  /** True once the folder has been read: from then on only single namespaces may be hidden, see `hiddenSince`. */
  get scanned(): boolean {
    return this.#scanned;
  }

  /** Since when the oldest namespace of those that are not `known` may hide something, ms since the epoch. */
  get hiddenSince(): number | undefined {
    const times = Array.from(this.#namespaces.values(), ({ hiddenSince }) => hiddenSince);
    const hidden = times.filter((time) => time !== undefined);
    return hidden.length === 0 ? undefined : Math.min(...hidden);
  }

  /** Addresses that the kernel has reported in namespaces that are not identified yet. */
  get unplaced(): readonly IpAddress[] {
    return this.#unplaced.addresses;
  }

  /** False while the folder itself cannot be read, or is not there. */
  get isReadable(): boolean {
    return this.#folderFault === undefined;
  }

  /** Why the view is not complete, or is emptier than it should be; empty while all is well. */
  faults(): readonly string[] {
    if (this.#folderFault !== undefined) return [this.#folderFault];
    if (!this.#scanned) return [`the network namespaces in ${this.#dir} have not been read yet`];
    return [...this.#namespaces.values()].filter(({ known }) => !known).map((namespace) => namespace.fault);
  }

  /** Names in the folder that turned out to be no namespace: left behind, or mounted where we cannot see it. */
  hollow(): ReadonlySet<string> {
    const hollow = [...this.#namespaces.values()].filter(({ known, readable }) => known && !readable);
    return new Set(hollow.map(({ name }) => name));
  }

  namespaces(): readonly NamespaceView[] {
    return [...this.#namespaces.values()]
      .filter((namespace) => namespace.readable || namespace.reader.interfaces.length > 0)
      .map(({ name, path, reader }) => ({ name, path, interfaces: reader.interfaces }));
  }

  /** Observes until the signal aborts; resolves when every process that it started has ended. */
  async start(signal: AbortSignal): Promise<void> {
    const { clock, random, resyncMs = 60_000, onProblem, onMonitor } = this.#options;
    const onGap = () => void this.#sweep.request();
    const onEvent = (event: AddressEvent) => this.#onEvent(event);
    const onSpawn = onMonitor ?? (() => {});
    signal.addEventListener('abort', () => this.#close(), { once: true });
    this.#specialFiles.scan();
    const monitor = monitorAddresses(
      { scope: 'all-nsid', clock, random, onEvent, onGap, onProblem, onSpawn },
      this.#stop.signal,
    );
    await this.#nsids.refresh().catch((error: unknown) => onProblem('cannot list the ids of namespaces', error));
    this.#watch.start(signal);
    while (!signal.aborted) {
      await clock.sleep(resyncMs, signal);
      if (signal.aborted) break;
      this.#watch.check();
      await this.#scan.request();
      await this.#sweep.request();
    }
    await Promise.all([monitor, ...this.#ownMonitors.values()]);
  }

  #close(): void {
    this.#stop.abort();
    for (const namespace of this.#namespaces.values()) namespace.close();
    this.#specialFiles.close();
  }

  #onEvent(event: AddressEvent): void {
    // Our own namespace is looked at by others.
    if (event.nsid === undefined) return;
    const name = this.#nsids.nameOf(event.nsid);
    const namespace = name === undefined ? undefined : this.#namespaces.get(name);
    if (namespace === undefined) this.#unplaced.onEvent(event);
    else act(event, namespace);
  }

  async #readFolder(): Promise<void> {
    const names = await this.#list();
    if (names === undefined || this.#stop.signal.aborted) return;
    const gone = [...this.#namespaces.values()].filter(({ name }) => !names.has(name));
    for (const namespace of gone) this.#drop(namespace);
    for (const name of names) if (!this.#namespaces.has(name)) this.#adopt(name);
    const first = !this.#scanned;
    this.#scanned = true;
    if (first || gone.length > 0) this.#options.onChange();
  }

  #adopt(name: string): void {
    const { clock, onChange } = this.#options;
    const onDeaf = (namespace: PodNamespace, why: unknown) => this.#listenInside(namespace, why);
    const namespace = new PodNamespace({
      dir: this.#dir,
      name,
      nsids: this.#nsids,
      slots: this.#slots,
      clock,
      onChange,
      onDeaf,
    });
    this.#namespaces.set(name, namespace);
    void namespace.touched();
  }

  #drop(namespace: PodNamespace): void {
    namespace.close();
    this.#nsids.forget(namespace.name);
    this.#namespaces.delete(namespace.name);
  }

  /** Undefined when the folder could not be read: then nothing is known, which is not the same as empty. */
  async #list(): Promise<Set<string> | undefined> {
    try {
      const entries = await readdir(this.#dir, { withFileTypes: true });
      this.#folderFault = undefined;
      return this.#specialFiles.sort(entries);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#folderFault = `the folder of network namespaces ${this.#dir} cannot be read (${code}); mount it from the host`;
      if (code === 'ENOENT') return new Set();
      this.#options.onProblem(this.#folderFault, error);
      return undefined;
    }
  }

  /** Leaves half of the slots to namespaces that the kernel says about meanwhile. */
  async #readAll(): Promise<void> {
    const waiting = [...this.#namespaces.values()];
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.#readOne(next);
    };
    await Promise.all(Array.from({ length: COMMANDS_AT_ONCE / 2 }, worker));
  }

  async #readOne(namespace: PodNamespace): Promise<void> {
    const wasReadable = namespace.readable;
    await namespace.reader.read();
    const { fault } = namespace.reader;
    // A file that was not a namespace at first sight has become one: it still needs its nsid.
    if (!wasReadable && fault === undefined) void namespace.touched();
    if (this.#stop.signal.aborted || fault === undefined || isFault(fault, 'invalid', 'gone', 'aborted')) return;
    this.#options.onProblem(`cannot read the addresses in ${namespace.path}`, fault);
  }

  #listenInside(namespace: PodNamespace, why: unknown): void {
    const { clock, random, onProblem } = this.#options;
    if (this.#ownMonitors.has(namespace)) return;
    if (this.#ownMonitors.size >= MAX_OWN_MONITORS) {
      onProblem(`no events from ${namespace.path}: changes are found by the resync only`, why);
      return;
    }
    onProblem(`${namespace.path} has no nsid; it is monitored by a process of its own`, why);
    const onGap = () => void namespace.reader.read();
    const onEvent = (event: AddressEvent) => act(event, namespace);
    const scope = { path: namespace.path };
    const monitor = monitorAddresses({ scope, clock, random, onEvent, onGap, onProblem }, namespace.signal);
    this.#ownMonitors.set(
      namespace,
      monitor.finally(() => this.#ownMonitors.delete(namespace)),
    );
  }
}

/** How many turns of the event loop it takes until what follows from an event has left: one loop plans, another that listens to it, the call. */
const TURNS = 3;

/**
 * The event is believed for the moment. The truth is read after what follows from it has left: starting the read's two processes takes
 * milliseconds, and on a node without a free CPU they take it from just that call.
 */
function act(event: AddressEvent, namespace: PodNamespace): void {
  namespace.reader.onEvent(event);
  void afterTurns(TURNS).then(() => namespace.reader.read());
}

async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}
