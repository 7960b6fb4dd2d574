import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TenantRules } from '../../../agent/tenants/tenant-rules.ts';
import { ip } from '../../../lib/model/ip.ts';
import { readEntries } from '../../../lib/net/entry-folder.ts';
import { mayFloat } from '../../../lib/plan/tenants.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('the tenant policy in force', () => {
  const clock = new VirtualClock();
  let entries: Record<string, string> | Error;
  let changes = 0;
  let faults: string[] = [];
  const stop = new AbortController();
  const rules = (required = false) =>
    new TenantRules({
      clock,
      required,
      log: { ...silentLogger, error: (message: string) => faults.push(message) },
      read: async () => {
        if (entries instanceof Error) throw entries;
        return new Map(Object.entries(entries));
      },
      onChange: () => {
        changes += 1;
      },
    });

  beforeEach(() => {
    entries = {};
    changes = 0;
    faults = [];
  });
  afterEach(() => stop.abort());

  it('is open where there are no entries, and does not start where they cannot be read', async () => {
    const open = rules();
    await open.load();

    expect(open.policy.closed).toBe(false);
    entries = new Error('EACCES');
    await expect(rules().load()).rejects.toThrow('EACCES');
  });

  it('is closed where one is required and there is none: nothing is granted to anybody', async () => {
    const closed = rules(true);
    await closed.load();

    expect(closed.policy.closed).toBe(true);
    expect(mayFloat(closed.policy, 'media', ip('10.0.1.99'))).toBe(false);
  });

  it('stays in force when it is deleted, until another one is written', async () => {
    entries = { 'media.elastic-ips': 'auto' };
    const following = rules();
    await following.load();
    const ending = new AbortController();
    const done = following.follow(ending.signal);
    entries = {};
    await clock.advance(60_000);
    expect(following.policy.closed).toBe(true);
    expect([...following.policy.namespaces.keys()]).toEqual(['media']);
    expect(faults).toHaveLength(1);

    entries = { '_others.floating-ips': '*' };
    await clock.advance(10_000);
    expect(mayFloat(following.policy, 'bank', ip('10.0.1.99'))).toBe(true);
    ending.abort();
    await clock.advance(10_000);
    await done;
  });

  it('follows a change, keeps the last sound one while the new one has faults or cannot be read', async () => {
    const following = rules();
    await following.load();
    const ending = new AbortController();
    const done = following.follow(ending.signal);
    const later = async (next: typeof entries) => {
      entries = next;
      await clock.advance(10_000);
      return [...following.policy.namespaces.keys()];
    };

    expect(await later({ 'media.elastic-ips': 'auto' })).toEqual(['media']);
    expect(await later({ 'bank.elastic-ips': 'nonsense' })).toEqual(['media']);
    expect(faults).toHaveLength(1);
    expect(await later(new Error('EIO'))).toEqual(['media']);
    expect(await later({ 'bank.elastic-ips': 'auto' })).toEqual(['bank']);
    expect(await later({ 'bank.elastic-ips': 'auto' })).toEqual(['bank']);
    expect(changes).toBe(2);
    ending.abort();
    await clock.advance(10_000);
    await done;
  });

  it('at the start grants nothing by faulty elements, and is closed by them', async () => {
    entries = { 'media.elastic-ips': 'nonsense' };
    const starting = rules();
    await starting.load();

    expect(starting.policy.closed).toBe(true);
    expect(faults).toHaveLength(1);
  });
});

describe('the entries of a mounted ConfigMap', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'eni-agent-entries-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** As the kubelet does it: a folder of its own for each version, and one link that is swung. */
  function publish(version: string, files: Record<string, string>): void {
    mkdirSync(join(folder, `..${version}`));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `..${version}`, name), text);
    symlinkSync(`..${version}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  }

  it('are read through the kubelet’s links, before and after a change', async () => {
    publish('1', { 'media.elastic-ips': 'auto' });
    symlinkSync('..data/media.elastic-ips', join(folder, 'media.elastic-ips'));

    expect([...(await readEntries(folder))]).toEqual([['media.elastic-ips', 'auto']]);
    publish('2', { 'media.elastic-ips': 'tag:x' });
    expect([...(await readEntries(folder))]).toEqual([['media.elastic-ips', 'tag:x']]);
  });

  it('are none where the folder is absent, and a FIFO among them blocks nobody', async () => {
    expect(await readEntries(join(folder, 'absent'))).toEqual(new Map());
    execFileSync('mkfifo', [join(folder, 'media.elastic-ips')]);

    expect([...(await readEntries(folder))]).toEqual([['media.elastic-ips', '']]);
  });
});
