import { served } from './conversion.ts';
import type { KubeObject } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { fieldSelector, labelSelector, type Predicate } from './selectors.ts';
import { badRequest, expired } from './status.ts';
import type { ObjectStore } from './store.ts';

export interface Selection {
  resource: Resource;
  namespace: string | undefined;
  matches: Predicate;
}

/** What a collection request asks for; throws 400 for a selector that the server does not understand. */
export function selectionOf(resource: Resource, namespace: string | undefined, query: URLSearchParams): Selection {
  const byLabel = labelSelector(query.get('labelSelector') ?? '');
  const byField = fieldSelector(resource, query.get('fieldSelector') ?? '');
  const inNamespace: Predicate = (object) => namespace === undefined || object.metadata.namespace === namespace;
  return {
    resource,
    namespace,
    matches: (object) => inNamespace(object) && byLabel(object) && byField(served(resource, object)),
  };
}

export function selected(store: ObjectStore, { resource, namespace, matches }: Selection): KubeObject[] {
  return store.list(resource.storage, namespace).filter(matches);
}

interface Continuation {
  revision: number;
  after: string;
}

/** The list answer that `listPage` describes, as JSON objects. */
export function listAnswer(store: ObjectStore, selection: Selection, query: URLSearchParams) {
  const { resource } = selection;
  const { metadata, page } = listPage(store, selection, query);
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata,
    items: page.map((object) => (resource.custom ? object : withoutKind(object))),
  };
}

/**
 * What a list answer has, in pages when `limit` is given. The pages after the first show the present, not the past, but they
 * expire (410) with the history as real ones do.
 */
export function listPage(store: ObjectStore, selection: Selection, query: URLSearchParams) {
  const token = continuation(query.get('continue'));
  if (token) store.hub.since(selection.resource.storage, token.revision);
  const { resource } = selection;
  const rest = selected(store, selection).filter((object) => !token || keyOf(object) > token.after);
  const limit = Number(query.get('limit') ?? 0) || rest.length;
  const page = rest.slice(0, limit);
  const revision = token?.revision ?? store.revision;
  const last = page.at(-1);
  const more = rest.length > page.length && last !== undefined;
  return {
    metadata: {
      resourceVersion: String(revision),
      ...(more && {
        continue: encode({ revision, after: keyOf(last) }),
        remainingItemCount: rest.length - page.length,
      }),
    },
    page: page.map((object) => served(resource, object)),
  };
}

/** Items of built-in lists carry no apiVersion and kind of their own; custom resources do. */
function withoutKind(object: KubeObject) {
  const { apiVersion: _, kind: __, ...rest } = object;
  return rest;
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function encode(token: Continuation): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function continuation(text: string | null): Continuation | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Continuation;
  } catch {
    throw badRequest('invalid continue token');
  }
}

/** The revision in `?resourceVersion=`; undefined for "now" (absent or 0). Throws 400, or 410 for a negative one. */
export function revisionOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '' || text === '0') return undefined;
  const revision = Number(text);
  if (!Number.isInteger(revision)) throw badRequest(`Invalid value: "${text}": strconv.ParseUint: invalid syntax`);
  if (revision < 0) throw expired(revision, 0);
  return revision;
}
