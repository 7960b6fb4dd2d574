import { describe, expect, it } from 'vitest';
import { chartValues } from '../../../daemonset/chart-values/values.ts';
import { OPTIONS, type Option, variableOf } from '../../../lib/config/options.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';
import { variableWarnings } from '../../../lib/config/variable-warnings.ts';
import { contentOf, filesIn } from '../architecture/source-tree.ts';
import { ABOUT, byName, CHART, kustomized, objectsOf, patched, renderChart, renderNotes } from './chart.ts';
import { mergeValues, renderTemplate } from './chart-template.ts';
import { type Manifest, manifestsIn } from './manifests.ts';

/** Sets the image, as the kustomizations' `images:` does. */
const IMAGE = { image: 'eni-agent' };

/** What users of aws-pod-eip-controller have in their values: everything that its manual lists. */
const PEC = {
  image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/eni-agent:0.1.0',
  vpcID: 'vpc-0123456789abcdef0',
  region: 'eu-west-1',
  watchNamespace: 'nginx-demo-ns',
  clusterName: 'eip-controller-demo',
  logLevel: 'DEBUG',
  createServiceAccount: false,
  resyncPeriod: 300,
  serviceAccountName: 'aws-pod-eip-controller',
};

function workload(values: object, kind: 'DaemonSet' | 'Deployment', namespace?: string): Manifest {
  return renderChart(values, namespace).find((object) => object.kind === kind) as Manifest;
}

interface NetworkPolicy {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly ingress: readonly { readonly ports: readonly { readonly port: number }[] }[];
  };
}

function podSpec(values: object, kind: 'DaemonSet' | 'Deployment' = 'DaemonSet') {
  const spec = workload(values, kind).spec?.template?.spec;
  const container = spec?.containers[0];
  const environment = Object.fromEntries(
    (container?.env ?? []).map(({ name, value }) => [name, value?.replace('$(POD_IP)', '10.0.0.1') ?? 'n1']),
  );
  return { spec, container, environment };
}

