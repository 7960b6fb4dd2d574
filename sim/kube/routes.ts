import type { DeleteOptions } from './deletion.ts';
import { discoveryAnswer } from './discovery.ts';
import { isRecord, valueAt } from './object.ts';
import type { ObjectApi } from './object-api.ts';
import { listAnswer, listPage, type Selection, selected, selectionOf } from './object-lists.ts';
import { patchFormatOf } from './patches/patch-format.ts';
import type { PatchRequest } from './patches/patch-writer.ts';
import { jsonBody, type KubeRequest, manifestBody } from './request.ts';
import { type ObjectPath, parseObjectPath } from './request-path.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import { scaleAnswer } from './scale.ts';
import { badRequest, methodNotAllowed, noSuchResource, unsupportedMediaType } from './status.ts';
import type { ObjectStore } from './store.ts';
import { tableOf, wantsTable } from './tables/table.ts';

export interface Served {
  store: ObjectStore;
  registry: ResourceRegistry;
  api: ObjectApi;
}

export type Answer =
  | { kind: 'json'; code: number; body: unknown }
  | { kind: 'text'; body: string }
  | { kind: 'watch'; selection: Selection };

interface TimedRequest extends KubeRequest {
  readonly now: number;
}

/** Decides the whole answer to a request at this time (ms; only ages in tables depend on it); throws `ApiError` for every refusal. */
export function answer(served: Served, request: KubeRequest, now = 0): Answer {
  const { path, method } = request;
  if (/^\/(healthz|readyz|livez)(\/|$)/.test(path)) return { kind: 'text', body: 'ok' };
  // An empty protobuf message is a valid OpenAPI document without schemas: kubectl then validates nothing.
  if (path === '/openapi/v2') return { kind: 'text', body: '' };
  const discovered = method === 'GET' ? discoveryAnswer(path.replace(/\/$/, ''), served.registry) : undefined;
  if (discovered !== undefined) return json(discovered);
  const target = parseObjectPath(path, served.registry);
  return target.name === undefined
    ? collectionAnswer(served, { ...request, now }, target)
    : objectAnswer(served, { ...request, now }, target, target.name);
}

function collectionAnswer({ store, api }: Served, request: TimedRequest, target: ObjectPath): Answer {
  const { resource, namespace } = target;
  const { method, query } = request;
  const everyNamespace = resource.namespaced && namespace === undefined;
  if (method === 'GET') {
    const selection = selectionOf(resource, namespace, query);
    const watching = ['1', 'true'].includes(query.get('watch') ?? '');
    if (watching) return { kind: 'watch', selection };
    if (!wantsTable(request.accept)) return json(listAnswer(store, selection, query));
    const { metadata, page } = listPage(store, selection, query);
    return json(tableOf(resource, page, { now: request.now, metadata }));
  }
  if (everyNamespace) throw methodNotAllowed();
  if (method === 'POST') return json(api.create(resource, namespace, manifestBody(request)), 201);
  if (method !== 'DELETE') throw methodNotAllowed();
  const selection = selectionOf(resource, namespace, query);
  const list = listAnswer(store, selection, new URLSearchParams());
  for (const object of selected(store, selection)) {
    api.delete(resource, object.metadata.namespace, object.metadata.name, deleteOptions(request));
  }
  return json(list);
}

function objectAnswer(served: Served, request: TimedRequest, target: ObjectPath, name: string): Answer {
  const { api, store } = served;
  const { resource, namespace, subResource } = target;
  if (subResource === 'binding') return bindingAnswer(served, request, target, name);
  if (subResource === 'scale') {
    const sent = request.method === 'GET' ? undefined : manifestBody(request);
    return json(scaleAnswer(api, { resource, namespace, name, method: request.method, sent }));
  }
  if (subResource !== undefined && subResource !== 'status') throw noSuchResource();
  const sub = subResource ?? 'main';
  const written = store.get(resource.storage, namespace, name) ? 200 : 201;
  switch (request.method) {
    case 'GET': {
      const object = api.get(resource, namespace, name);
      if (!wantsTable(request.accept)) return json(object);
      const { resourceVersion } = object.metadata;
      return json(tableOf(resource, [object], { now: request.now, metadata: { resourceVersion } }));
    }
    case 'PUT':
      return json(api.update(resource, sub, namespace, name, manifestBody(request)), written);
    case 'PATCH':
      return json(api.patch(resource, sub, namespace, name, patchRequest(request)), written);
    case 'DELETE':
      return json(api.delete(resource, namespace, name, deleteOptions(request)));
    default:
      throw methodNotAllowed();
  }
}

function bindingAnswer({ api }: Served, request: KubeRequest, target: ObjectPath, name: string): Answer {
  const { resource, namespace = '' } = target;
  const node = valueAt(manifestBody(request), 'target.name');
  if (request.method !== 'POST' || resource.storage !== 'pods') throw methodNotAllowed();
  if (typeof node !== 'string') throw badRequest('target.name: Required value');
  api.bind(resource, namespace, name, node);
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201);
}

function patchRequest(request: KubeRequest): PatchRequest {
  const format = patchFormatOf(request.contentType);
  if (!format) throw unsupportedMediaType();
  const manager = request.query.get('fieldManager') ?? undefined;
  const force = request.query.get('force') === 'true';
  return { format, patch: jsonBody(request), force, ...(manager !== undefined && { manager }) };
}

function deleteOptions(request: KubeRequest): DeleteOptions {
  const body = request.body ? jsonBody(request) : {};
  if (!isRecord(body)) throw badRequest('the body is not an object');
  const fromQuery = request.query.get('gracePeriodSeconds');
  const grace = fromQuery === null ? body['gracePeriodSeconds'] : Number(fromQuery);
  const preconditions = body['preconditions'];
  return {
    ...(typeof grace === 'number' && { gracePeriodSeconds: grace }),
    ...(isRecord(preconditions) && { preconditions }),
  };
}

function json(body: unknown, code = 200): Answer {
  return { kind: 'json', code, body };
}
