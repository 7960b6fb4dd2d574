import type { FSWatcher, WatchEventType } from 'node:fs';
import { statSync, watch } from 'node:fs';
import { basename, dirname, relative, sep } from 'node:path';

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
 * Built on `fs.watch` and not on chokidar because that was measured: chokidar 6 never sees a folder whose parents were missing at
 * the start or that was made again, its slowest report took 3.9 ms against 0.4 ms, and it holds one inotify watch for each file.
 *
 * Guarantees: after `onChange(undefined)` at the start, no change goes unnoticed except a rename of a grandparent, which `check` finds.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  #watchers: FSWatcher[] = [];
  #armedFor: string | undefined;
  #stopped = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
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
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    this.#armedFor = undefined;
  }

  /** Watches the folder, and its parent or else the nearest ancestor that exists, until the next part of the path appears. */
  #arm(): void {
    const { path, onChange, onProblem } = this.#options;
    this.#disarm();
    try {
      // What appeared between the look and the watch would go unnoticed: look again after watching.
      for (let rounds = 0; situationOf(path) !== this.#armedFor && rounds < 10; rounds++) {
        this.#disarm();
        const situation = situationOf(path);
        const ancestor = nearestAncestor(path);
        this.#watch(ancestor, (name, event) => this.#ancestorChanged(ancestor, name, event));
        if (identityOf(path) !== undefined) this.#watch(path, (name) => onChange(name ?? undefined));
        this.#armedFor = situation;
      }
    } catch (error) {
      this.#disarm();
      onProblem(
        `cannot watch ${path}, its changes are found by the resync only; raise fs.inotify.max_user_watches`,
        error,
      );
    }
    onChange(undefined);
  }

  /**
   * Only the next part of the path matters, and the ancestor's own end, which inotify reports under the ancestor's name. Not compared
   * with what was there before: a folder that is made again at once often has the inode of the old one.
   */
  #ancestorChanged(ancestor: string, name: string | null, event: WatchEventType): void {
    const next = relative(ancestor, this.#options.path).split(sep)[0];
    if (event === 'rename' && (name === null || name === next || name === basename(ancestor))) this.#arm();
  }

  #watch(folder: string, onName: (name: string | null, event: WatchEventType) => void): void {
    const watcher = watch(folder, { persistent: false }, (event, name) => {
      if (this.#watchers.includes(watcher)) onName(name, event);
    });
    watcher.on('error', (error) => this.#options.onProblem(`watching ${folder} failed`, error));
    this.#watchers.push(watcher);
  }
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
