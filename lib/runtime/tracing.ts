/** What a span is about, in the terms of level filters: which part of the program, and how fine. */
export interface SpanKind {
  /** `eni_agent::reconcile` or `eni_agent::ec2`, in the form that filters of the replaced operator name modules. */
  readonly target: string;
  readonly level: TraceLevel;
}

export const TRACE_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export type TraceLevel = (typeof TRACE_LEVELS)[number];

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface FinishedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: SpanAttributes;
  /** What went wrong; undefined for a success. */
  readonly fault?: string | undefined;
}

/** Where spans go. Never throws by itself and never makes the caller wait. */
export interface Tracer {
  /** Reports of a piece of work that is over. It becomes a child of the {@link Tracer.run} around it. */
  record(span: FinishedSpan): void;
  /** Runs work as a span, which ends when it returns, or when the promise that it returns settles. */
  run<T>(name: string, kind: SpanKind, attributes: SpanAttributes, work: () => T): T;
}

export const RECONCILE: SpanKind = { target: 'eni_agent::reconcile', level: 'info' };
export const EC2_CALL: SpanKind = { target: 'eni_agent::ec2', level: 'debug' };

/** Keeps nothing. */
export const noTracer: Tracer = {
  record: () => undefined,
  run: (_name, _kind, _attributes, work) => work(),
};
