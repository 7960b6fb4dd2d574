import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byName, type KubeObject, kustomized, objectsIn, renderChart, renderNotes, VALUES } from '../chart.ts';
import { mergeValues } from '../chart-template.ts';
import { buildEngine, type HelmAnswer, helmAnswers, whyNoGo } from './engine.ts';

const missing = whyNoGo();
if (missing !== undefined) process.stdout.write(`the chart by Go's own templates: skipped: ${missing}\n`);

const EVERYTHING = {
  image: { repository: 'registry.example/eni-agent', tag: 'v9', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'pull' }],
  clusterName: 'c1',
  region: 'eu-west-1',
  watchNamespace: 'media',
  logLevel: 'DEBUG',
  serviceAccountName: 'theirs',
  createServiceAccount: true,
  serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/x' },
  options: { 'ec2-resync': '5m', 'allow-primary': true, 'cni-cache-dir': ['/a', '/b'] },
  extraEnv: [{ name: 'AWS_USE_FIPS_ENDPOINT', value: 'true' }],
  podAnnotations: { 'prometheus.io/port': null, team: "it's" },
  podLabels: { team: 'network' },
  podMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, runbookBase: 'https://example.com/' },
  dashboard: { enabled: true },
  networkPolicy: { enabled: true },
  controller: {
    enabled: true,
    defaultTags: { team: 'media "live"' },
    options: { sweep: 'dry-run' },
    tolerations: [{ operator: 'Exists' }],
  },
};

/** Values that Helm installs. */
const GOOD: Readonly<Record<string, object>> = {
  nothing: {},
  everything: EVERYTHING,
  'the values of aws-pod-eip-controller': {
    image: 'registry.example/eni-agent:0.1.0',
    vpcID: 'vpc-0123456789abcdef0',
    region: 'eu-west-1',
    watchNamespace: 'demo',
    clusterName: 'demo',
    logLevel: 'DEBUG',
    createServiceAccount: false,
    resyncPeriod: 300,
    serviceAccountName: 'theirs',
  },
  'a digest': { image: { digest: `sha256:${'0'.repeat(64)}` } },
  'level cni': { observe: 'cni' },
  'level annotations': { observe: 'annotations', tolerations: [], affinity: null },
  'no policies': { admissionPolicies: false, controller: { enabled: true, podDisruptionBudget: false } },
  'network policies': {
    observe: 'annotations',
    networkPolicy: { enabled: true, from: [{ podSelector: { matchLabels: { app: 'prometheus' } } }] },
    controller: { enabled: true },
  },
  monitoring: { podMonitor: { enabled: true }, prometheusRule: { enabled: true }, dashboard: { enabled: true } },
};

/** Values that Helm refuses, and the words by which it says why. */
const BAD: readonly (readonly [object, string])[] = [
  [{ observ: 'cni' }, 'observ is not allowed'],
  [{ observe: 'deep' }, 'observe must be one of'],
  [{ options: { 'ec2-resinc': '5m' } }, 'ec2-resinc is not allowed'],
  [{ options: { 'release-delay': '5m' } }, 'release-delay is not allowed'],
  [{ options: { 'ec2-resync': 300 } }, 'Invalid type'],
  [{ releaseDelay: '5 minutes' }, 'releaseDelay: Does not match pattern'],
  [{ image: { digest: 'latest' } }, 'image'],
  [{ httpAddress: ':8080' }, 'httpAddress: Does not match pattern'],
  [{ networkPolicy: { from: 'monitoring' } }, 'networkPolicy.from: Invalid type'],
  [{ podLabels: { a: 1 } }, 'podLabels.a: Invalid type'],
  [{ controller: { replicas: 0 } }, 'controller.replicas: Must be greater'],
  [{ controller: { options: { 'allow-primary': true } } }, 'allow-primary is not allowed'],
  [{ prometheusRule: { runbookBase: 'https://example.com' } }, 'runbookBase: Does not match pattern'],
];

function objectsOf({ rendered, faults }: HelmAnswer): readonly KubeObject[] {
  expect(faults).toEqual([]);
  return Object.entries(rendered ?? {})
    .filter(([name]) => name.endsWith('.yaml'))
    .flatMap(([name, text]) => objectsIn(text, name));
}

describe.skipIf(missing !== undefined)('the chart, rendered by Go', { timeout: 60_000 }, () => {
  let program = '';
  beforeAll(() => {
    program = buildEngine();
  }, 300_000);
  afterAll(() => rmSync(dirname(program), { recursive: true }));

  const answer = (values: object): HelmAnswer =>
    helmAnswers(program, [mergeValues(VALUES, values) as object], 'ns-1')[0] as HelmAnswer;

  it.each(Object.entries(GOOD))('is what our own renderer says it is: %s', (_name, values) => {
    const given = answer(values);

    expect(byName(objectsOf(given))).toEqual(byName(renderChart(values, 'ns-1')));
    expect(given.rendered?.['NOTES.txt']).toBe(renderNotes(values, 'ns-1'));
  });

  it('makes the objects of kustomize, with the controller', () => {
    const values = mergeValues(VALUES, { image: 'eni-agent', controller: { enabled: true } }) as object;
    const [given] = helmAnswers(program, [values], 'eni-agent-system');
    const { 'Namespace/eni-agent-system': _, ...base } = byName(kustomized('daemonset/base'));
    const wanted = { ...base, ...byName(kustomized('daemonset')), ...byName(kustomized('daemonset/controller')) };

    expect(byName(objectsOf(given as HelmAnswer))).toEqual(wanted);
  });

  it('makes the objects of the monitoring component', () => {
    const values = mergeValues(VALUES, GOOD['monitoring']) as object;
    const rendered = byName(objectsOf(helmAnswers(program, [values], 'eni-agent-system')[0] as HelmAnswer));
    const component = byName(kustomized('daemonset/components/monitoring'));

    expect(Object.keys(component)).toEqual([
      'PodMonitor/eni-agent',
      'PrometheusRule/eni-agent',
      'ConfigMap/eni-agent-dashboard',
    ]);
    expect(rendered).toMatchObject(component);
  });

  it.each(BAD)('is refused by Helm with %j', (values, why) => {
    expect(answer(values).faults.join('\n')).toContain(why);
  });
});
