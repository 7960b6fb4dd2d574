import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Observers, openObservers } from '../../../agent/node/observers.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { waitFor } from '../../support/wait-for.ts';

let root: string;
let stop: AbortController;
let running: Promise<unknown>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'observers-'));
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
  rmSync(root, { recursive: true, force: true });
});

/** The observers of a node with these folders; namespaces only with `live`, whose commands need privileges that a test may lack. */
function open(observe: 'live' | 'cni' | 'annotations' = 'cni'): Observers {
  const options = {
    observe,
    cniCacheDirs: [join(root, 'multus/results'), join(root, 'results')],
    netnsDir: join(root, 'netns'),
    addressResyncMs: 60_000,
  };
  const observers = openObservers(options, {
    clock: systemClock(),
    random: Math.random,
    log: silentLogger,
    onChange: () => undefined,
  });
  const tasks = observers.tasks.filter(({ name }) => name === 'CNI cache');
  running = Promise.all(tasks.map(({ run }) => run(stop.signal)));
  return observers;
}

describe('what the observers say of their folders', () => {
  it('a node whose CNI folders do not exist yet is ready, with a note that goes when one appears', async () => {
    const observers = open();
    await waitFor(() => expect(observers.faults()).toEqual([]));
    expect(observers.notes()).toEqual([expect.stringContaining('none of the CNI cache folders exists')]);

    mkdirSync(join(root, 'multus/results'), { recursive: true });
    await waitFor(() => expect(observers.notes()).toEqual([]));
  });

  it('a node that has no pods yet need not have one', async () => {
    const observers = open('live');
    await waitFor(() => expect(observers.faults().join()).not.toContain('CNI cache'));

    expect(observers.notes()).toEqual([]);
  });

  it('a folder that cannot be read is a fault with its name and code, until it can be', async () => {
    writeFileSync(join(root, 'results'), 'a file');
    const observers = open();
    await waitFor(() =>
      expect(observers.faults()).toEqual([
        `the CNI cache folder ${join(root, 'results')} cannot be read (ENOTDIR); mount it from the host`,
      ]),
    );

    rmSync(join(root, 'results'));
    mkdirSync(join(root, 'results'));
    await waitFor(() => expect(observers.faults()).toEqual([]));
  });

  it('below `cni` nothing is looked at and nothing is wrong', () => {
    const observers = open('annotations');
    expect([...observers.faults(), ...observers.notes()]).toEqual([]);
  });
});
