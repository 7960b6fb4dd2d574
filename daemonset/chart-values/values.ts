import { readFileSync } from 'node:fs';
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** One value of the chart as values.yaml shows it. */
export interface ChartValue {
  /** From the top, e.g. `controller.replicas`. */
  readonly path: string;
  readonly default: unknown;
  /** The comment above it, as one line. */
  readonly comment: string;
}

/** Maps whose keys are the chart's own; what is inside all others is Kubernetes' or the user's. */
const SECTIONS: readonly string[] = [
  'image',
  'podMonitor',
  'prometheusRule',
  'dashboard',
  'networkPolicy',
  'controller',
];

/** All values in the order of values.yaml, the sections before what is in them. @throws {Error} for YAML that cannot be read */
export function chartValues(): readonly ChartValue[] {
  const document = parseDocument(readFileSync(new URL('../chart/values.yaml', import.meta.url), 'utf8'));
  const [fault] = document.errors;
  if (fault !== undefined) throw fault;
  if (!isMap(document.contents)) throw new Error('values.yaml is not a map');
  return valuesIn(document.contents, '', document.commentBefore ?? '');
}

function valuesIn(map: YAMLMap, prefix: string, firstComment: string): readonly ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const path = `${prefix}${keyOf(pair)}`;
    // The parser gives the comment above the first key to the map or to the document.
    const above = commentAbove(pair) || (index === 0 ? map.commentBefore || firstComment : '');
    const value = pair.value as YAMLMap | undefined;
    const own = { path, default: value?.toJSON() as unknown, comment: lastParagraph(above) };
    return SECTIONS.includes(path) && isMap(value) ? [own, ...valuesIn(value, `${path}.`, '')] : [own];
  });
}

function keyOf({ key }: Pair): string {
  if (!isScalar(key)) throw new Error('a key of values.yaml is not a text');
  return String(key.value);
}

function commentAbove({ key }: Pair): string {
  return (isScalar(key) ? key.commentBefore : undefined) ?? '';
}

/** Headings of parts stand in a paragraph of their own. */
function lastParagraph(comment: string): string {
  const paragraph = comment.split(/\n\s*\n/).at(-1) ?? '';
  return paragraph
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('---'))
    .join(' ')
    .trim();
}
