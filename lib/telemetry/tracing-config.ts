import { type SpanKind, TRACE_LEVELS, type TraceLevel } from '../runtime/tracing.ts';

export interface TracingConfig {
  /** Where spans are posted (OTLP over HTTP, JSON). */
  readonly url: string;
  /** Beside those of `OTEL_EXPORTER_OTLP_HEADERS`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Attributes of every span. */
  readonly topLevelFields: Readonly<Record<string, string>>;
  /** Share of traces that are kept, 0 to 1. */
  readonly sampleRate: number;
  readonly admits: (kind: SpanKind) => boolean;
  /** Settings that could not be understood; the rest works without them. */
  readonly faults: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_SAMPLE_RATE = 0.05;
/** Where collectors listen for gRPC, which is not spoken here. */
const GRPC_PORT = '4317';

/**
 * Reads the settings of k8s-eip-operator (`OPENTELEMETRY_…`) and the standard ones (`OTEL_…`). Undefined when no endpoint is set or
 * `OTEL_SDK_DISABLED` is `true`: then nothing of OpenTelemetry is to be loaded.
 */
export function tracingConfig(environment: Environment): TracingConfig | undefined {
  const endpoint = environment['OPENTELEMETRY_ENDPOINT'] || undefined;
  const standard = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const given = endpoint ?? (standard || undefined);
  if (given === undefined || environment['OTEL_SDK_DISABLED'] === 'true') return undefined;
  const faults: string[] = [];
  const isFullUrl = endpoint === undefined && Boolean(environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const url = urlOf(given, isFullUrl, faults);
  if (url === undefined) return undefined;
  return {
    url,
    headers: textMap('OPENTELEMETRY_HEADERS', environment, faults),
    topLevelFields: textMap('OPENTELEMETRY_TOPLEVEL_FIELDS', environment, faults),
    sampleRate: sampleRate(environment, faults),
    admits: levelFilter(environment['OPENTELEMETRY_LEVEL_TARGETS'] || 'DEBUG', faults),
    faults,
  };
}

/** An endpoint without a path means the collector's usual one. */
function urlOf(text: string, isFullUrl: boolean, faults: string[]): string | undefined {
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    faults.push(`${JSON.stringify(text)} is not an http(s) URL; no traces are sent`);
    return undefined;
  }
  if (url.port === GRPC_PORT) {
    faults.push(
      'port 4317 usually takes gRPC only; spans are sent by HTTP, which collectors take on port 4318 (receiver otlp, protocol http)',
    );
  }
  if (isFullUrl) return url.href;
  const isBare = endpointPath(url) === '';
  return isBare || !endpointPath(url).endsWith('/v1/traces') ? `${url.href.replace(/\/+$/, '')}/v1/traces` : url.href;
}

function endpointPath({ pathname }: URL): string {
  return pathname.replace(/\/+$/, '');
}

function textMap(name: string, environment: Environment, faults: string[]): Record<string, string> {
  const text = environment[name];
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, typeof one === 'string' ? one : JSON.stringify(one)]),
      );
    }
  } catch {
    // Reported below, without the text: headers hold secrets.
  }
  faults.push(`${name} is not a JSON object and is ignored`);
  return {};
}

function sampleRate(environment: Environment, faults: string[]): number {
  const text = environment['OPENTELEMETRY_SAMPLE_RATE'] || environment['OTEL_TRACES_SAMPLER_ARG'];
  if (!text) return DEFAULT_SAMPLE_RATE;
  const rate = Number(text);
  if (rate >= 0 && rate <= 1) return rate;
  faults.push(`sample rate ${JSON.stringify(text)} is not between 0 and 1; ${DEFAULT_SAMPLE_RATE} is used`);
  return DEFAULT_SAMPLE_RATE;
}

/**
 * The filters of the tracing crate, as far as they speak of levels: `info`, `off`, `eni_agent::ec2=debug`, several by comma; the
 * longest target that begins a span's counts. Targets of other programs do no harm.
 */
function levelFilter(text: string, faults: string[]): (kind: SpanKind) => boolean {
  const rules: { readonly target: string; readonly least: number }[] = [];
  for (const directive of text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)) {
    const [first = '', second] = directive.split('=');
    const level = rankOf(second ?? first);
    if (level !== undefined) rules.push({ target: second === undefined ? '' : first, least: level });
    else if (second === undefined && /^[\w:]+$/.test(first)) rules.push({ target: first, least: 0 });
    else faults.push(`level target ${JSON.stringify(directive)} is not understood and is ignored`);
  }
  const bySpecificity = rules.toSorted((a, b) => b.target.length - a.target.length);
  return ({ target, level }) => {
    const rule = bySpecificity.find((candidate) => target.startsWith(candidate.target));
    return rule !== undefined && TRACE_LEVELS.indexOf(level) >= rule.least;
  };
}

function rankOf(word: string): number | undefined {
  const level = word.toLowerCase();
  if (level === 'off') return TRACE_LEVELS.length;
  const rank = TRACE_LEVELS.indexOf(level as TraceLevel);
  return rank < 0 ? undefined : rank;
}
