/** Levels in rising order of importance. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says beside its message. `error` may hold a thrown value; it is written as name, message, code and cause. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes log lines. Messages are static sentences, so that an operator can search for them; what varies goes into fields.
 * Never throws and never makes the caller wait.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

/** Drops every line. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
