import { isObject, type JsonObject } from '../../model/json.ts';

/**
 * The JSON merge patch (RFC 7396) that turns `current` into `wanted` for the keys of `wanted`; undefined when there is nothing to do.
 * A key of `wanted` whose value is undefined is removed; keys that `wanted` does not mention stay. Inside a nested object all keys count.
 */
export function mergePatch(current: JsonObject, wanted: JsonObject): JsonObject | undefined {
  const changes = Object.entries(wanted).flatMap(([key, value]) => {
    const patch = patchOf(current[key], value);
    return patch === undefined ? [] : [[key, patch] as const];
  });
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

function patchOf(current: unknown, wanted: unknown): unknown {
  if (wanted === undefined) return current === undefined ? undefined : null;
  if (!isObject(wanted)) return JSON.stringify(current) === JSON.stringify(wanted) ? undefined : wanted;
  if (!isObject(current)) return wanted;
  const gone = Object.keys(current).filter((key) => !(key in wanted));
  return mergePatch(current, { ...Object.fromEntries(gone.map((key) => [key, undefined])), ...wanted });
}
