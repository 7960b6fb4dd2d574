import {
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface JournalOptions<T> {
  readonly path: string;
  /** Turns a stored value back into a T; undefined when it is not one (then the record is dropped and reported). */
  readonly revive: (stored: unknown) => T | undefined;
  /** A record or a disk that fails. The journal carries on in memory: an address that works matters more than its record. */
  readonly onProblem: (message: string, error?: unknown) => void;
  /** Lines after which the file is rewritten, when most of them are outdated. */
  readonly compactAfter?: number;
  /**
   * `read`: starts from the file and never changes it (a dry run); `memory`: there is no file.
   * @default 'write'
   */
  readonly access?: 'write' | 'read' | 'memory';
}

/**
 * A small map on disk: one JSON line per change, appended before the act that it records.
 *
 * Guarantees: after `put` or `delete` returns, the change survives the end of this process at any instant (it is in the kernel);
 * it survives the end of the machine once the background flush is done, some ms later. A torn last line is ignored.
 * Why not a rewritten file with a flush before each call: that would put two disk flushes in front of every EC2 call. A record
 * that a power cut swallows leaves an address unreleased, never a wrong release.
 */
export class Journal<T> {
  readonly #options: JournalOptions<T>;
  readonly #entries = new Map<string, T>();
  #file: number | undefined;
  #lines = 0;
  #flushing = false;
  #dirty = false;
  /** An append failed, perhaps halfway: the file lags behind until it has been rewritten. */
  #torn = false;

  constructor(options: JournalOptions<T>) {
    this.#options = options;
    const { access = 'write' } = options;
    if (access !== 'memory') this.#load();
    if (access === 'write') this.#compact();
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): T[] {
    return [...this.#entries.values()];
  }

  put(changes: Iterable<readonly [string, T]>): void {
    let text = '';
    for (const [key, value] of changes) {
      this.#entries.set(key, value);
      text += line(key, value);
    }
    this.#append(text);
  }

  delete(keys: Iterable<string>): void {
    let text = '';
    for (const key of keys) if (this.#entries.delete(key)) text += line(key, null);
    this.#append(text);
  }

  close(): void {
    if (this.#file === undefined) return;
    this.#try('flush', () => fsyncSync(this.#file as number));
    closeSync(this.#file);
    this.#file = undefined;
  }

  #append(text: string): void {
    if (text === '' || this.#file === undefined) return;
    if (this.#torn) return this.#compact();
    this.#try('append', () => this.#write(text));
    this.#lines += text.split('\n').length - 1;
    if (this.#lines > (this.#options.compactAfter ?? 4096) && this.#lines > 4 * this.#entries.size) this.#compact();
    else this.#flush();
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    this.#torn = true;
    // A disk that fills up takes a part of what it is given.
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file as number, bytes, done);
    this.#torn = false;
  }

  #flush(): void {
    this.#dirty = true;
    if (this.#flushing || this.#file === undefined) return;
    this.#flushing = true;
    this.#dirty = false;
    fdatasync(this.#file, (error) => {
      this.#flushing = false;
      if (error && error.code !== 'EBADF') this.#options.onProblem(`cannot flush ${this.#options.path}`, error);
      if (this.#dirty) this.#flush();
    });
  }

  #load(): void {
    let text = '';
    try {
      text = readFileSync(this.#options.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#options.onProblem(`cannot read ${this.#options.path}`, error);
    }
    const lines = text.split('\n').map((raw, index) => ({ raw, number: index + 1 }));
    const bad = lines.filter(({ raw }) => raw !== '' && !this.#replay(raw)).map(({ number }) => number);
    if (bad.length === 0) return;
    const which = bad.length === 1 ? `line ${bad[0]} is` : `${bad.length} lines are`;
    this.#options.onProblem(`${which} unreadable in ${this.#options.path} and left out; first in line ${bad[0]}`);
  }

  /** False when the line is no record of ours. */
  #replay(raw: string): boolean {
    const record = parsed(raw);
    if (!isRecord(record)) return false;
    if (record.v === null) {
      this.#entries.delete(record.k);
      return true;
    }
    const value = this.#options.revive(record.v);
    if (value !== undefined) this.#entries.set(record.k, value);
    return value !== undefined;
  }

  /** Rewrites the file with what is current: temporary file, flush, rename, flush of the folder. */
  #compact(): void {
    const { path } = this.#options;
    this.#try('rewrite', () => {
      mkdirSync(dirname(path), { recursive: true });
      const temporary = join(dirname(path), `.${process.pid}.tmp`);
      const file = openSync(temporary, 'w', 0o600);
      try {
        writeFileSync(file, Array.from(this.#entries, ([key, value]) => line(key, value)).join(''));
        fsyncSync(file);
        renameSync(temporary, path);
      } catch (error) {
        closeSync(file);
        throw error;
      }
      if (this.#file !== undefined) closeSync(this.#file);
      this.#file = file;
      this.#lines = this.#entries.size;
      this.#torn = false;
      const folder = openSync(dirname(path), 'r');
      fsyncSync(folder);
      closeSync(folder);
    });
  }

  #try(what: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.onProblem(`cannot ${what} ${this.#options.path}; changes are kept in memory only`, error);
    }
  }
}

function line(key: string, value: unknown): string {
  return `${JSON.stringify({ k: key, v: value })}\n`;
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is { k: string; v: unknown } {
  return typeof value === 'object' && value !== null && 'k' in value && typeof value.k === 'string' && 'v' in value;
}
