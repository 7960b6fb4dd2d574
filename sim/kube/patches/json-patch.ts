import { isRecord, sameJson } from '../object.ts';
import { badRequest, unprocessable } from '../status.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/**
 * RFC 6902. Throws 400 for something that is not a patch, 422 when an operation cannot be done: a failed `test`,
 * a missing parent (an `add` into annotations that do not exist yet), an index out of range.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is an array of operations');
  const root = { document: structuredClone(document) };
  for (const operation of patch as Operation[]) perform(root, operation);
  return root.document;
}

function perform(root: { document: unknown }, operation: Operation): void {
  const { op, path, from = '', value } = operation;
  switch (op) {
    case 'add':
      return insert(root, path, value);
    case 'remove':
      return void take(root, path);
    case 'replace':
      take(root, path);
      return insert(root, path, value);
    case 'move':
      return insert(root, path, take(root, from));
    case 'copy':
      return insert(root, path, structuredClone(read(root, from)));
    case 'test':
      if (!sameJson(read(root, path), value)) throw unprocessable(`testing value ${path} failed`);
      return;
    default:
      throw unprocessable(`Unexpected kind: ${op}`);
  }
}

function insert(root: { document: unknown }, path: string, value: unknown): void {
  const [container, key] = locate(root, path);
  if (!Array.isArray(container)) container[key] = value;
  else container.splice(key === '-' ? container.length : indexIn(container, key, container.length), 0, value);
}

function take(root: { document: unknown }, path: string): unknown {
  const [container, key] = locate(root, path);
  const taken = read(root, path);
  if (Array.isArray(container)) container.splice(indexIn(container, key, container.length - 1), 1);
  else delete container[key];
  return taken;
}

function read(root: { document: unknown }, path: string): unknown {
  const [container, key] = locate(root, path);
  if (Array.isArray(container)) return container[indexIn(container, key, container.length - 1)];
  if (!(key in container)) throw unprocessable(`path ${path} does not exist`);
  return container[key];
}

/** The container that holds what the pointer names, and its key there. The whole document is `root.document`. */
function locate(root: { document: unknown }, path: string): [Container, string] {
  const keys = ['document', ...pointer(path)];
  const last = keys.pop() ?? '';
  let container: unknown = root;
  for (const key of keys) {
    container = Array.isArray(container)
      ? container[indexIn(container, key, container.length - 1)]
      : isRecord(container)
        ? container[key]
        : undefined;
  }
  if (!Array.isArray(container) && !isRecord(container)) throw unprocessable(`doc is missing path: ${path}`);
  return [container, last];
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unprocessable(`not a JSON pointer: ${path}`);
  return path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexIn(list: unknown[], key: string, highest: number): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (Number.isNaN(index) || index > highest) throw unprocessable(`index ${key} is outside of ${list.length} items`);
  return index;
}
