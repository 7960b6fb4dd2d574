import { closeSync, constants, type Dirent, openSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Keeps what lies in a folder of namespaces and can be none (a pipe, a socket, a device, a link to such or to nowhere) from stopping
 * the work on those that are. Only root on the host can put it there.
 *
 * `ip netns` and `ip monitor all-nsid` open every file of /run/netns, and opening a pipe waits for a writer. A pipe that somebody
 * holds open for writing keeps nobody waiting, so each one is held as long as it is there.
 */
export class SpecialFiles {
  readonly #dir: string;
  readonly #onProblem: (message: string) => void;
  /** By name: the descriptor of a pipe that is held; undefined for what blocks nobody. */
  readonly #known = new Map<string, number | undefined>();

  constructor(dir: string, onProblem: (message: string) => void) {
    this.#dir = dir;
    this.#onProblem = onProblem;
  }

  /** Reads the folder itself. One that cannot be read is left to whoever looks for namespaces in it. */
  scan(): void {
    try {
      this.sort(readdirSync(this.#dir, { withFileTypes: true }));
    } catch {
      this.close();
    }
  }

  /** The names of the entries that may be namespaces; all else is reported once. Folders are passed over without a word. */
  sort(entries: readonly Dirent[]): Set<string> {
    const candidates = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    const regular = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
    const odd = new Set(candidates.filter((name) => !regular.has(name) && this.#isOdd(name)));
    for (const name of this.#known.keys()) if (!odd.has(name)) this.#forget(name);
    return new Set(candidates.filter((name) => !odd.has(name)));
  }

  close(): void {
    for (const name of this.#known.keys()) this.#forget(name);
  }

  #isOdd(name: string): boolean {
    const path = join(this.#dir, name);
    const stats = look(path);
    if (typeof stats !== 'string' && stats.isFile()) return false;
    if (this.#known.has(name)) return true;
    const isPipe = typeof stats !== 'string' && stats.isFIFO();
    this.#known.set(name, isPipe ? hold(path) : undefined);
    this.#onProblem(`${path} is ${wordFor(stats)}, not a network namespace; it is passed over and can be removed`);
    return true;
  }

  #forget(name: string): void {
    const held = this.#known.get(name);
    if (held !== undefined) closeSync(held);
    this.#known.delete(name);
  }
}

/** What a path leads to, or the code of the system why nothing. Never opens it. */
function look(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** Undefined when it may not be opened: then the commands that open it end by their time limit. */
function hold(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function wordFor(stats: Stats | string): string {
  if (typeof stats === 'string')
    return stats === 'ELOOP' ? 'a link that leads in a circle' : 'a link that leads nowhere';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : stats.isDirectory() ? 'a link to a folder' : 'a device';
}
