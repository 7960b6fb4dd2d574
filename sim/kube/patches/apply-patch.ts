import { type Fields, isRecord, sameJson } from '../object.ts';
import type { Resource } from '../resource.ts';
import { ApiError } from '../status.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

/** What each applier last applied to one object, by field manager. */
export type AppliedConfigurations = ReadonlyMap<string, Fields>;

export interface ApplyRequest {
  current: Fields;
  configuration: Fields;
  manager: string;
  force: boolean;
  others: AppliedConfigurations;
  resource: Resource;
}

/**
 * Server-side apply, simplified: only appliers own fields (a plain update owns nothing and never conflicts).
 * Fields that this manager applied before and now leaves out are removed, unless another applier owns them.
 * Throws 409 when another applier owns a field with a different value and `force` is not set.
 */
export function applyConfiguration(request: ApplyRequest): Fields {
  const { current, configuration, manager, force, others, resource } = request;
  const owned = [...others].filter(([name]) => name !== manager);
  if (!force) refuseConflicts(configuration, owned);
  const previous = others.get(manager) ?? {};
  const pruned = prune(
    current,
    previous,
    configuration,
    owned.map(([, applied]) => applied),
  ) as Fields;
  const merge = resource.custom ? applyMergePatch : applyStrategicMergePatch;
  return merge(pruned, configuration) as Fields;
}

function refuseConflicts(configuration: Fields, owned: [string, Fields][]): void {
  for (const [manager, applied] of owned) {
    const field = firstDifference(configuration, applied, '');
    if (field === undefined) continue;
    const message = `Apply failed with 1 conflict: conflict with "${manager}": ${field}`;
    const causes = [{ reason: 'FieldManagerConflict', message: `conflict with "${manager}"`, field }];
    throw new ApiError(409, 'Conflict', message, { causes });
  }
}

/** The first leaf that both hold with different values, as a dotted path. Identity fields are nobody's. */
function firstDifference(a: Fields, b: Fields, path: string): string | undefined {
  for (const [key, value] of Object.entries(a)) {
    const at = `${path}.${key}`;
    if (b[key] === undefined || at === '.apiVersion' || at === '.kind' || at === '.metadata.name') continue;
    const other = b[key];
    if (isRecord(value) && isRecord(other)) {
      const inside = firstDifference(value, other, at);
      if (inside) return inside;
    } else if (!sameJson(value, other)) return at;
  }
  return undefined;
}

function prune(current: unknown, previous: Fields, next: Fields, others: Fields[]): unknown {
  if (!isRecord(current)) return current;
  const kept: Fields = { ...current };
  for (const [key, value] of Object.entries(previous)) {
    const inOthers = others.map((other) => other[key]).filter((other) => other !== undefined);
    if (isRecord(value)) {
      const nextInside = isRecord(next[key]) ? next[key] : {};
      kept[key] = prune(kept[key], value, nextInside, inOthers.filter(isRecord));
      if (isRecord(kept[key]) && Object.keys(kept[key]).length === 0 && next[key] === undefined) delete kept[key];
    } else if (next[key] === undefined && inOthers.length === 0) delete kept[key];
  }
  return kept;
}