describe('the chart', () => {
  it('makes the objects of daemonset/ by default, but for the namespace', () => {
    const { 'Namespace/eni-agent-system': namespace, ...base } = byName(kustomized('daemonset/base'));
    const policies = byName(kustomized('daemonset'));

    expect(namespace).toBeDefined();
    expect(Object.keys(base)).toHaveLength(6);
    expect(Object.keys(policies)).toHaveLength(10);
    expect(byName(renderChart(IMAGE))).toEqual({ ...base, ...policies });
    expect(byName(renderChart({ ...IMAGE, admissionPolicies: false }))).toEqual(base);
  });

  it('lets its policies bind the service accounts that the release uses', () => {
    const policies = renderChart({ serviceAccountName: 'theirs', controller: { enabled: true } }, 'kube-system').filter(
      ({ kind }) => kind === 'ValidatingAdmissionPolicy',
    ) as readonly { readonly spec?: { readonly matchConditions?: readonly { readonly expression: string }[] } }[];
    // The deletion guard has no condition: it binds everybody.
    const bound = policies.flatMap(({ spec }) => spec?.matchConditions?.[0] ?? []);
    const users = bound.map(({ expression }) => expression.split("'")[1]);

    expect(new Set(users)).toEqual(
      new Set(['system:serviceaccount:kube-system:theirs', 'system:serviceaccount:kube-system:eni-agent-controller']),
    );
  });

  it('with the controller makes those of daemonset/controller too', () => {
    const { 'Namespace/eni-agent-system': _, ...base } = byName(kustomized('daemonset/base'));
    const policies = byName(kustomized('daemonset'));
    const controller = byName(kustomized('daemonset/controller'));
    const rendered = byName(renderChart({ ...IMAGE, controller: { enabled: true } }));

    expect(Object.keys(controller)).toHaveLength(15);
    expect(rendered).toEqual({ ...base, ...policies, ...controller });
  });

  it.each(['cni', 'annotations'])('with observe: %s makes the DaemonSet of that overlay', (observe) => {
    const base = byName(kustomized('daemonset/base'))['DaemonSet/eni-agent'];
    const overlay = manifestsIn(`daemonset/overlays/${observe}`).find(({ manifest }) => manifest.kind === 'DaemonSet');

    expect(workload({ ...IMAGE, observe }, 'DaemonSet')).toEqual(patched(base, overlay?.manifest));
  });

  it('makes the network policies of the components, for pods that are not on the host network', () => {
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } };
    const policies = (values: object, from: readonly object[] = [{ namespaceSelector }]) => {
      const all = renderChart({ ...values, networkPolicy: { enabled: true, from } });
      return byName(all.filter(({ kind }) => kind === 'NetworkPolicy'));
    };
    const ofController = byName(kustomized('daemonset/components/network-policy'));
    const ofAgents = byName(kustomized('daemonset/components/network-policy-annotations'));

    expect(policies({})).toEqual({});
    expect(policies({ controller: { enabled: true } })).toEqual(ofController);
    expect(policies({ observe: 'annotations' })).toEqual(ofAgents);
    expect(policies({ observe: 'annotations', controller: { enabled: true } })).toEqual({
      ...ofController,
      ...ofAgents,
    });
    // Without `from` the port is open to everybody; an empty list in its place would mean the same, and a missing port all ports.
    expect(policies({ controller: { enabled: true } }, [])['NetworkPolicy/eni-agent-controller']).toMatchObject({
      spec: { ingress: [{ ports: [{ protocol: 'TCP', port: 9808 }] }] },
    });
  });

  it.each(['DaemonSet', 'Deployment'] as const)(
    'opens the port that the %s serves, in the labels of its pods',
    (kind) => {
      const folder = kind === 'Deployment' ? 'network-policy' : 'network-policy-annotations';
      const [policy] = kustomized(`daemonset/components/${folder}`) as unknown as readonly [NetworkPolicy];
      const values = { observe: 'annotations', controller: { enabled: true } };

      expect(workload(values, kind).spec?.template?.metadata?.labels).toEqual(policy.spec.podSelector.matchLabels);
      expect(podSpec(values, kind).container?.ports?.map(({ containerPort }) => containerPort)).toEqual(
        policy.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)),
      );
      expect(podSpec(values, kind).spec?.hostNetwork ?? false).toBe(false);
    },
  );

  it('has the definitions of daemonset/crds; copy what differs', () => {
    const definitions = byName(objectsOf('daemonset/crds'));

    expect(Object.keys(definitions)).toHaveLength(6);
    expect(byName(objectsOf(`${CHART}/crds`))).toEqual(definitions);
  });

  it('has the version of the program, and its default image too', () => {
    const { version } = JSON.parse(contentOf('package.json')) as { version: string };

    expect(ABOUT).toMatchObject({ version, appVersion: version });
    expect(podSpec({}).container?.image).toBe(`eni-agent:${version}`);
  });
});

describe('the values of aws-pod-eip-controller', () => {
  it('mean what they meant', () => {
    const { spec, container, environment } = podSpec(PEC);
    const resolved = resolveOptions('node', {
      argv: container?.args?.slice(1) ?? [],
      environment,
      readFile: () => '{}',
    });

    expect(container?.image).toBe(PEC.image);
    expect(spec).toMatchObject({ serviceAccountName: 'aws-pod-eip-controller' });
    expect(variableWarnings(environment)).toEqual([]);
    expect(resolved).toMatchObject({
      ok: true,
      options: {
        region: 'eu-west-1',
        namespaces: ['nginx-demo-ns'],
        clusterName: 'eip-controller-demo',
        logLevel: 'debug',
      },
    });
  });

  it('bind the rights to the service account that exists, in the namespace of the release', () => {
    const objects = renderChart(PEC, 'kube-system') as readonly (Manifest & { readonly subjects?: object[] })[];

    expect(objects.filter(({ kind }) => kind === 'ServiceAccount')).toEqual([]);
    expect(objects.flatMap(({ subjects = [] }) => subjects)).toEqual(
      Array.from({ length: 2 }, () => ({
        kind: 'ServiceAccount',
        name: 'aws-pod-eip-controller',
        namespace: 'kube-system',
      })),
    );
    expect(workload(PEC, 'DaemonSet', 'kube-system').metadata.namespace).toBe('kube-system');
  });

  it.each([
    [{ serviceAccountName: '', createServiceAccount: false }, ['eni-agent']],
    [{ serviceAccountName: '', createServiceAccount: true }, ['eni-agent']],
    [{ serviceAccountName: 'theirs', createServiceAccount: false }, []],
    [{ serviceAccountName: 'ours', createServiceAccount: true }, ['ours']],
  ])('%j make the service accounts %j', (values, names) => {
    const accounts = renderChart(values).filter(({ kind }) => kind === 'ServiceAccount');

    expect(accounts.map(({ metadata }) => metadata.name)).toEqual(names);
  });

  it('that are no longer needed are reported, and change nothing else', () => {
    const { vpcID, resyncPeriod, ...needed } = PEC;

    expect(renderChart(PEC)).toEqual(renderChart(needed));
    expect(renderNotes({ vpcID })).toContain('no longer needed');
    expect(renderNotes({ resyncPeriod })).toContain('no longer needed');
    expect(renderNotes(needed)).not.toContain('no longer needed');
  });
});

