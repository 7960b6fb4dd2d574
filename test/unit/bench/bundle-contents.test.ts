import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundle } from '../../../build.ts';

interface Listed {
  readonly name: string;
  readonly kilobytes: number;
  readonly why: string;
}

function list(): Listed[] {
  const text = readFileSync(new URL('../../../bench/bundle-contents.txt', import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', size, why = ''] = /^(\S+) +(\d+) {2}(.*)$/.exec(line) ?? [];
      return { name, kilobytes: Number(size), why };
    });
}

async function bundled(entry: string): Promise<Map<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-contents-'));
  try {
    const { contents } = await bundle(entry, join(folder, 'eni-agent.mjs'));
    return new Map(contents.map(([name, bytes]) => [name, bytes / 1000]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('bundles the packages that bench/bundle-contents.txt lists with a reason, in about that size', {
  timeout: 30_000,
}, async () => {
  const [listed, inside] = [list(), await bundled('agent/main.ts')];

  const names = new Set(listed.map(({ name }) => name));
  const unlisted = [...inside].filter(([name, kilobytes]) => kilobytes >= 1.5 && !names.has(name));
  const different = listed.filter(({ name, kilobytes }) => {
    const now = inside.get(name) ?? 0;
    return name !== 'eni-agent' && Math.abs(now - kilobytes) > 2 + kilobytes / 10;
  });

  expect(unlisted, 'inside, and not on the list').toEqual([]);
  expect(different, 'listed with another size').toEqual([]);
  expect(
    listed.filter(({ why }) => why === ''),
    'listed without a reason',
  ).toEqual([]);
});

it('refuses to bundle the simulated world', { timeout: 30_000 }, async () => {
  await expect(bundled('demo/main.ts')).rejects.toThrow(/not shipped are in the bundle, such as (?:demo|sim)\//);
});
