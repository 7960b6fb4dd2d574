import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderWatch } from '../../../lib/net/folder-watch.ts';
import { Witness } from './witness.ts';

let base: string;
let stop: AbortController;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'folder-watch-'));
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  rmSync(base, { recursive: true, force: true });
});

function follow(path: string) {
  const witness = new Witness();
  const names: (string | undefined)[] = [];
  const watch = new FolderWatch({
    path,
    onChange: (name) => {
      names.push(name);
      witness.onChange();
    },
    onProblem: witness.onProblem,
  });
  watch.start(stop.signal);
  const seen = (name: string | undefined) => witness.until(String(name), () => names.includes(name));
  return { watch, names, witness, seen };
}

describe('FolderWatch', () => {
  test('names what changes in the folder', async () => {
    const { names, seen } = follow(base);
    await seen(undefined);

    writeFileSync(join(base, 'one'), 'x');
    await seen('one');

    expect(new Set(names)).toEqual(new Set([undefined, 'one']));
  });

  test.each([
    ['one missing part', 'results'],
    ['several missing parts', 'multus/deep/results'],
  ])('follows a folder that appears later: %s', async (_name, path) => {
    const folder = join(base, path);
    const { names, seen, witness } = follow(folder);
    await seen(undefined);
    names.length = 0;

    mkdirSync(folder, { recursive: true });
    await seen(undefined);
    writeFileSync(join(folder, 'one'), 'x');

    await seen('one');
    expect(witness.problems).toEqual([]);
  });

  test.each([
    ['itself', 'a/b/results'],
    ['its grandparent', 'a'],
  ])('follows a folder that is removed and made again, by way of %s', async (_name, removed) => {
    const folder = join(base, 'a/b/results');
    mkdirSync(folder, { recursive: true });
    const { names, seen, witness } = follow(folder);
    await seen(undefined);

    rmSync(join(base, removed), { recursive: true });
    mkdirSync(folder, { recursive: true });
    names.length = 0;
    await seen(undefined);
    names.length = 0;
    writeFileSync(join(folder, 'two'), 'x');

    // Either by name, or as "anything" when the write fell into the moment of watching again.
    await witness.until('the file', () => names.includes('two') || names.includes(undefined));
    names.length = 0;
    writeFileSync(join(folder, 'three'), 'x');
    await witness.until('a later file', () => names.includes('three') || names.includes(undefined));
    expect(witness.problems).toEqual([]);
  });

  test('two that share an ancestor both follow when it is removed and made again', async () => {
    const parent = join(base, 'cni');
    const folders = [join(parent, 'results'), join(parent, 'multus')];
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const both = folders.map(follow);
    for (const { seen } of both) await seen(undefined);

    for (const { names } of both) names.length = 0;
    rmSync(parent, { recursive: true });
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    for (const { seen } of both) await seen(undefined);

    for (const [index, { names, witness }] of both.entries()) {
      names.length = 0;
      writeFileSync(join(folders[index] ?? '', 'late'), 'x');
      await witness.until('the file', () => names.includes('late') || names.includes(undefined));
      expect(witness.problems).toEqual([]);
    }
  });

  test('finds a replaced grandparent when told to check', async () => {
    const folder = join(base, 'a/b/results');
    mkdirSync(folder, { recursive: true });
    const { watch, names, seen, witness } = follow(folder);
    await seen(undefined);
    names.length = 0;

    renameSync(join(base, 'a'), join(base, 'old'));
    mkdirSync(folder, { recursive: true });
    watch.check();
    await seen(undefined);
    writeFileSync(join(folder, 'three'), 'x');

    await seen('three');
    expect(witness.problems).toEqual([]);
  });

  test('says nothing more after it was stopped', async () => {
    const { names } = follow(base);
    const other = follow(base);
    stop.abort();
    stop = new AbortController();
    const third = follow(base);
    await third.seen(undefined);
    names.length = 0;
    other.names.length = 0;

    writeFileSync(join(base, 'late'), 'x');
    await third.seen('late');

    expect([...names, ...other.names]).toEqual([]);
  });
});