describe('our own values', () => {
  it('reach the agent', () => {
    const { spec, container, environment } = podSpec({
      takeover: 'any',
      release: 'never',
      releaseDelay: '2m',
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      resources: { limits: { memory: '300Mi' } },
      extraEnv: [{ name: 'ENI_AGENT_DRY_RUN', value: 'true' }],
    });

    expect(resolveOptions('node', { argv: [], environment, readFile: () => '{}' })).toMatchObject({
      ok: true,
      options: { takeover: 'any', release: 'never', releaseDelayMs: 120_000, dryRun: true },
    });
    expect(spec).toMatchObject({ tolerations: [{ key: 'dedicated', operator: 'Exists' }] });
    expect(container).toMatchObject({
      resources: { requests: { cpu: '300m', memory: '96Mi' }, limits: { memory: '300Mi' } },
    });
  });

  it('reach the controller', () => {
    const defaultTags = { team: 'media "live"', cost: '17' };
    const { container, environment } = podSpec(
      {
        clusterName: 'c1',
        region: 'eu-west-1',
        watchNamespace: 'media',
        controller: { enabled: true, defaultTags, extraEnv: [{ name: 'ENI_AGENT_SWEEP', value: 'dry-run' }] },
      },
      'Deployment',
    );
    const argv = container?.args?.slice(1) ?? [];

    expect(environment).toMatchObject({ AWS_REGION: 'eu-west-1' });
    expect(resolveOptions('controller', { argv, environment, readFile: () => '{}' })).toMatchObject({
      ok: true,
      options: { clusterName: 'c1', namespaces: ['media'], defaultTags, sweep: 'dry-run' },
    });
  });

  it('are added to annotations, or take one away', () => {
    const serviceAccountAnnotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/eni-agent' };
    const podAnnotations = { 'prometheus.io/port': null, team: 'network' };
    const objects = renderChart({ serviceAccountAnnotations, podAnnotations });

    expect(objects.find(({ kind }) => kind === 'ServiceAccount')?.metadata).toMatchObject({
      annotations: serviceAccountAnnotations,
    });
    expect(workload({ podAnnotations }, 'DaemonSet').spec?.template?.metadata?.annotations).toEqual({
      'cluster-autoscaler.kubernetes.io/enable-ds-eviction': 'false',
      'prometheus.io/scrape': 'true',
      team: 'network',
    });
  });

  it.each(['true', '007', '1e3', 'null', 'a: b # c', "it's", '"'])(
    'stay text when they look like something else: %s',
    (text) => {
      expect(podSpec({ clusterName: text }).environment['ENI_AGENT_CLUSTER_NAME']).toBe(text);
    },
  );

  it('all have a comment and are all used', () => {
    const templates = filesIn(`${CHART}/templates`, '.yaml', '.txt', '.tpl').map(contentOf).join('\n');
    const used = new Set([...templates.matchAll(/\.Values\.([\w.]+)/g)].map(([, path]) => path));
    const values = chartValues();
    const leaves = values.filter(({ path }) => !values.some((other) => other.path.startsWith(`${path}.`)));

    expect(values.filter(({ comment }) => comment === '')).toEqual([]);
    expect(used).toEqual(new Set([...leaves.map(({ path }) => path), 'image']));
  });

  it('reach every option of the agent and of the controller, each by the name that it has there', () => {
    const given = Object.fromEntries(schemaOptions('options').map((flag) => [flag, SAMPLES[flag] ?? '1m']));
    const controllerGiven = Object.fromEntries(
      schemaOptions('controller.options').map((flag) => [flag, SAMPLES[flag] ?? '15s']),
    );
    const values = { options: given, controller: { enabled: true, options: controllerGiven } };
    const node = podSpec(values).environment;
    const controller = podSpec(values, 'Deployment').environment;

    expect(variableWarnings(node)).toEqual([]);
    expect(variableWarnings(controller)).toEqual([]);
    const missing = Object.values<Option>(OPTIONS).flatMap((option) => [
      ...(option.commands.includes('node') && !isSet(option, node, ON_DEMAND) ? [`node: ${option.flag}`] : []),
      ...(option.commands.includes('controller') && !isSet(option, controller, ['http-address'])
        ? [`controller: ${option.flag}`]
        : []),
    ]);
    expect(missing).toEqual([]);
  });
});

