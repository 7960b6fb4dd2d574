import { isRecord, type KubeObject, valueAt } from '../object.ts';
import type { PrinterColumn, Resource } from '../resource.ts';
import { age } from './age.ts';

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string;
  /** Above 0: only with `-o wide`. @default 0 */
  readonly priority?: number;
  readonly cell: (object: KubeObject, now: number) => string;
}

/** Those of the real server for what the simulation's users look at; of a custom resource those of its definition; else name and age. */
export function columnsOf({ storage, printerColumns = [] }: Resource): readonly Column[] {
  if (printerColumns.length > 0) return [NAME, ...printerColumns.map(customColumn)];
  return BUILT_IN[storage] ?? [NAME, AGE];
}

const NAME: Column = { name: 'Name', cell: ({ metadata }) => metadata.name };
const AGE: Column = { name: 'Age', cell: ({ metadata }, now) => age(metadata.creationTimestamp, now) };

const BUILT_IN: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    NAME,
    { name: 'Ready', cell: (pod) => `${isReady(pod) ? containers(pod) : 0}/${containers(pod)}` },
    { name: 'Status', cell: podStatus },
    { name: 'Restarts', cell: () => '0' },
    AGE,
    { name: 'IP', priority: 1, cell: at('status.podIP') },
    { name: 'Node', priority: 1, cell: at('spec.nodeName') },
  ],
  nodes: [
    NAME,
    {
      name: 'Status',
      cell: (node) =>
        `${isReady(node) ? 'Ready' : 'NotReady'}${node.spec?.['unschedulable'] ? ',SchedulingDisabled' : ''}`,
    },
    { name: 'Roles', cell: () => '<none>' },
    AGE,
    { name: 'Version', cell: () => 'simulated' },
    { name: 'Internal-IP', priority: 1, cell: (node) => addressOf(node) },
  ],
  events: [
    { name: 'Last Seen', cell: (event, now) => age(textAt(event, 'lastTimestamp') || textAt(event, 'eventTime'), now) },
    { name: 'Type', cell: at('type') },
    { name: 'Reason', cell: at('reason') },
    {
      name: 'Object',
      cell: (event) => `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`,
    },
    { name: 'Message', cell: at('message') },
  ],
  namespaces: [NAME, { name: 'Status', cell: (space) => textAt(space, 'status.phase') || 'Active' }, AGE],
  configmaps: [NAME, { name: 'Data', cell: ({ data }) => String(isRecord(data) ? Object.keys(data).length : 0) }, AGE],
  'deployments.apps': [
    NAME,
    { name: 'Ready', cell: (workload) => `${textAt(workload, 'status.readyReplicas') || 0}/${wanted(workload)}` },
    { name: 'Up-to-date', cell: (workload) => textAt(workload, 'status.replicas') || '0' },
    { name: 'Available', cell: (workload) => textAt(workload, 'status.readyReplicas') || '0' },
    AGE,
  ],
  'statefulsets.apps': [
    NAME,
    { name: 'Ready', cell: (workload) => `${textAt(workload, 'status.readyReplicas') || 0}/${wanted(workload)}` },
    AGE,
  ],
  'leases.coordination.k8s.io': [NAME, { name: 'Holder', cell: at('spec.holderIdentity') }, AGE],
};

function at(path: string): Column['cell'] {
  return (object) => textAt(object, path) || '<none>';
}

function textAt(object: KubeObject, path: string): string {
  const value = valueAt(object, path);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function podStatus(pod: KubeObject): string {
  return pod.metadata.deletionTimestamp === undefined ? textAt(pod, 'status.phase') || 'Pending' : 'Terminating';
}

function containers({ spec }: KubeObject): number {
  const list = spec?.['containers'];
  return Array.isArray(list) ? list.length : 0;
}

function wanted(workload: KubeObject): string {
  return textAt(workload, 'spec.replicas') || '1';
}

function isReady({ status }: KubeObject): boolean {
  return conditionsOf(status?.['conditions']).some(({ type, status: value }) => type === 'Ready' && value === 'True');
}

function conditionsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function addressOf({ status }: KubeObject): string {
  const found = conditionsOf(status?.['addresses']).find(({ type }) => type === 'InternalIP');
  return typeof found?.['address'] === 'string' ? found['address'] : '<none>';
}

/** JSON paths as definitions use them: names, `[*]`, an index, and `[?(@.type=="Ready")]`. */
function customColumn({ name, jsonPath, type, priority = 0 }: PrinterColumn): Column {
  const steps = jsonPath.split(/\.(?![^[]*\])/).filter(Boolean);
  return {
    name,
    priority,
    cell: (object, now) => {
      const texts = follow([object], steps).flatMap(cellText);
      return type === 'date' ? age(texts[0], now) : texts.join(',');
    },
  };
}

function follow(values: readonly unknown[], steps: readonly string[]): readonly unknown[] {
  return steps.reduce((found, step) => {
    const [, key = '', filter] = /^([^[]*)(?:\[(.*)\])?$/.exec(step) ?? [];
    const named = found.flatMap((value) => (isRecord(value) && value[key] !== undefined ? [value[key]] : []));
    return filter === undefined ? named : named.flatMap((list) => chosen(list, filter));
  }, values);
}

function chosen(list: unknown, filter: string): readonly unknown[] {
  if (!Array.isArray(list)) return [];
  const [, key, value] = /^\?\(@\.(\w+)\s*==\s*["'](.*)["']\)$/.exec(filter) ?? [];
  if (key !== undefined) return list.filter((item) => isRecord(item) && item[key] === value);
  return filter === '*' ? list : list.slice(Number(filter), Number(filter) + 1);
}

function cellText(value: unknown): readonly string[] {
  if (Array.isArray(value)) return [JSON.stringify(value)];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
}
