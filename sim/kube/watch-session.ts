import { served } from './conversion.ts';
import type { KubeObject } from './object.ts';
import { revisionOf, type Selection, selected } from './object-lists.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { ApiError } from './status.ts';
import type { ObjectStore } from './store.ts';
import type { Change } from './watch-hub.ts';

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: unknown;
}

export type Send = (event: WatchEvent) => void;

/**
 * Replays what happened since the asked revision (or the present state when none is asked) and follows from there.
 * Returns the way to stop, or undefined when the history is gone: the ERROR event with code 410 is then all there is.
 */
export function follow(store: ObjectStore, selection: Selection, query: URLSearchParams, send: Send) {
  const { storage } = selection.resource;
  const revision = revisionOf(query);
  const pass = (change: Change) => {
    const event = change.storage === storage ? eventOf(change, selection) : undefined;
    if (event) send(event);
  };
  try {
    if (revision === undefined)
      for (const object of selected(store, selection)) send(added(selection.resource, object));
    else for (const change of store.hub.since(storage, revision)) pass(change);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send({ type: 'ERROR', object: error.toStatus() });
    return undefined;
  }
  return store.hub.subscribe(pass);
}

/**
 * A change as a selecting watch sees it (facts §7.2): an object that starts to match is ADDED, one that stops is
 * DELETED in its last matching state at the resourceVersion of the change, one that never matched is not there.
 */
function eventOf(change: Change, { resource, matches }: Selection): WatchEvent | undefined {
  const { object, previous, type } = change;
  const matched = previous !== undefined && matches(previous);
  const matching = type !== 'DELETED' && matches(object);
  if (matching) return { type: matched ? 'MODIFIED' : 'ADDED', object: served(resource, object) };
  if (!matched) return undefined;
  if (type === 'DELETED') return { type: 'DELETED', object: served(resource, object) };
  const metadata = { ...previous.metadata, resourceVersion: object.metadata.resourceVersion };
  return { type: 'DELETED', object: served(resource, { ...previous, metadata }) };
}

/** Reports a client how far it is although nothing it watches has changed. */
export function bookmark(resource: Resource, revision: number): WatchEvent {
  const metadata = { resourceVersion: String(revision), creationTimestamp: null };
  return { type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata } };
}

function added(resource: Resource, object: KubeObject): WatchEvent {
  return { type: 'ADDED', object: served(resource, object) };
}
