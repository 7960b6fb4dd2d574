import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generatedFiles } from '../../../daemonset/generated-files.ts';
import { ALERTS } from '../../../daemonset/monitoring/alerts.ts';
import { dashboardExpressions } from '../../../daemonset/monitoring/dashboard.ts';
import { CATALOGUE, type MetricDefinition } from '../../../lib/telemetry/catalogue.ts';
import { contentOf } from '../architecture/source-tree.ts';

const NAMES = Object.values(CATALOGUE).map(({ name }) => name);
const DEFINITIONS: readonly MetricDefinition[] = Object.values(CATALOGUE);

/** Metrics of ours that an expression names; the endings of histograms are taken off. */
function metricsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\beni_agent_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, ''));
}

describe('what is made from tables', () => {
  it.each(Object.entries(generatedFiles()))('%s is up to date; npm run monitoring rewrites it', (path, content) => {
    expect(contentOf(path)).toBe(content);
  });

  it('shows every metric of the catalogue on the dashboard, and no other', () => {
    const shown = dashboardExpressions().flatMap((expression) =>
      NAMES.filter((name) => new RegExp(`\\b${name}(?:_bucket)?\\{`).test(expression)),
    );

    expect(new Set(shown)).toEqual(new Set(NAMES));
    expect(
      dashboardExpressions()
        .flatMap(metricsIn)
        .filter((name) => !(NAMES as readonly string[]).includes(name)),
    ).toEqual([]);
  });

  it('puts no two panels of the dashboard on one place', () => {
    const { panels } = JSON.parse(contentOf('daemonset/chart/files/dashboard.json')) as {
      panels: { id: number; gridPos: { x: number; y: number } }[];
    };
    const places = panels.map(({ gridPos: { x, y } }) => `${x}/${y}`);

    expect(new Set(places).size).toBe(panels.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe('each alert', () => {
  it('asks for metrics and labels that exist', () => {
    const unknown = ALERTS.flatMap(({ name, expr }) => [
      ...metricsIn(expr)
        .filter((metric) => !(NAMES as readonly string[]).includes(metric))
        .map((metric) => `${name}: ${metric}`),
      ...[...expr.matchAll(/(eni_agent_\w+)\{(\w+)=/g)].flatMap(([, metric, label = '']) =>
        DEFINITIONS.some((one) => one.name === metric && one.labels.includes(label)) ? [] : [`${name}: ${label}`],
      ),
    ]);

    expect(unknown).toEqual([]);
  });

  it('has a paragraph with its severity in docs/alerts.md, and no paragraph is without an alert', () => {
    const paragraphs = [...contentOf('docs/alerts.md').matchAll(/^### (\w+)\n\n\*(\w+)\.\* \S.{40,}/gm)];

    expect(paragraphs.map(([, name, severity]) => [name, severity])).toEqual(
      ALERTS.map(({ name, severity }) => [name, severity]),
    );
  });

  it('links to its paragraph', () => {
    const { groups } = parse(contentOf('daemonset/chart/files/rules.yaml')) as {
      groups: { rules: { alert: string; annotations: { runbook_url: string } }[] }[];
    };
    const links = groups.flatMap(({ rules }) => rules.map(({ annotations }) => annotations.runbook_url));

    expect(links).toEqual(ALERTS.map(({ name }) => `docs/alerts.md#${name.toLowerCase()}`));
  });
});
