import type { Command } from '../lib/config/command.ts';
import { variableWarnings } from '../lib/config/variable-warnings.ts';
import { type Clock, systemClock } from '../lib/runtime/clock.ts';
import type { LogFields, Logger, LogLevel } from '../lib/runtime/logger.ts';
import { ReconcileHealth } from '../lib/runtime/reconcile-health.ts';
import type { Tracer } from '../lib/runtime/tracing.ts';
import { createLogger } from '../lib/telemetry/log.ts';
import { type PrometheusMetrics, prometheusMetrics } from '../lib/telemetry/prometheus.ts';
import { COLOURED, paintFor } from './text/paint.ts';
import { VERSION } from './version.ts';

/** What every long-running command gets from its process: the real clock, randomness, environment, log and metrics. */
export interface ProcessParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: PrometheusMetrics;
  readonly environment: NodeJS.ProcessEnv;
  /** How the reconciles of this process's loops end. */
  readonly health: ReconcileHealth;
}

/** What a loop sees of its process. */
export interface LoopProcess {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Ends calls in flight: later than the signal that merely keeps new ones from starting. */
  readonly callSignal: AbortSignal;
  /** Follows how reconciles end. @default kept to itself */
  readonly health?: ReconcileHealth;
}

/** What a loop of the controller sees of its process, for one term of leadership. */
export interface TermProcess extends LoopProcess {
  /** Asked right before every call: false while this process does not lead, and in a dry run. */
  readonly mayAct: () => boolean;
  /** @default none */
  readonly tracer?: Tracer;
}

export function openProcess(
  command: Command,
  options: { readonly logLevel: LogLevel; readonly logFormat: 'json' | 'pretty' },
  fields: LogFields,
  /** Standard error for a command whose output is its result. */
  stream: NodeJS.WriteStream = process.stdout,
): ProcessParts {
  const clock = systemClock();
  const now = () => clock.now();
  const log = createLogger({
    level: options.logLevel,
    format: options.logFormat,
    colour: paintFor(stream, process.env) === COLOURED,
    ...(stream !== process.stdout && { write: (line: string) => void stream.write(line) }),
    fields,
    now,
  });
  const metrics = prometheusMetrics({
    now,
    build: { version: VERSION, nodeVersion: process.version, command },
    process,
  });
  for (const message of variableWarnings(process.env)) log.warn(message);
  const health = new ReconcileHealth({ clock, onReconcile: (loop, failed) => metrics.reconcilesFailed(loop, failed) });
  return { clock, log, metrics, health, random: () => Math.random(), environment: process.env };
}
