import type { KubeObject } from '../object.ts';
import type { Resource } from '../resource.ts';
import { type Column, columnsOf } from './columns.ts';

/** Which definitions of columns a table begins with: a watch repeats them only in its first event. */
export type Head = 'with columns' | 'rows only';

/** Whether the client prefers a table, as kubectl does for its human-readable output: by content negotiation. */
export function wantsTable(accept: string | undefined): boolean {
  return /\bas=Table\b/.test(accept ?? '') && /\bg=meta\.k8s\.io\b/.test(accept ?? '');
}

/** Server-side printing: objects, as they are served, as rows of a `meta.k8s.io/v1` Table, each with its metadata for sorting and for `-o name`. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  { now, metadata, head = 'with columns' }: { now: number; metadata: object; head?: Head },
): object {
  const columns = columnsOf(resource);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: head === 'with columns' ? columns.map(definitionOf) : [],
    rows: objects.map((object) => rowOf(columns, object, now)),
  };
}

function definitionOf({ name, priority = 0 }: Column): object {
  return { name, type: 'string', format: name === 'Name' ? 'name' : '', description: '', priority };
}

function rowOf(columns: readonly Column[], object: KubeObject, now: number): object {
  return {
    cells: columns.map(({ cell }) => cell(object, now)),
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
  };
}
