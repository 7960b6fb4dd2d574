import { destination, pino } from 'pino';
import type { LogFields, Logger, LogLevel } from '../runtime/logger.ts';
import { describeError } from './describe-error.ts';
import { prettyLine } from './pretty.ts';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Where lines go; default: standard output, written at once and without a thread. */
  readonly write?: (line: string) => void;
  /** Colours in `pretty` lines. */
  readonly colour?: boolean;
  /** Fields of every line, e.g. the node's name. */
  readonly fields?: LogFields;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
}

/** Keys whose values never reach a log, at the top of the fields or one level down. */
const SECRET_KEYS = [
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'token',
  'authorization',
  'Authorization',
  'password',
] as const;

/**
 * A logger whose lines are JSON objects `{level, time, msg, …fields}`, or one readable line each. Values under
 * {@link SECRET_KEYS} are replaced. A field named `error` is reduced to what an operator can use.
 */
export function createLogger(options: LogOptions): Logger {
  const logger = pino(
    {
      level: options.level,
      base: { ...options.fields },
      timestamp: () => `,"time":"${new Date(options.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    },
    stream(options),
  );
  return wrap(logger);
}

interface PinoLike {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): PinoLike;
}

/** Message first, as in our port; pino wants the fields first. */
function wrap(inner: PinoLike): Logger {
  return {
    debug: (message, fields = {}) => inner.debug(fields, message),
    info: (message, fields = {}) => inner.info(fields, message),
    warn: (message, fields = {}) => inner.warn(fields, message),
    error: (message, fields = {}) => inner.error(fields, message),
    child: (fields) => wrap(inner.child(fields)),
  };
}

function stream({ format, write, colour = false }: LogOptions): { write(line: string): void } {
  const out = write === undefined ? destination({ fd: 1, sync: true }) : { write };
  if (format === 'json') return out;
  return { write: (line) => void out.write(prettyLine(line, colour)) };
}
