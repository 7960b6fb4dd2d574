import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal } from '../../../lib/runtime/journal.ts';

const PRLIMIT = '/usr/bin/prlimit';
const folder = mkdtempSync(join(tmpdir(), 'journal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function newPath(): string {
  return join(folder, String(++files), 'ledger.jsonl');
}

function open(path: string, compactAfter?: number) {
  const problems: string[] = [];
  const journal = new Journal<number>({
    path,
    revive: (stored) => (typeof stored === 'number' ? stored : undefined),
    onProblem: (message) => problems.push(message),
    ...(compactAfter !== undefined && { compactAfter }),
  });
  return { journal, problems };
}

/** A terabyte of nothing: takes no room on the disk. */
function hugeFile(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 1024 ** 4);
}

function contentOf(path: string): Record<string, number> {
  const { journal } = open(path);
  const content = Object.fromEntries(keysOf(path).map((key) => [key, journal.get(key) ?? Number.NaN]));
  journal.close();
  return content;
}

/** Opening a journal compacts it: then every line is a current record. */
function keysOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { k: string }).k);
}

describe('Journal', () => {
  it('gives back after a restart what was put and not deleted', () => {
    const path = newPath();
    const { journal } = open(path);
    journal.put([
      ['a', 1],
      ['b', 2],
    ]);
    journal.put([['a', 3]]);
    journal.delete(['b', 'never there']);
    journal.close();

    expect(contentOf(path)).toEqual({ a: 3 });
  });

  it('has a change in the file before put returns', () => {
    const path = newPath();
    const { journal } = open(path);

    journal.put([['a', 1]]);

    // Read as another process would: without close, without waiting.
    expect(readFileSync(path, 'utf8')).toContain('"a"');
    journal.close();
  });

  it.each([
    { name: 'a torn last line', tail: '{"k":"b","v' },
    { name: 'garbage', tail: 'not json\n' },
    { name: 'a record without a key', tail: '{"v":1}\n' },
    { name: 'a value of another kind', tail: '{"k":"b","v":"text"}\n' },
    { name: 'zeros, as a file system leaves them after a power cut', tail: '\0\0\0\0' },
  ])('keeps everything else beside $name, and says so', ({ tail }) => {
    const path = newPath();
    const first = open(path);
    first.journal.put([['a', 1]]);
    first.journal.close();
    appendFileSync(path, tail);

    const { journal, problems } = open(path);

    expect(journal.get('a')).toBe(1);
    expect(journal.size).toBe(1);
    expect(problems).toEqual([expect.stringContaining('line 2')]);
    journal.put([['c', 3]]);
    journal.close();
    expect(contentOf(path)).toEqual({ a: 1, c: 3 });
  });

  it('stays small however often its entries change', () => {
    const path = newPath();
    const { journal } = open(path, 100);

    for (let count = 0; count < 10_000; count += 1) journal.put([[`key-${count % 5}`, count]]);

    expect(statSync(path).size).toBeLessThan(101 * 30);
    journal.close();
    expect(contentOf(path)).toEqual({ 'key-0': 9995, 'key-1': 9996, 'key-2': 9997, 'key-3': 9998, 'key-4': 9999 });
    expect(readdirSync(join(path, '..'))).toEqual(['ledger.jsonl']);
  });

  it('reports a place it cannot write to once, works in memory, and writes everything when the place has become good', () => {
    const path = newPath();
    const parent = join(path, '..');
    writeFileSync(parent, 'a file in the place of the folder');

    const { journal, problems } = open(path);
    journal.put([['a', 1]]);
    journal.put([['b', 2]]);

    expect(problems.filter((problem) => problem.includes('rewrite'))).toHaveLength(1);
    expect(journal.fault).toContain(path);
    expect(journal.trusted).toBe(false);
    expect(journal.get('a')).toBe(1);
    rmSync(parent);
    journal.put([['c', 3]]);
    expect(journal.fault).toBeUndefined();
    journal.close();
    expect(contentOf(path)).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('says what the file told: trusted only when it was read and can be written', () => {
    const path = newPath();
    const first = open(path).journal;
    expect([first.recovered, first.trusted]).toEqual(['empty', false]);
    first.close();

    const second = open(path).journal;
    expect([second.recovered, second.trusted]).toEqual(['ok', true]);
    second.put([['a', 1]]);
    second.close();
    appendFileSync(path, '{"k":"b","v');
    const third = open(path).journal;
    expect([third.recovered, third.trusted]).toEqual(['ok', true]);
    third.close();

    rmSync(path);
    expect(open(path).journal.recovered).toBe('empty');
    const memory = new Journal<number>({ path: '', access: 'memory', revive: () => 1, onProblem: () => undefined });
    expect(memory.trusted).toBe(false);
  });

  it('does not trust an old file in a folder that it cannot write to', () => {
    const path = newPath();
    const { journal } = open(path);
    journal.put([['a', 1]]);
    journal.close();
    // Even root cannot make the temporary file here.
    mkdirSync(join(path, '..', `.${process.pid}.tmp`));

    const again = open(path).journal;

    expect(again.get('a')).toBe(1);
    expect([again.recovered, again.trusted]).toEqual(['unusable', false]);
    expect(again.fault).toContain('memory only');
  });

  it.each<{ name: string; make: (path: string) => void }>([
    { name: 'a FIFO', make: (path) => void execFileSync('mkfifo', [path]) },
    { name: 'a folder', make: (path) => mkdirSync(path) },
    { name: 'a link to itself', make: (path) => symlinkSync(path, path) },
    { name: 'a device', make: (path) => symlinkSync('/dev/zero', path) },
    { name: 'a huge file', make: hugeFile },
    { name: 'text of another kind', make: (path) => writeFileSync(path, '<html>not found</html>') },
  ])('opens without waiting when $name is in its place, sets it aside, and says so', ({ make }) => {
    const path = newPath();
    mkdirSync(join(path, '..'));
    make(path);

    const { journal, problems } = open(path);

    expect([journal.recovered, journal.trusted, journal.size]).toEqual(['unusable', false, 0]);
    expect(problems[0]).toContain(path);
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['ledger.jsonl', 'ledger.jsonl.unusable']);
    journal.put([['a', 1]]);
    expect(journal.fault).toBeUndefined();
    journal.close();
    expect(contentOf(path)).toEqual({ a: 1 });
  });

  it('opens without waiting when a socket is in its place, or a FIFO in that of its temporary file', async () => {
    const path = newPath();
    mkdirSync(join(path, '..'));
    execFileSync('mkfifo', [join(path, '..', `.${process.pid}.tmp`)]);
    const server = createServer().listen(path);
    await once(server, 'listening');

    const { journal } = open(path);

    expect(journal.recovered).toBe('unusable');
    expect(journal.fault).toBeUndefined();
    journal.close();
    server.close();
  });

  // A limit on the file's size fails a write halfway as a full disk does (Node ignores SIGXFSZ, so the write says EFBIG).
  it.skipIf(!existsSync(PRLIMIT))(`survives a disk that is full half of the time (needs ${PRLIMIT})`, async () => {
    const path = newPath();
    const { stored, complaints } = await writeUntil(2_000, path, '--fsize=600');

    const { journal } = open(path);

    expect(complaints).toContain('cannot append');
    // What came after a failed append is in the file again, at the latest with the next record.
    expect(Math.max(...journal.values())).toBeGreaterThanOrEqual(stored - 1);
    expect(journal.size).toBe(10);
    journal.close();
  });

  it('says that it cannot read a folder in the place of its file', () => {
    const path = newPath();
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'occupied'), '');

    expect(open(path).problems[0]).toContain(path);
  });

  it('means the same as a map, over any restarts', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), key: fc.constantFrom('a', 'b', 'c'), value: fc.nat(99) }),
      fc.record({ kind: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constant('restart' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const path = newPath();
        const model = new Map<string, number>();
        let { journal } = open(path, 5);
        for (const each of steps) {
          if (each.kind === 'put') {
            journal.put([[each.key, each.value]]);
            model.set(each.key, each.value);
          } else if (each.kind === 'delete') {
            journal.delete([each.key]);
            model.delete(each.key);
          } else {
            // Without close: as after a kill.
            ({ journal } = open(path, 5));
          }
          expect(journal.values().toSorted(byNumber)).toEqual([...model.values()].toSorted(byNumber));
        }
        journal.close();
        expect(contentOf(path)).toEqual(Object.fromEntries(model));
      }),
      { numRuns: 30 },
    );
  });

  it('loses nothing that was stored when its process is killed', { timeout: 20_000 }, async () => {
    for (let round = 0; round < 3; round += 1) {
      const path = newPath();
      // In the middle of appending and compacting.
      const { stored } = await writeUntil(2_000 + 700 * round, path);

      const { journal, problems } = open(path);
      const [lastKept] = journal.values().sort((a, b) => b - a);
      journal.close();

      expect(stored).toBeGreaterThan(100);
      expect(lastKept).toBeGreaterThanOrEqual(stored);
      expect(problems.filter((problem) => !problem.includes('unreadable'))).toEqual([]);
    }
  });
});

const byNumber = (a: number, b: number) => a - b;

/** Lets another process write records, and kills it once it has said so much. Returns the last record that it said was stored. */
async function writeUntil(said: number, path: string, limit?: string) {
  const script = [join(import.meta.dirname, 'journal-writer.ts'), path];
  const child = limit ? spawn(PRLIMIT, [limit, process.execPath, ...script]) : spawn(process.execPath, script);
  let printed = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk;
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
    if (printed.length > said) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return { stored: Number(printed.split('\n').at(-2)), complaints };
}
