import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRedactor } from '../../../agent/bundle/redact.ts';
import { tarOf } from '../../../agent/bundle/tar.ts';

describe('tarOf', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tar-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is unpacked by tar(1) to the same files, whatever their size and however long their names', () => {
    const long = `${'folder-'.repeat(20)}/${'name-'.repeat(18)}.json`;
    const entries = [
      { path: 'a/empty', content: '' },
      { path: 'a/block', content: 'x'.repeat(512) },
      { path: 'a/umlauts', content: 'größer\n' },
      { path: long, content: Buffer.from([0, 255, 10]) },
    ];
    writeFileSync(join(folder, 'b.tar.gz'), gzipSync(tarOf(entries, 1_700_000_000)));

    execFileSync('tar', ['xzf', 'b.tar.gz'], { cwd: folder });

    for (const { path, content } of entries)
      expect(readFileSync(join(folder, path))).toEqual(Buffer.from(content as string));
    expect(execFileSync('tar', ['tzf', 'b.tar.gz'], { cwd: folder, encoding: 'utf8' }).trim().split('\n')).toEqual(
      entries.map(({ path }) => path),
    );
  });

  it('refuses a path that the format has no room for', () => {
    expect(() => tarOf([{ path: 'x'.repeat(101), content: '' }], 0)).toThrow('too long for a tar archive');
  });
});

describe('createRedactor', () => {
  it.each([
    ['arn:aws:iam::123456789012:role/eni', 'arn:aws:iam::account-1:role/eni'],
    ['{"ownerId":"123456789012"}', '{"ownerId":"account-1"}'],
    ['AKIAIOSFODNN7EXAMPLE', '[access key]'],
    ['authorization: Bearer abcdefghijkl', 'authorization: [redacted] [token]'],
    ['{"secretAccessKey":"wJalr/XUtn\\"FEMI","a":1}', '{"secretAccessKey":"[redacted]","a":1}'],
    ['AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI next', 'AWS_SECRET_ACCESS_KEY=[redacted] next'],
    ['x eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJl.c2lnbmF0dXJlMTIz y', 'x [token] y'],
  ])('takes out of %s what must not leave the house', (text, expected) => {
    expect(createRedactor()(text)).toBe(expected);
  });

  it.each([
    'eni-0123456789012345',
    '10.20.1.22',
    '"at":1767323040000',
    '2026-01-02T03:04:05.123456789012Z',
    'i-0a1b2c3d4e5f',
  ])('leaves %s, which explains a fault', (text) => {
    expect(createRedactor()(text)).toBe(text);
  });

  it('gives the same account the same stand-in, and others another', () => {
    const redact = createRedactor();

    expect([redact('111111111111'), redact('222222222222'), redact('111111111111')]).toEqual([
      'account-1',
      'account-2',
      'account-1',
    ]);
  });
});

describe('the kubectl plugin', () => {
  it('runs the program beside it with the words that kubectl hands over, through a link, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plugin-'));
    const plugin = join(import.meta.dirname, '../../../daemonset/plugin');
    writeFileSync(join(folder, 'eni-agent.mjs'), 'console.log(JSON.stringify(process.argv.slice(2)))');
    execFileSync('cp', [join(plugin, 'kubectl-eni_agent'), join(plugin, 'kubectl_complete-eni_agent'), folder]);
    execFileSync('ln', ['-s', join(folder, 'kubectl-eni_agent'), join(folder, 'link')]);

    const env = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
    const said = (file: string) =>
      execFileSync(join(folder, file), ['status', '-n', 'a b'], { env, encoding: 'utf8' }).trim();
    expect(said('kubectl-eni_agent')).toBe('["status","-n","a b"]');
    expect(said('link')).toBe('["status","-n","a b"]');
    expect(said('kubectl_complete-eni_agent')).toBe('["__complete","status","-n","a b"]');
    rmSync(folder, { recursive: true });
  });
});
