import { inspect } from 'node:util';

/** Fields of our own and of the SDKs' errors that help an operator; everything else (whole responses among it) is left out. */
const TELLING = ['code', 'kind', 'action', 'requestId', 'reason', 'status'] as const;

/**
 * A thrown value as plain data for a log line: name, message, the telling fields, the chain of causes (at most five), and the
 * stack of errors that carry no `code`, because those are our own mistakes.
 */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: typeof error === 'string' ? error : inspect(error, { depth: 2 }) };
  const fields: Record<string, unknown> = { name: error.name, message: error.message };
  const source = error as Error & Record<string, unknown>;
  for (const key of TELLING) if (source[key] !== undefined) fields[key] = source[key];
  if (error.cause !== undefined && depth < 4) fields['cause'] = describeError(error.cause, depth + 1);
  if (source['code'] === undefined && error.stack !== undefined) fields['stack'] = error.stack;
  return fields;
}
