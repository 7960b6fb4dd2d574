import type { ServerResponse } from 'node:http';
import type { KubeFaults } from './faults.ts';
import type { KubeObject } from './object.ts';
import type { Selection } from './object-lists.ts';
import type { KubeRequest } from './request.ts';
import type { ObjectStore } from './store.ts';
import { type Head, tableOf, wantsTable } from './tables/table.ts';
import { bookmark, follow, type WatchEvent } from './watch-session.ts';

/** A bookmark comes about once a minute, and this long before a watch with a timeout ends. */
const bookmarkLeadMs = 2_000;
const bookmarkIntervalMs = 60_000;

/** Answers `?watch=1`: one JSON event per line until the timeout, the client or a fault ends it. */
export function streamWatch(
  { store, faults, now }: { store: ObjectStore; faults: KubeFaults; now: () => number },
  selection: Selection,
  { query, accept }: Pick<KubeRequest, 'query' | 'accept'>,
  response: ServerResponse,
): void {
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const shown = wantsTable(accept) ? inTables(selection, now) : (event: WatchEvent) => event;
  const send = (event: WatchEvent) => {
    if (!faults.watchesHang) response.write(`${JSON.stringify(shown(event))}\n`);
  };
  const stop = follow(store, selection, query, send);
  if (!stop) return void response.end();
  const timers = schedule(query, {
    bookmark: () => send(bookmark(selection.resource, store.revision)),
    end: () => {
      if (!faults.watchesHang) response.end();
    },
  });
  const forget = faults.trackWatch(response, () => send(bookmark(selection.resource, store.revision)));
  response.once('close', () => {
    stop();
    forget();
    for (const timer of timers) clearTimeout(timer);
  });
}

/** Each event's object as a table of one row; the first says what its columns are. */
function inTables({ resource }: Selection, now: () => number): (event: WatchEvent) => WatchEvent {
  let head: Head = 'with columns';
  return ({ type, object }) => {
    if (type === 'BOOKMARK' || type === 'ERROR') return { type, object };
    const { resourceVersion } = (object as KubeObject).metadata;
    const table = tableOf(resource, [object as KubeObject], { now: now(), metadata: { resourceVersion }, head });
    head = 'rows only';
    return { type, object: table };
  };
}

function schedule(query: URLSearchParams, act: { bookmark: () => void; end: () => void }): NodeJS.Timeout[] {
  const timers: NodeJS.Timeout[] = [];
  const timeoutMs = Number(query.get('timeoutSeconds') ?? 0) * 1000;
  if (timeoutMs > 0) timers.push(setTimeout(act.end, timeoutMs));
  if (['true', '1'].includes(query.get('allowWatchBookmarks') ?? '')) {
    timers.push(setInterval(act.bookmark, bookmarkIntervalMs));
    if (timeoutMs > bookmarkLeadMs) timers.push(setTimeout(act.bookmark, timeoutMs - bookmarkLeadMs));
  }
  return timers;
}
