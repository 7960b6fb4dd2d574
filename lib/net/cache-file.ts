import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { CacheEntry } from '../model/addresses/cni.ts';
import { invalidCacheFile, parseCniCache } from '../model/addresses/cni.ts';
import type { Parsed } from '../model/pod.ts';
import type { Cancel, Clock } from '../runtime/clock.ts';

export interface CacheFileOptions {
  readonly path: string;
  readonly clock: Clock;
  /** The content is another one; that of a file that is gone is empty. */
  readonly onChange: () => void;
}

type Content = Parsed<readonly CacheEntry[]>;

const NOTHING: Content = { value: [], refusals: [] };

/** libcni writes in place, so a reader may see any prefix of the file. It takes well under a ms; this covers 0.5 s. */
const RETRY_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;

/** Results are a few kB. Whatever is larger is not one, and is not read into memory. */
const MAX_BYTES = 1024 * 1024;

/** One file of the cache: read again while it is half-written, and its last good content kept meanwhile. */
export class CacheFile {
  readonly #options: CacheFileOptions;
  #text: string | undefined;
  #failures = 0;
  #cancelRetry: Cancel | undefined;
  #closed = false;
  content: Content = NOTHING;
  state: 'present' | 'gone' = 'present';

  constructor(options: CacheFileOptions) {
    this.#options = options;
  }

  /** Reads the file, which may have changed; what is half-written is read again some ms later. */
  read(): void {
    this.#failures = 0;
    this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  #read(): void {
    this.#cancelRetry?.();
    if (this.#closed) return;
    const { path } = this.#options;
    const found = readRegularFile(path);
    this.state = found.kind === 'gone' ? 'gone' : 'present';
    if (found.kind === 'gone') return this.#settle(undefined, NOTHING);
    if (found.kind === 'unreadable') return this.#settle(undefined, refused(path, found.fault));
    if (found.text === this.#text) return;
    const content = parseCniCache(path, found.text);
    const pause = RETRY_MS[this.#failures];
    if (content.refusals.length === 0 || pause === undefined) return this.#settle(found.text, content);
    this.#failures += 1;
    this.#cancelRetry = this.#options.clock.after(pause, () => this.#read());
  }

  #settle(text: string | undefined, content: Content): void {
    const was = JSON.stringify(this.content);
    this.#text = text;
    this.content = content;
    if (JSON.stringify(content) !== was) this.#options.onChange();
  }
}

type Found = { kind: 'gone' } | { kind: 'unreadable'; fault: string } | { kind: 'text'; text: string };

/**
 * Never follows a link, never waits on a pipe, never reads a device or a huge file: the folder is writable by others. Synchronous: what has
 * just been written is in memory, and a pod's addresses wait for it; the five steps took 0.7 ms by the thread pool.
 */
function readRegularFile(path: string): Found {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return { kind: 'unreadable', fault: 'it is not a regular file' };
    if (stats.size > MAX_BYTES) return { kind: 'unreadable', fault: `it is larger than ${MAX_BYTES} bytes` };
    return { kind: 'text', text: readFileSync(file, 'utf8') };
  } catch (error) {
    return faultOf(error as NodeJS.ErrnoException);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function faultOf(error: NodeJS.ErrnoException): Found {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return { kind: 'gone' };
  if (error.code === 'ELOOP') return { kind: 'unreadable', fault: 'it is a symbolic link' };
  return { kind: 'unreadable', fault: `it cannot be read (${error.code ?? error.message})` };
}

function refused(path: string, fault: string): Content {
  return { value: [], refusals: [invalidCacheFile(path, fault)] };
}
