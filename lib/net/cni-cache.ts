import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheEntry } from '../model/addresses/cni.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Clock } from '../runtime/clock.ts';
import { CacheFile } from './cache-file.ts';
import { FolderWatch } from './folder-watch.ts';
import { SingleFlight } from './single-flight.ts';

/** Where libcni keeps results: those of Multus' delegates, and the runtime's own (the pod's eth0). */
const CNI_CACHE_FOLDERS = ['/var/lib/cni/multus/results', '/var/lib/cni/results'] as const;

export interface CniCacheOptions {
  /** @default {@link CNI_CACHE_FOLDERS} */
  readonly folders?: readonly string[];
  readonly clock: Clock;
  /** Pause between full rescans, the safety net of the watch, ms. @default 300000 */
  readonly resyncMs?: number;
  /** The view has changed, or has become complete. Carries nothing: look at the view. */
  readonly onChange: () => void;
  readonly onProblem: (message: string, error?: unknown) => void;
}

/** A file that could not be understood, and what of it could. */
export interface FileRefusal extends Refusal {
  readonly file: string;
}

/**
 * The attachments that libcni has recorded on this node: an address is here the moment CNI ADD ends, before the pod's containers
 * start.
 *
 * Guarantees: level based; a half-written file is read again until it is whole, and only then refused; one bad file never hides
 * another.
 * Caveats: entries survive reboots and failed DELs, so an entry is a claim only while its pod and namespace are alive.
 */
export class CniCache {
  readonly #options: CniCacheOptions;
  readonly #files = new Map<string, CacheFile>();
  readonly #folders: readonly { path: string; watch: FolderWatch; scan: SingleFlight }[];
  readonly #unscanned: Set<string>;
  readonly #faults = new Map<string, string>();
  readonly #missing = new Set<string>();
  #signal: AbortSignal | undefined;

  constructor(options: CniCacheOptions) {
    this.#options = options;
    const paths = options.folders ?? CNI_CACHE_FOLDERS;
    this.#unscanned = new Set(paths);
    this.#folders = paths.map((path) => {
      const scan = new SingleFlight(() => this.#scan(path));
      const onChange = (name: string | undefined) => {
        if (name === undefined) void scan.request();
        else this.#touch(join(path, name));
      };
      return { path, scan, watch: new FolderWatch({ path, onChange, onProblem: options.onProblem }) };
    });
  }

  /** True once every folder has been read. A folder that does not exist counts as read: it is empty. */
  get synced(): boolean {
    return this.#unscanned.size === 0;
  }

  /** Why the view is not complete; empty while all is well. */
  faults(): readonly string[] {
    const unread = [...this.#unscanned].filter((folder) => !this.#faults.has(folder));
    return [
      ...this.#faults.values(),
      ...unread.map((folder) => `the CNI cache folder ${folder} has not been read yet`),
    ];
  }

  /** True when none of the folders exists: no CNI plugin has written a result yet, or they are not mounted. */
  get isMissing(): boolean {
    return this.#missing.size === this.#folders.length;
  }

  attachments(): readonly CacheEntry[] {
    return [...this.#files.values()].flatMap((file) => file.content.value);
  }

  refusals(): readonly FileRefusal[] {
    return [...this.#files].flatMap(([path, { content }]) =>
      content.refusals.map((refusal) => ({ ...refusal, file: path })),
    );
  }

  /** Watches until the signal aborts; resolves then. */
  async start(signal: AbortSignal): Promise<void> {
    const { clock, resyncMs = 300_000 } = this.#options;
    this.#signal = signal;
    for (const { watch } of this.#folders) watch.start(signal);
    while (!signal.aborted) {
      await clock.sleep(resyncMs, signal);
      if (signal.aborted) break;
      for (const { watch, scan } of this.#folders) {
        watch.check();
        await scan.request();
      }
    }
    for (const file of this.#files.values()) file.close();
  }

  async #scan(folder: string): Promise<void> {
    const names = await this.#list(folder);
    if (names === undefined || this.#signal?.aborted !== false) return;
    const present = new Set(names.map((name) => join(folder, name)));
    const known = [...this.#files.keys()].filter((path) => join(path, '..') === folder);
    for (const path of new Set([...known, ...present])) this.#touch(path);
    if (this.#unscanned.delete(folder) && this.synced) this.#options.onChange();
  }

  /** Undefined when the folder could not be read: then nothing is known, which is not the same as empty. */
  async #list(folder: string): Promise<string[] | undefined> {
    try {
      const names = await readdir(folder);
      this.#faults.delete(folder);
      this.#missing.delete(folder);
      return names;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') {
        this.#faults.delete(folder);
        this.#missing.add(folder);
        return [];
      }
      const fault = `the CNI cache folder ${folder} cannot be read (${code}); mount it from the host`;
      this.#faults.set(folder, fault);
      this.#options.onProblem(fault, error);
      return undefined;
    }
  }

  #touch(path: string): void {
    const { clock, onChange } = this.#options;
    const file = this.#files.get(path) ?? new CacheFile({ path, clock, onChange });
    this.#files.set(path, file);
    file.read();
    if (file.state === 'gone') this.#files.delete(path);
  }
}
