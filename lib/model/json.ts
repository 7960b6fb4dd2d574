/** A JSON object whose fields are not trusted yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Far above anything that is meant: a CNI result nests 6 deep. */
const MAX_DEPTH = 64;

/**
 * Parses JSON of foreign origin without throwing: undefined when the text is not JSON (`null` is JSON) or nests more than 64 deep.
 * V8 parses any depth but overflows the stack when it writes such a value, so it must not get in.
 */
export function parseJson(text: string): unknown {
  try {
    return isShallow(text) ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

/** Why `parseJson` made nothing of a text, for a message. */
export function jsonFault(text: string, fault: string): string {
  return isShallow(text) ? fault : `it is nested more than ${MAX_DEPTH} deep`;
}

/**
 * Whether a JSON text opens at most {@link MAX_DEPTH} brackets at a time; those inside strings do not count. Each character is looked at
 * once: a pattern that tries again from every quote takes minutes for a text of 40 kB that somebody has made for that.
 */
function isShallow(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isInString && character === '\\') index += 1;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > MAX_DEPTH) return false;
  }
  return true;
}

const TOO_DEEP = '(nested too deeply)';

/** A foreign value that is parsed already, with everything below 64 levels replaced by a text: it can be walked and written safely. */
export function shallow(value: unknown, depth = MAX_DEPTH): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((item) => shallow(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shallow(item, depth - 1)]));
}

/** A foreign value for a message, cut to 80 characters. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? '').slice(0, 80);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of an array; an empty list for anything else. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The text, or undefined when it is empty or not a text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function integerOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}
