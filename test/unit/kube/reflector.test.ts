import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Change, RawObject } from '../../../lib/kube/object-store.ts';
import { createReflector, type Mirrored, type ReflectorOptions } from '../../../lib/kube/reflector.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Answer, type Call, type ScriptedApi, startScriptedApi } from './scripted-api.ts';
import { impatientClock, manualClock } from './time.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const DOWN: Answer = (response) => response.destroy();

interface Thing {
  readonly id: string;
  readonly value: string;
}

function thing(name: string, options: { uid?: string; rv?: string; value?: string } = {}) {
  const { uid = `uid-${name}`, rv = '1', value = 'v1' } = options;
  return { metadata: { namespace: 'ns', name, uid, resourceVersion: rv }, value };
}

/** A collection whose list and watches are in the test's hands. */
class Collection {
  items: object[] = [];
  resourceVersion = '10';
  /** Answers that are given before the usual ones, in order. */
  readonly listAnswers: Answer[] = [];
  readonly watchAnswers: Answer[] = [];
  readonly watches: ServerResponse[] = [];

  answer(call: Call): Answer {
    if (call.query['watch'] === undefined) {
      return (
        this.listAnswers.shift() ?? { body: { metadata: { resourceVersion: this.resourceVersion }, items: this.items } }
      );
    }
    return (
      this.watchAnswers.shift() ??
      ((response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        this.watches.push(response);
      })
    );
  }

  send(type: string, object: object): void {
    this.watches.at(-1)?.write(`${JSON.stringify({ type, object })}\n`);
  }
}