/** Set by values of their own only when they are not empty. */
const ON_DEMAND = ['namespace', 'region'];
const SAMPLES: Readonly<Record<string, unknown>> = {
  'dry-run': true,
  'serve-snapshot': true,
  'allow-primary': true,
  'cni-cache-dir': ['/a', '/b'],
};

function schemaOptions(path: string): readonly string[] {
  const schema = JSON.parse(contentOf(`${CHART}/values.schema.json`)) as SchemaNode;
  const at = path.split('.').reduce<SchemaNode | undefined>((node, key) => node?.properties?.[key], schema);
  return Object.keys(at?.properties ?? {});
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

function isSet(option: Option, environment: Readonly<Record<string, string>>, onDemand: readonly string[]): boolean {
  const names = [variableOf(option), ...(option.aliases ?? [])];
  return onDemand.includes(option.flag) || names.some((name) => name in environment);
}

describe('the evaluator of templates', () => {
  const context = {
    Values: { on: true, off: '', name: 'a"b', list: ['x', 'y'], map: { k: 'v' }, none: [] },
    Files: { Get: (path: string) => ` content of ${path}\n` },
  };

  it.each([
    ['{{ .Values.name | quote }}', '"a\\"b"'],
    ['a\n  {{- if .Values.on }}\nb\n  {{- else }}\nc\n  {{- end }}\nd', 'a\nb\nd'],
    ['{{ if .Values.off }}b{{ else if .Values.on }}c{{ else }}d{{ end }}', 'c'],
    ['{{ range .Values.list }}{{ . }}{{ $.Values.map.k }} {{ end }}', 'xv yv '],
    ['{{ range .Values.none }}x{{ else }}nothing{{ end }}', 'nothing'],
    ['{{ with .Values.map }}{{ .k }}{{ end }}', 'v'],
    ['{{ .Values.off | default "d" | quote }}', '"d"'],
    ['{{ or .Values.off (not .Values.on) }}', 'false'],
    ['{{ define "d" }}[{{ .k }}]{{ end }}{{ include "d" .Values.map }}', '[v]'],
    ['{{ range $key, $value := .Values.map }}{{ $key }}={{ $value }}{{ end }}', 'k=v'],
    ['a {{- /* nothing */ -}} b', 'ab'],
    ['{{ .Files.Get "x" | trim }}', 'content of x'],
    ['m:{{ toYaml .Values.map | nindent 2 }}', 'm:\n  k: v'],
  ])('renders %j as %j', (source, expected) => {
    expect(renderTemplate(source, context)).toBe(expected);
  });

  it.each([
    ['{{ .Values.missing }}', 'cannot be printed'],
    ['{{ .Values.missing.more }}', 'no more in nothing'],
    ['{{ with .Values.name }}{{ .Values.on }}{{ end }}', 'no Values in nothing'],
    ['{{ .Values.map }}', 'cannot be printed'],
    ['{{ include "x" . }}', 'no such definition'],
    ['{{ env "HOME" }}', 'env is not a function'],
    ['{{ $x := 1 }}', 'outside the part of the language'],
    ['{{ define "x" }}', 'has no end'],
    ['{{ if .Values.on }}', 'has no end'],
    ['{{ end }}', 'without a beginning'],
  ])('refuses %j', (source, message) => {
    expect(() => renderTemplate(source, context)).toThrow(message);
  });

  it('merges values as helm does', () => {
    expect(mergeValues({ a: { b: 1, c: 2 }, d: [1] }, { a: { c: null, e: 3 }, d: [] })).toEqual({
      a: { b: 1, e: 3 },
      d: [],
    });
  });
});
