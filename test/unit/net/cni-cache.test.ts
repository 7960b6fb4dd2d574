import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CniCache } from '../../../lib/net/cni-cache.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { Witness } from './witness.ts';

let base: string;
let folder: string;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'cni-cache-'));
  folder = join(base, 'multus/results');
  stop = new AbortController();
  running = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  rmSync(base, { recursive: true, force: true });
});

function content(pod: string, address = '10.0.1.50/24'): string {
  return JSON.stringify({
    kind: 'cniCacheV1',
    ifName: 'net1',
    cniArgs: [
      ['K8S_POD_NAMESPACE', 'tenant'],
      ['K8S_POD_NAME', pod],
    ],
    result: { interfaces: [{ name: 'net1', sandbox: '/run/netns/x' }], ips: [{ interface: 0, address }] },
  });
}

function write(name: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}

async function observe() {
  const witness = new Witness();
  const { onChange, onProblem } = witness;
  const cache = new CniCache({
    folders: [folder, join(base, 'results')],
    clock: systemClock(),
    resyncMs: 3_600_000,
    onChange,
    onProblem,
  });
  running.push(cache.start(stop.signal));
  await witness.until('first sync', () => cache.synced);
  const pods = () => cache.attachments().map(({ pod }) => pod.name);
  return { cache, witness, pods };
}

describe('CniCache', () => {
  test('is complete without folders, and knows what was there before when there are', async () => {
    expect((await observe()).pods()).toEqual([]);
    write('one', content('a'));
    expect((await observe()).pods()).toEqual(['a']);
  });

  // By the kernel's word: the rescan comes an hour later. How fast is the bench's question.
  test('sees each file as it is written, and its end', async () => {
    const { witness, pods } = await observe();
    write('first', content('first'));
    await witness.until('the folder', () => pods().includes('first'));

    for (let index = 0; index < 30; index++) {
      write(`file-${index}`, content(`pod-${index}`));
      await witness.until('the pod', () => pods().includes(`pod-${index}`));
    }
    rmSync(folder, { recursive: true });
    await witness.until('the end', () => pods().length === 0);
    expect(witness.problems).toEqual([]);
  });

  test('reads a half-written file again until it is whole, and does not complain meanwhile', async () => {
    const { cache, witness, pods } = await observe();
    const text = content('slow');

    write('slow', text.slice(0, 40));
    write('quick', content('quick'));
    await witness.until('the other pod', () => pods().includes('quick'));
    expect(cache.refusals()).toEqual([]);
    appendFileSync(join(folder, 'slow'), text.slice(40));

    await witness.until('the whole file', () => pods().includes('slow'));
    expect(cache.refusals()).toEqual([]);
  });

  test('keeps the last good content while a file is being written again', async () => {
    write('one', content('a', '10.0.1.50/24'));
    const { cache, witness } = await observe();
    const addresses = () => cache.attachments().flatMap((entry) => entry.addresses);

    write('one', content('a').slice(0, 60));
    write('two', content('b', '10.0.1.51/24'));
    await witness.until('the other file', () => addresses().length === 2);
    expect(addresses()).toContain('10.0.1.50');

    write('one', content('a', '10.0.1.99/24'));
    await witness.until('the new address', () => addresses().includes('10.0.1.99' as never));
  });

  test('refuses what cannot be understood by the name of the file, and recovers when it is fixed', async () => {
    mkdirSync(folder, { recursive: true });
    write('half', content('a').slice(0, 60));
    write('garbage', '\u0000\u0001');
    write('good', content('good'));
    symlinkSync('/etc/passwd', join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    write('huge', '');
    truncateSync(join(folder, 'huge'), 2 ** 31);
    mkdirSync(join(folder, 'subfolder'));

    const { cache, witness, pods } = await observe();
    await witness.until('all refusals', () => cache.refusals().length === 6);

    expect(pods()).toEqual(['good']);
    const told = cache.refusals().map(({ file, message }) => [file.slice(folder.length + 1), message.split(': ')[1]]);
    expect(Object.fromEntries(told)).toEqual({
      half: 'it is not complete JSON',
      garbage: 'it is not complete JSON',
      link: 'it is a symbolic link',
      pipe: 'it is not a regular file',
      huge: 'it is larger than 1048576 bytes',
      subfolder: 'it is not a regular file',
    });
    write('half', content('mended'));
    await witness.until('the fixed file', () => pods().includes('mended') && cache.refusals().length === 5);
  });

  test('a folder that is made again is another folder', async () => {
    write('one', content('a'));
    const { witness, pods } = await observe();

    rmSync(join(base, 'multus'), { recursive: true });
    write('two', content('b'));

    await witness.until('the new content', () => pods().join() === 'b');
    expect(witness.problems).toEqual([]);
  });

  test('a file that changes nothing triggers nobody', async () => {
    write('one', content('a'));
    const { witness, pods } = await observe();
    const before = witness.changes;

    write('one', content('a'));
    write('two', content('b'));
    await witness.until('the other file', () => pods().includes('b'));

    expect(witness.changes).toBe(before + 1);
  });
});