async function start(
  collection: Collection,
  options: Partial<Omit<ReflectorOptions<Thing>, 'source'>> = {},
  source: Partial<Mirrored<Thing>> = {},
) {
  const api = await startScriptedApi((call) => collection.answer(call));
  cleanups.push(() => api.close());
  const clock = impatientClock(100);
  const changes: Change<Thing>[] = [];
  const errors: unknown[] = [];
  const reflector = createReflector<Thing>({
    source: {
      client: api.client(clock),
      path: '/api/v1/things',
      convert: (raw) => ({ id: raw.metadata.name, value: (raw as RawObject & { value: string }).value }),
      ...source,
    },
    clock,
    random: () => 0.5,
    onChange: (change) => changes.push(change),
    onError: (error) => errors.push(error),
    ...options,
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  cleanups.push(() => {
    stop.abort();
    return running;
  });
  return { api, reflector, changes, errors, stop, running };
}

function told(changes: readonly Change<Thing>[]): string[] {
  return changes.map(
    (change) => `${change.type} ${change.key}${change.type === 'deleted' ? '' : `=${change.item.value}`}`,
  );
}

function lists(api: ScriptedApi): Call[] {
  return api.calls.filter((call) => call.query['watch'] === undefined);
}

function watches(api: ScriptedApi): Call[] {
  return api.calls.filter((call) => call.query['watch'] !== undefined);
}

describe('createReflector', () => {
  it('lists from the cache of the server, then watches from that version with bookmarks and a bounded time', async () => {
    const collection = new Collection();
    collection.items = [thing('a')];
    const { api, reflector, changes } = await start(collection, {}, { query: { fieldSelector: 'spec.nodeName=n1' } });
    await waitFor(() => expect(reflector.connected).toBe(true));

    expect(lists(api)[0]?.query).toEqual({ fieldSelector: 'spec.nodeName=n1', resourceVersion: '0', limit: '500' });
    expect(watches(api)[0]?.query).toEqual({
      fieldSelector: 'spec.nodeName=n1',
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '10',
      timeoutSeconds: '360',
    });
    expect(reflector.synced).toBe(true);
    expect(told(changes)).toEqual(['added ns/a=v1']);
  });

  it('tells additions, updates and deletions of the watch, also when a line arrives in pieces', async () => {
    const collection = new Collection();
    const { reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));

    collection.send('ADDED', thing('a', { rv: '11' }));
    const line = Buffer.from(
      `${JSON.stringify({ type: 'MODIFIED', object: thing('a', { rv: '12', value: 'grüße' }) })}\n`,
    );
    const cut = line.indexOf(0xbc); // in the middle of a two-byte character
    collection.watches[0]?.write(line.subarray(0, cut));
    await waitFor(() => expect(changes).toHaveLength(1));
    collection.watches[0]?.write(line.subarray(cut));
    await waitFor(() => expect(changes).toHaveLength(2));
    collection.send('DELETED', thing('a', { rv: '13', value: 'grüße' }));
    await waitFor(() => expect(changes).toHaveLength(3));

    expect(told(changes)).toEqual(['added ns/a=v1', 'updated ns/a=grüße', 'deleted ns/a']);
    expect([...reflector.items()]).toEqual([]);
  });

  it('follows continue tokens and starts without pages when a token has expired', async () => {
    const collection = new Collection();
    const page = (name: string, next?: string) => ({
      body: { metadata: { resourceVersion: '10', continue: next }, items: [thing(name)] },
    });
    collection.listAnswers.push(page('a', 't1'), { status: 410, body: { code: 410, reason: 'Expired' } });
    collection.items = [thing('a'), thing('b')];
    const { api, reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.synced).toBe(true));

    expect(lists(api).map((call) => [call.query['limit'], call.query['continue']])).toEqual([
      ['500', undefined],
      ['500', 't1'],
      [undefined, undefined],
    ]);
    expect(told(changes)).toEqual(['added ns/a=v1', 'added ns/b=v1']);
  });

  const faults: [string, (collection: Collection) => void, 'resumes' | 'lists again'][] = [
    ['an orderly end', (collection) => collection.watches[0]?.end(), 'resumes'],
    ['a reset connection', (collection) => collection.watches[0]?.destroy(), 'resumes'],
    [
      'an ERROR event of code 500',
      (collection) => collection.send('ERROR', { kind: 'Status', code: 500, message: 'etcd' }),
      'resumes',
    ],
    [
      'an ERROR event of code 410',
      (collection) => collection.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }),
      'lists again',
    ],
    ['a line that is not a JSON', (collection) => collection.watches[0]?.write('<html>\n'), 'resumes'],
    ['a line that is not an event', (collection) => collection.watches[0]?.write('{"kind":"Pod"}\n'), 'resumes'],
  ];
  it.each(faults)('survives %s and misses nothing', async (_name, fault, way) => {
    const collection = new Collection();
    collection.items = [thing('a', { rv: '5' })];
    const { api, reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.send('ADDED', thing('b', { rv: '11' }));
    await waitFor(() => expect(changes).toHaveLength(2));
    collection.items = [thing('a', { rv: '5' }), thing('b', { rv: '11' })];
    collection.resourceVersion = '11';

    fault(collection);
    await waitFor(() => expect(collection.watches).toHaveLength(2));
    collection.send('DELETED', thing('a', { rv: '12' }));
    await waitFor(() => expect(changes).toHaveLength(3));

    expect(told(changes)).toEqual(['added ns/a=v1', 'added ns/b=v1', 'deleted ns/a']);
    expect(watches(api)[1]?.query['resourceVersion']).toBe('11');
    expect(lists(api)).toHaveLength(way === 'resumes' ? 1 : 2);
  });

  const refusals: [string, Answer, number][] = [
    ['500', { status: 500, body: { code: 500 } }, 1],
    ['410', { status: 410, body: { code: 410, reason: 'Gone' } }, 2],
    ['403', { status: 403, body: { code: 403, reason: 'Forbidden' } }, 2],
    ['a dropped connection', (response) => response.destroy(), 1],
  ];
  it.each(refusals)('survives a watch refused with %s', async (_name, refusal, expectedLists) => {
    const collection = new Collection();
    collection.watchAnswers.push(refusal);
    const { api, reflector, errors } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));

    expect(lists(api)).toHaveLength(expectedLists);
    expect(errors).toHaveLength(1);
  });

  it('waits as long as Retry-After asks', async () => {
    const collection = new Collection();
    collection.watchAnswers.push({ status: 429, headers: { 'retry-after': '10' }, body: { code: 429 } });
    const startedAt = performance.now();
    const { reflector } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));

    expect((performance.now() - startedAt) * 100).toBeGreaterThan(10_000);
  });

  it('takes a silent watch for dead and lists what the server has now, older or not', async () => {
    const clock = manualClock();
    const collection = new Collection();
    const { api, reflector, errors, changes } = await start(collection, { clock });
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.send('ADDED', thing('lost', { rv: '99' }));
    await waitFor(() => expect(changes).toHaveLength(1));
    collection.resourceVersion = '12';
    await clock.advance(100_000);
    await waitFor(() => expect(collection.watches).toHaveLength(2));

    expect(lists(api)[1]?.query['resourceVersion']).toBeUndefined();
    expect(watches(api)[1]?.query['resourceVersion']).toBe('12');
    expect(told(changes)).toEqual(['added ns/lost=v1', 'deleted ns/lost']);
    expect(errors).toMatchObject([{ message: 'the watch was silent for 90 s' }]);
  });

  it('waits two minutes for the first bookmark of a quiet watch without a fault', async () => {
    const clock = manualClock();
    const collection = new Collection();
    const { api, reflector, errors } = await start(collection, { clock });
    await waitFor(() => expect(reflector.connected).toBe(true));
    await clock.advance(120_000);
    collection.send('BOOKMARK', { metadata: { resourceVersion: '99' } });
    await waitFor(() => expect(reflector.lastEventAt).toBe(clock.now()));
    await clock.advance(60_000);

    expect(errors).toEqual([]);
    expect(api.calls).toHaveLength(2);
    await clock.advance(40_000);
    await waitFor(() => expect(errors).toMatchObject([{ message: 'the watch was silent for 90 s' }]));
  });

  it('lists when the server’s history has gone back (etcd restored from a backup)', async () => {
    const collection = new Collection();
    collection.resourceVersion = '1000';
    collection.items = [thing('after-the-backup', { rv: '900' })];
    const { api, reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.items = [];
    collection.resourceVersion = '500';
    collection.send('BOOKMARK', { metadata: { resourceVersion: '500' } });
    await waitFor(() => expect(collection.watches).toHaveLength(2));

    expect(watches(api)[1]?.query['resourceVersion']).toBe('500');
    expect(told(changes)).toEqual(['added ns/after-the-backup=v1', 'deleted ns/after-the-backup']);
  });

  it('lists what is there when the server refuses to watch from a version that it has not reached', async () => {
    const collection = new Collection();
    collection.resourceVersion = '1000';
    collection.items = [thing('after-the-backup', { rv: '900' })];
    const tooLarge = { reason: 'Timeout', message: 'Too large resource version: 1000, current: 500' };
    collection.watchAnswers.push({ status: 504, body: tooLarge });
    collection.listAnswers.push({ body: { metadata: { resourceVersion: '1000' }, items: collection.items } });
    collection.resourceVersion = '500';
    collection.items = [];
    const { api, changes } = await start(collection);
    await waitFor(() => expect(collection.watches).toHaveLength(1));

    expect(lists(api)[1]?.query['resourceVersion']).toBeUndefined();
    expect(watches(api)[1]?.query['resourceVersion']).toBe('500');
    expect(told(changes)).toEqual(['added ns/after-the-backup=v1', 'deleted ns/after-the-backup']);
  });

  it('begins with what is, not with what a cache shows, where that is asked for', async () => {
    const collection = new Collection();
    const cached = await start(collection);
    const upToDate = await start(collection, {}, { upToDate: true });
    await waitFor(() => expect(collection.watches).toHaveLength(2));

    expect(lists(cached.api)[0]?.query['resourceVersion']).toBe('0');
    expect(lists(upToDate.api)[0]?.query['resourceVersion']).toBeUndefined();
  });

  it('never waits more than 5 s between two tries of an outage', async () => {
    const collection = new Collection();
    const pauses: number[] = [];
    const clock = impatientClock(1_000);
    const sleep: typeof clock.sleep = (ms, signal) => {
      pauses.push(ms);
      return clock.sleep(ms, signal);
    };
    const { reflector } = await start(collection, { clock: { ...clock, sleep }, random: () => 0.999 });
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.watchAnswers.push(...Array.from({ length: 12 }, () => DOWN));
    collection.watches[0]?.destroy();
    await waitFor(() => expect(collection.watches).toHaveLength(2));

    expect(pauses).toHaveLength(13);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000);
  });

  it('keeps its items through an outage and says what vanished or was recreated meanwhile', async () => {
    const collection = new Collection();
    collection.items = [thing('gone'), thing('recreated', { uid: 'first' }), thing('same')];
    const { reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    changes.length = 0;

    collection.listAnswers.push(...Array.from({ length: 4 }, () => DOWN));
    collection.watchAnswers.push(DOWN, DOWN, DOWN, DOWN, { status: 410, body: { code: 410, reason: 'Expired' } });
    collection.watches[0]?.destroy();
    await waitFor(() => expect(reflector.connected).toBe(false));
    expect([...reflector.items()]).toHaveLength(3);

    collection.resourceVersion = '20';
    collection.items = [thing('recreated', { uid: 'second', rv: '15' }), thing('same')];
    await waitFor(() => expect(reflector.connected).toBe(true));
    expect(told(changes)).toEqual(['deleted ns/gone', 'deleted ns/recreated', 'added ns/recreated=v1']);
  });

  it('resumes after an outage without a list, however long it was', async () => {
    const collection = new Collection();
    const { api, reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.watchAnswers.push(DOWN, { status: 503 }, DOWN, { status: 500 }, DOWN);
    collection.watches[0]?.destroy();
    await waitFor(() => expect(collection.watches).toHaveLength(2));
    collection.send('ADDED', thing('a', { rv: '11' }));
    await waitFor(() => expect(changes).toHaveLength(1));

    expect(lists(api)).toHaveLength(1);
    expect(reflector.synced).toBe(true);
  });

  it('lists again when the server fails at one version again and again', async () => {
    const collection = new Collection();
    const { api, reflector } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    for (let round = 1; round <= 3; round += 1) {
      collection.send('ERROR', { kind: 'Status', code: 500, message: 'unable to decode an event' });
      await waitFor(() => expect(collection.watches).toHaveLength(round + 1));
    }

    await waitFor(() => expect(lists(api)).toHaveLength(2));
  });

  it('tells a recreation within one watch as deletion and addition', async () => {
    const collection = new Collection();
    collection.items = [thing('a', { uid: 'first' })];
    const { reflector, changes } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.send('MODIFIED', thing('a', { uid: 'second', rv: '11', value: 'v2' }));
    await waitFor(() => expect(changes).toHaveLength(3));

    expect(told(changes)).toEqual(['added ns/a=v1', 'deleted ns/a', 'added ns/a=v2']);
  });

  it('reports what onChange and convert throw and goes on', async () => {
    const collection = new Collection();
    collection.items = [thing('a')];
    const seen: string[] = [];
    const convert = (raw: RawObject) => {
      if (raw.metadata.name === 'broken') throw new TypeError('no such field');
      return { id: raw.metadata.name, value: '' };
    };
    const onChange = (change: Change<Thing>) => {
      seen.push(change.key);
      throw new RangeError('handler');
    };
    const { reflector, errors } = await start(collection, { onChange }, { convert });
    await waitFor(() => expect(reflector.connected).toBe(true));
    collection.send('ADDED', thing('broken', { rv: '11' }));
    collection.send('ADDED', thing('b', { rv: '12' }));
    await waitFor(() => expect(seen).toEqual(['ns/a', 'ns/b']));

    expect(errors.map((error) => (error as Error).message)).toEqual(['handler', 'no such field', 'handler']);
    expect(collection.watches).toHaveLength(1);
  });

  it('stops at once and silently when told to', async () => {
    const collection = new Collection();
    const { reflector, errors, stop, running } = await start(collection);
    await waitFor(() => expect(reflector.connected).toBe(true));
    stop.abort();
    await running;

    expect(errors).toEqual([]);
    expect(reflector.connected).toBe(false);
  });
});
