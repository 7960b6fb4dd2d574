import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SpanAttributes, Tracer } from '../runtime/tracing.ts';
import type { TracingConfig } from './tracing-config.ts';

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what waits; for the end of the process. Never rejects. */
  readonly close: () => Promise<void>;
}

export interface TracingOptions {
  readonly config: TracingConfig;
  readonly version: string;
  readonly command: string;
  readonly now: () => number;
}

/** One export with its retries. It bounds the end of the process, too: a collector that is away must not delay SIGTERM. */
const EXPORT_TIMEOUT_MS = 2_000;

/**
 * Spans by OpenTelemetry, sent in batches as OTLP over HTTP. This module is the only one that loads its packages: import it
 * dynamically, and only when `tracingConfig` finds an endpoint. A collector that is away costs spans, nothing else.
 */
export function openTracing({ config, version, command, now }: TracingOptions): Tracing {
  const { url, headers, topLevelFields, sampleRate, admits } = config;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'eni-agent',
      'service.version': version,
      'eni_agent.command': command,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRate) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_TIMEOUT_MS }),
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  const spans = provider.getTracer('eni-agent', version);
  const parents = new AsyncLocalStorage<Context>();
  const start = (name: string, attributes: SpanAttributes, startTime: number) =>
    spans.startSpan(
      name,
      { startTime, attributes: { ...topLevelFields, ...defined(attributes) } },
      parents.getStore() ?? ROOT_CONTEXT,
    );
  const tracer: Tracer = {
    record({ name, kind, startedAt, endedAt, attributes, fault }) {
      if (!admits(kind)) return;
      end(start(name, attributes, startedAt), endedAt, fault);
    },
    run(name, kind, attributes, work) {
      if (!admits(kind)) return work();
      const span = start(name, attributes, now());
      return parents.run(trace.setSpan(parents.getStore() ?? ROOT_CONTEXT, span), () =>
        ended(work, (fault) => end(span, now(), fault)),
      );
    },
  };
  return { tracer, close: () => provider.shutdown().catch(() => undefined) };
}

function end(span: Span, at: number, fault: string | undefined): void {
  if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
  span.end(at);
}

/** Runs work and says once when it is over; hands its result or its failure on unchanged. */
function ended<T>(work: () => T, over: (fault: string | undefined) => void): T {
  let result: T;
  try {
    result = work();
  } catch (error) {
    over(String(error));
    throw error;
  }
  if (result instanceof Promise) {
    // The caller owns the promise and its failure; here it is only watched.
    result.then(
      () => over(undefined),
      (error: unknown) => over(String(error)),
    );
  } else over(undefined);
  return result;
}

function defined(attributes: SpanAttributes): Record<string, string | number | boolean> {
  const entries = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return Object.fromEntries(entries);
}
