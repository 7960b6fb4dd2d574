import type { Logger } from '../../lib/runtime/logger.ts';
import { noTracer, type Tracer } from '../../lib/runtime/tracing.ts';
import { tracingConfig } from '../../lib/telemetry/tracing-config.ts';
import { VERSION } from '../version.ts';

/** Traces if the environment names an endpoint. Only then are OpenTelemetry's packages loaded. */
export async function openControllerTracing(
  environment: NodeJS.ProcessEnv,
  log: Logger,
  now: () => number,
): Promise<{ readonly tracer: Tracer; close(): Promise<void> }> {
  const config = tracingConfig(environment);
  if (config === undefined) return { tracer: noTracer, close: () => Promise.resolve() };
  for (const fault of config.faults) log.warn('an OpenTelemetry setting is invalid', { fault });
  const { openTracing } = await import('../../lib/telemetry/tracing.ts');
  log.info('sending traces', { url: config.url, sampleRate: config.sampleRate });
  return openTracing({ config, version: VERSION, command: 'controller', now });
}
