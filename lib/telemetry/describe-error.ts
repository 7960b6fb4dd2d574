import { inspect } from 'node:util';

/** Fields of our own and of the SDKs' errors that help an operator; everything else (whole responses among it) is left out. */
const TELLING = ['code', 'kind', 'action', 'requestId', 'reason', 'status', 'fault'] as const;

/** What the language itself throws. Adapters throw errors of a name of their own for what the world does to them. */
const BUILT_IN = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'EvalError',
  'URIError',
]);

/**
 * A thrown value as plain data for a log line: name, message, the telling fields, the chain of causes (at most five), and the
 * stack of a mistake of ours. An everyday fault of network, API or command, which has a `code` or a name of its own, has no
 * stack, nor have its causes.
 */
export function describeError(error: unknown): unknown {
  return describe(error, 0, false);
}

function describe(error: unknown, depth: number, everyday: boolean): unknown {
  if (!(error instanceof Error)) return { message: typeof error === 'string' ? error : inspect(error, { depth: 2 }) };
  const fields: Record<string, unknown> = { name: error.name, message: error.message };
  const source = error as Error & Record<string, unknown>;
  for (const key of TELLING) if (source[key] !== undefined) fields[key] = source[key];
  const mistake = !everyday && source['code'] === undefined && BUILT_IN.has(error.name);
  if (error.cause !== undefined && depth < 4) fields['cause'] = describe(error.cause, depth + 1, !mistake);
  if (mistake && error.stack !== undefined) fields['stack'] = error.stack;
  return fields;
}
