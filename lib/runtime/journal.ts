import {
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readSmallFile } from './regular-file.ts';

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

/** Some times what the ledger of the largest node reaches before it is rewritten. Whatever is larger is not one of ours. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * A small map on disk: one JSON line per change, appended before the act that it records.
 *
 * Guarantees: after `put` or `delete` returns, the change survives the end of this process at any instant (it is in the kernel);
 * it survives the end of the machine once the background flush is done, some ms later. A torn last line is ignored.
 * Why not a rewritten file with a flush before each call: that would put two disk flushes in front of every EC2 call. A record
 * that a power cut swallows leaves an address unreleased, never a wrong release.
 * Why it never refuses to open: a node whose state folder is lost, unreadable or read-only still has to serve its pods. What could
 * not be read is set aside under PATH.unusable, `trusted` is then false, and `fault` says what keeps changes from the disk.
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
  #fault: string | undefined;
  #closed = false;

  /**
   * What the file said when the journal was opened: `ok` its records; `empty` there was no file (a first start, or the state was
   * lost); `unusable` it could not be read, or held no record, or the place cannot be written to, so that an old file may be left
   * from long ago.
   */
  readonly recovered: 'ok' | 'empty' | 'unusable';

  constructor(options: JournalOptions<T>) {
    this.#options = options;
    const { access = 'write' } = options;
    const recovered = access === 'memory' ? 'empty' : this.#load();
    if (recovered === 'unusable') this.#setAside();
    if (access === 'write') this.#compact();
    this.recovered = recovered === 'ok' && this.#fault !== undefined ? 'unusable' : recovered;
  }

  /**
   * True when a key that is missing was really never stored before this process started. When false, absence means nothing: what is
   * found in place may have been there for long, and must not be taken for new.
   */
  get trusted(): boolean {
    return this.recovered === 'ok';
  }

  /** What keeps changes from reaching the disk now; undefined while they do, and where there is no file to write. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Why its memory is limited, for people; undefined while nothing is wrong. */
  get limits(): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    return this.recovered === 'unusable' ? `${this.#options.path} was unusable when the agent started` : undefined;
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
    this.#closed = true;
    if (this.#file === undefined) return;
    this.#try('flush', () => fsyncSync(this.#file as number));
    closeSync(this.#file);
    this.#file = undefined;
  }

  #append(text: string): void {
    if (text === '' || this.#closed || (this.#options.access ?? 'write') !== 'write') return;
    // The place could not be written to before: perhaps it can now.
    if (this.#torn || this.#file === undefined) return this.#compact();
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

  #load(): Journal<T>['recovered'] {
    const { path, onProblem } = this.#options;
    const content = readSmallFile(path, MAX_BYTES);
    if (content.kind === 'absent') return 'empty';
    if (content.kind === 'unreadable') {
      onProblem(`${path} ${content.fault}; what it recorded is not known`);
      return 'unusable';
    }
    const lines = content.text.split('\n').map((raw, index) => ({ raw, number: index + 1 }));
    const written = lines.filter(({ raw }) => raw !== '');
    const bad = written.filter(({ raw }) => !this.#replay(raw)).map(({ number }) => number);
    if (bad.length > 0) {
      const which = bad.length === 1 ? `line ${bad[0]} is` : `${bad.length} lines are`;
      onProblem(`${which} unreadable in ${path} and left out; first in line ${bad[0]}`);
    }
    return bad.length > 0 && bad.length === written.length ? 'unusable' : 'ok';
  }

  /** Keeps for a human what is in the file's place, and makes room: a folder could not be replaced. */
  #setAside(): void {
    const { path, access = 'write' } = this.#options;
    if (access === 'write') this.#try('set aside', () => renameSync(path, `${path}.unusable`));
  }

  /** False when the line is not a record of ours. */
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
      // Whatever an earlier process left there: never opened, because a FIFO would block us.
      rmSync(temporary, { force: true });
      const file = openSync(temporary, 'wx', 0o600);
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
      this.#fault = undefined;
    } catch (error) {
      const fault = `cannot ${what} ${this.#options.path}; changes are kept in memory only`;
      // Said once: it is tried again with every change.
      if (fault !== this.#fault) this.#options.onProblem(fault, error);
      this.#fault = fault;
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
