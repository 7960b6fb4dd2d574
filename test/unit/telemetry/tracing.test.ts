import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EC2_CALL, RECONCILE } from '../../../lib/runtime/tracing.ts';
import { openTracing } from '../../../lib/telemetry/tracing.ts';
import { tracingConfig } from '../../../lib/telemetry/tracing-config.ts';

interface WireSpan {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceId: string;
  readonly startTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
  readonly status: { code?: number; message?: string };
}

/** A collector as spans reach it: OTLP over HTTP, in JSON. */
async function startCollector() {
  const requests: { path: string | undefined; headers: Record<string, unknown> }[] = [];
  const spans: WireSpan[] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url, headers: request.headers });
    void json(request).then((body) => {
      const { resourceSpans } = body as { resourceSpans: { scopeSpans: { spans: WireSpan[] }[] }[] };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { requests, spans, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('tracing', () => {
  it('sends rounds with their calls as children, with the fields and headers of the old settings', async () => {
    const collector = await startCollector();
    const config = tracingConfig({
      OPENTELEMETRY_ENDPOINT: collector.url,
      OPENTELEMETRY_HEADERS: '{"x-team": "net"}',
      OPENTELEMETRY_TOPLEVEL_FIELDS: '{"cluster": "c"}',
      OPENTELEMETRY_SAMPLE_RATE: '1',
    });
    if (config === undefined) throw new Error('no configuration');
    const { tracer, close } = openTracing({
      config,
      version: '1',
      command: 'controller',
      now: () => 1_700_000_000_000,
    });

    await tracer.run('eni create', RECONCILE, { object: 'ns/web', gone: undefined }, async () => {
      await Promise.resolve();
      tracer.record({
        name: 'CreateNetworkInterface',
        kind: EC2_CALL,
        startedAt: 1_700_000_000_000,
        endedAt: 1_700_000_000_050,
        attributes: {},
        fault: 'Throttled',
      });
    });
    const failing = tracer.run('fails', RECONCILE, {}, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    await close();

    const [call, round, failed] = collector.spans;
    expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-team': 'net' } });
    expect(call).toMatchObject({
      name: 'CreateNetworkInterface',
      parentSpanId: round?.spanId,
      traceId: round?.traceId,
      status: { code: 2, message: 'Throttled' },
    });
    expect(round?.attributes.map(({ key, value }) => [key, value.stringValue])).toEqual([
      ['cluster', 'c'],
      ['object', 'ns/web'],
    ]);
    expect(failed).toMatchObject({ name: 'fails', status: { code: 2 } });
  });

  it('costs nothing but spans when the collector is away', async () => {
    const config = tracingConfig({ OPENTELEMETRY_ENDPOINT: 'http://127.0.0.1:9', OPENTELEMETRY_SAMPLE_RATE: '1' });
    if (config === undefined) throw new Error('no configuration');
    const { tracer, close } = openTracing({ config, version: '1', command: 'controller', now: Date.now });

    expect(tracer.run('round', RECONCILE, {}, () => 7)).toBe(7);
    await close();
  });

  it.each([
    ['nothing', './agent/main.ts', false],
    ['it', './lib/telemetry/tracing.ts', true],
  ])('loads %s of OpenTelemetry with %s', (_, entry, loads) => {
    const probe = `
      import { registerHooks } from 'node:module';
      let count = 0;
      registerHooks({ resolve: (name, context, next) => { count += Number(name.includes('opentelemetry')); return next(name, context); } });
      await import(${JSON.stringify(entry)});
      console.log(count > 0);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', probe, '--', '--version'], {
      encoding: 'utf8',
    });

    expect(output.trim().split('\n').at(-1)).toBe(String(loads));
  });
});

describe('the settings', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['nothing set', {}, undefined],
    ['switched off', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' }, undefined],
    ['the old endpoint', { OPENTELEMETRY_ENDPOINT: 'https://c:4318' }, 'https://c:4318/v1/traces'],
    ['an endpoint without scheme', { OPENTELEMETRY_ENDPOINT: 'collector:4318' }, 'http://collector:4318/v1/traces'],
    ['an endpoint with its path', { OPENTELEMETRY_ENDPOINT: 'http://c/otlp/v1/traces' }, 'http://c/otlp/v1/traces'],
    ['the standard base', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
    ['the standard traces endpoint', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/x' }, 'http://c:4318/x'],
    ['no URL', { OPENTELEMETRY_ENDPOINT: 'ftp://c' }, undefined],
  ])('%s', (_, environment, url) => {
    expect(tracingConfig(environment)?.url).toBe(url);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a port for gRPC', { OPENTELEMETRY_ENDPOINT: 'http://c:4317' }, /4318/],
    [
      'headers that are not JSON',
      { OPENTELEMETRY_HEADERS: 'secret=1' },
      /^OPENTELEMETRY_HEADERS is not a JSON object and is ignored$/,
    ],
    ['a rate above 1', { OPENTELEMETRY_SAMPLE_RATE: '5' }, /between 0 and 1/],
    ['a filter that makes no sense', { OPENTELEMETRY_LEVEL_TARGETS: 'a=b=c, [x]' }, /not understood/],
  ])('%s is said and does not stop the rest', (_, environment, fault) => {
    const config = tracingConfig({ OPENTELEMETRY_ENDPOINT: 'http://c:4318', ...environment });

    expect(config?.faults.join()).toMatch(fault);
    expect(config?.sampleRate).toBe(0.05);
  });

  it.each([
    ['', true, true],
    ['INFO', true, false],
    ['off', false, false],
    ['info,eni_agent::ec2=debug', true, true],
    ['eni_agent=warn', false, false],
    ['eip_operator=trace', false, false],
    ['debug,hyper=off', true, true],
  ])('level targets %j let rounds pass: %s, EC2 calls: %s', (text, rounds, calls) => {
    const config = tracingConfig({ OPENTELEMETRY_ENDPOINT: 'http://c:4318', OPENTELEMETRY_LEVEL_TARGETS: text });

    expect([config?.admits(RECONCILE), config?.admits(EC2_CALL)]).toEqual([rounds, calls]);
  });
});
