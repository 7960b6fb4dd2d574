import { type Fields, isRecord } from '../object.ts';
import { isSet, mergeKeyOf } from './list-keys.ts';

const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/**
 * A merge patch that knows which lists merge by key. Understands `$patch: delete|replace|merge`,
 * `$deleteFromPrimitiveList/…`, `$retainKeys`, and the element order of scalar lists is left as it is.
 */
export function applyStrategicMergePatch(document: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  if (patch['$patch'] === 'delete') return {};
  const merged = retained(isRecord(document) ? { ...document } : {}, patch['$retainKeys']);
  for (const [key, value] of Object.entries(patch)) mergeField(merged, key, value);
  return merged;
}

function mergeField(merged: Fields, key: string, value: unknown): void {
  if (key.startsWith(deletePrefix)) removeScalars(merged, key.slice(deletePrefix.length), value);
  else if (key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix)) return;
  else if (value === null) delete merged[key];
  else if (Array.isArray(value)) merged[key] = mergeList(key, merged[key], value);
  else merged[key] = applyStrategicMergePatch(merged[key], value);
}

function mergeList(field: string, current: unknown, patch: unknown[]): unknown[] {
  const present = Array.isArray(current) ? current : [];
  if (isSet(field)) return [...new Set([...present, ...patch])];
  const key = mergeKeyOf(field, [...present, ...patch]);
  if (key === undefined) return patch;
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace' && item[key] === undefined)) {
    return patch.filter((item) => !isRecord(item) || item['$patch'] !== 'replace');
  }
  return patch.reduce<unknown[]>((list, item) => mergeItem(list, key, item), [...present]);
}

function mergeItem(list: unknown[], key: string, item: unknown): unknown[] {
  if (!isRecord(item)) return [...list, item];
  const same = (other: unknown) => isRecord(other) && other[key] === item[key];
  if (item['$patch'] === 'delete') return list.filter((other) => !same(other));
  if (!list.some(same)) return [...list, applyStrategicMergePatch({}, item)];
  return list.map((other) => (same(other) ? applyStrategicMergePatch(other, item) : other));
}

function removeScalars(merged: Fields, field: string, values: unknown): void {
  const current = merged[field];
  if (!Array.isArray(current) || !Array.isArray(values)) return;
  merged[field] = current.filter((item) => !values.includes(item));
}

function retained(document: Fields, keys: unknown): Fields {
  if (!Array.isArray(keys)) return document;
  return Object.fromEntries(Object.entries(document).filter(([key]) => keys.includes(key)));
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')));
}
