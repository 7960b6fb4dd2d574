import { statSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';

export interface FolderWatchOptions {
  readonly path: string;
  /** Name of an entry that changed, or undefined when anything may have: the folder appeared, vanished or was replaced. */
  readonly onChange: (name: string | undefined) => void;
  /** Watching failed, e.g. for lack of inotify watches; the owner's resync is all that remains until `check` succeeds. */
  readonly onProblem: (message: string, error: unknown) => void;
}

/**
 * Follows one folder, flat, that may not exist yet (nor its parents), may appear later, and may be removed and made again.
 *
 * chokidar watches; this class keeps what chokidar 6.0 lacks: of a path with several missing parts it finds only the first, and a
 * folder whose grandparent was replaced it loses.
 *
 * Guarantees: after the first `onChange(undefined)`, which follows the start by some milliseconds, no change goes unnoticed except a
 * rename of a grandparent, which `check` finds.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  #watchers: FSWatcher[] = [];
  #armedFor: string | undefined;
  #stopped = false;

  constructor(options: FolderWatchOptions) {
    this.#options = { ...options, path: resolve(options.path) };
  }

  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    this.#arm();
  }

  /** Compares what is watched with what is there now; for a slow resync. */
  check(): void {
    if (!this.#stopped && situationOf(this.#options.path) !== this.#armedFor) this.#arm();
  }

  #stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  #disarm(): void {
    for (const watcher of this.#watchers) void watcher.close();
    this.#watchers = [];
    this.#armedFor = undefined;
  }

  /** Watches the folder, and its parent or else the nearest ancestor that exists, until the next part of the path appears. */
  #arm(): void {
    const { path, onChange } = this.#options;
    this.#disarm();
    const ancestor = nearestAncestor(path);
    this.#armedFor = situationOf(path);
    const ready = [this.#watch(ancestor, (name, event) => this.#ancestorChanged(ancestor, name, event))];
    if (identityOf(path) !== undefined) ready.push(this.#watch(path, (name) => onChange(name ?? undefined)));
    const watchers = this.#watchers;
    void Promise.all(ready).then(() => this.#armed(watchers));
  }

  /** What appeared between the look and the watch would go unnoticed: look again now that it is watched. */
  #armed(watchers: readonly FSWatcher[]): void {
    if (this.#watchers !== watchers || this.#stopped) return;
    if (situationOf(this.#options.path) === this.#armedFor) this.#options.onChange(undefined);
    else this.#arm();
  }

  /**
   * Only the next part of the path matters, and the ancestor's own end, which inotify reports under the ancestor's name. Not compared
   * with what was there before: a folder that is made again at once often has the inode of the old one.
   */
  #ancestorChanged(ancestor: string, name: string | null, event: string): void {
    const next = relative(ancestor, this.#options.path).split(sep)[0];
    if (event === 'rename' && (name === null || name === next || name === basename(ancestor))) this.#arm();
  }

  /**
   * Resolves when what happens in the folder will be reported. Each report of the kernel is passed on at once and as it is (`raw`):
   * chokidar's own events compare each entry with what it was before, which took 0.9 instead of 0.3 ms and twice the CPU at 500
   * files, and nobody here needs. So its entries are ignored.
   */
  #watch(folder: string, onName: (name: string | null, event: string) => void): Promise<void> {
    const { onProblem } = this.#options;
    const ignored = (path: string) => path !== folder;
    const watcher = watch(folder, { ignored, depth: 0, ignoreInitial: true, persistent: false, atomic: false });
    this.#watchers.push(watcher);
    watcher.on('raw', (event, name: string | null, about) => {
      // Where a folder was removed, chokidar watches those above it.
      const isOurs = (about as { readonly watchedPath: string }).watchedPath === folder;
      if (isOurs && this.#watchers.includes(watcher)) onName(name, event);
    });
    watcher.on('error', (error) => onProblem(problemWith(folder, error), error));
    return new Promise((ready) => watcher.once('ready', ready));
  }
}

const LIMITS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'max_user_watches'],
  ['EMFILE', 'max_user_instances'],
]);

function problemWith(folder: string, error: unknown): string {
  const limit = LIMITS.get((error as NodeJS.ErrnoException).code ?? '');
  if (limit === undefined) return `watching ${folder} failed`;
  return `cannot watch ${folder}, its changes are found by the resync only; raise fs.inotify.${limit}`;
}

/** What must be watched now: the folder and its nearest ancestor, by inode, so that a folder made again is another one. */
function situationOf(path: string): string {
  const ancestor = nearestAncestor(path);
  return `${identityOf(path)} in ${ancestor} ${identityOf(ancestor)}`;
}

function nearestAncestor(path: string): string {
  const parent = dirname(path);
  return parent === path || identityOf(parent) !== undefined ? parent : nearestAncestor(parent);
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() ? `${stats.dev}:${stats.ino}:${stats.birthtimeMs}` : undefined;
}
