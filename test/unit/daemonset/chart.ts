import { posix } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { contentOf, filesIn } from '../architecture/source-tree.ts';
import { mergeValues, parseValues, renderTemplate } from './chart-template.ts';

export const CHART = 'daemonset/chart';
export const VALUES = parseValues(contentOf(`${CHART}/values.yaml`));
export const ABOUT = parseValues(contentOf(`${CHART}/Chart.yaml`));

/** A Kubernetes object of which nothing is known but how it is named. */
export interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The objects that `helm template --namespace NAMESPACE --values VALUES` would print, without the definitions in crds/. */
export function renderChart(values: object, namespace = 'eni-agent-system'): readonly KubeObject[] {
  return filesIn(`${CHART}/templates`, '.yaml').flatMap((file) => objectsIn(renderFile(file, values, namespace), file));
}

/** What helm prints after an installation. */
export function renderNotes(values: object, namespace = 'eni-agent-system'): string {
  return renderFile(`${CHART}/templates/NOTES.txt`, values, namespace);
}

function renderFile(file: string, values: object, namespace: string): string {
  const context = {
    Values: mergeValues(VALUES, values),
    Release: { Name: 'eni-agent', Namespace: namespace },
    Chart: { AppVersion: ABOUT['appVersion'] },
    Files: { Get: (path: string) => contentOf(`${CHART}/${path}`) },
  };
  return renderTemplate(contentOf(file), context, contentOf(`${CHART}/templates/_helpers.tpl`));
}

/** The objects of the resources that a kustomization in `folder` names, as kustomize would change them. */
export function kustomized(folder: string): readonly KubeObject[] {
  const {
    resources = [],
    components = [],
    configMapGenerator = [],
  } = parseValues(contentOf(`${folder}/kustomization.yaml`)) as {
    resources?: string[];
    components?: string[];
    configMapGenerator?: GeneratedMap[];
  };
  const own = resources
    .filter((resource) => resource.endsWith('.yaml'))
    .flatMap((resource) => objectsIn(contentOf(`${folder}/${resource}`), resource))
    .map((object) => (isClusterWide(object) ? object : inNamespace(object)));
  const maps = configMapGenerator.map((generated) => configMap(folder, generated));
  return [...own, ...maps, ...components.flatMap((component) => kustomized(posix.join(folder, component)))];
}

interface GeneratedMap {
  readonly name: string;
  readonly namespace: string;
  /** As `key=file`. */
  readonly files: readonly string[];
  readonly options: { readonly labels: Readonly<Record<string, string>> };
}

function configMap(folder: string, { name, namespace, files, options: { labels } }: GeneratedMap): KubeObject {
  const data = files
    .map((entry) => entry.split('='))
    .map(([key = '', file = '']) => [key, contentOf(`${folder}/${file}`)]);
  const metadata = { name, namespace, labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: Object.fromEntries(data) as object } as KubeObject;
}

/** All objects of the cluster in the manifests of a folder, as they are written; a kustomization is none. */
export function objectsOf(folder: string): readonly KubeObject[] {
  return filesIn(folder, '.yaml')
    .flatMap((file) => objectsIn(contentOf(file), file))
    .filter((object) => 'metadata' in object);
}

/** All objects of a text of YAML. @throws {Error} for what is not YAML */
export function objectsIn(text: string, file: string): readonly KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new Error(`${file}: ${fault.message}`);
    return (document.toJS() as KubeObject | null) ?? [];
  });
}

function isClusterWide({ kind }: KubeObject): boolean {
  return /^(?:Namespace|ClusterRole(?:Binding)?|ValidatingAdmissionPolicy(?:Binding)?)$/.test(kind);
}

function inNamespace(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace: 'eni-agent-system' } };
}

/** By kind and name: in which order objects are listed means nothing. */
export function byName(objects: readonly KubeObject[]): Readonly<Record<string, KubeObject>> {
  return Object.fromEntries(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
}

type Json = Record<string, unknown>;

/** Merge keys of the lists that our overlays patch. */
const MERGE_KEY: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
};

/** A strategic merge patch, as far as our overlays use it: null and `$patch: delete` remove, lists of objects merge by key. */
export function patched(base: unknown, patch: unknown, field = ''): unknown {
  const key = MERGE_KEY[field];
  if (key !== undefined) return patchedList(base as readonly Json[], patch as readonly Json[], key);
  if (typeof base !== 'object' || base === null || typeof patch !== 'object' || patch === null) return patch;
  const result: Json = { ...(base as Json) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = Array.isArray(value) && !(name in MERGE_KEY) ? value : patched(result[name], value, name);
  }
  return result;
}

function patchedList(base: readonly Json[], patch: readonly Json[], key: string): readonly Json[] {
  return base.flatMap((item) => {
    const change = patch.find((one) => one[key] === item[key]);
    if (change === undefined) return [item];
    return change['$patch'] === 'delete' ? [] : [patched(item, change) as Json];
  });
}
