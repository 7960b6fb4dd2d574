import { stringify } from 'yaml';
import { ALERTS } from './alerts.ts';
import { renderDashboard } from './dashboard.ts';

/** From the top of the repository; the chart puts `prometheusRule.runbookBase` before it. */
const RUNBOOKS = 'docs/alerts.md';
const NOTE = '# Made from daemonset/monitoring/alerts.ts by `npm run monitoring`; change it there.\n';
const LABELS = { 'app.kubernetes.io/name': 'eni-agent' };

/** Files that are made from the tables, by their path from the top of the repository. */
export function monitoringFiles(): Readonly<Record<string, string>> {
  const groups = ruleGroups();
  return {
    'daemonset/components/monitoring/prometheus-rule.yaml': `${NOTE}${yaml(prometheusRule(groups))}`,
    'daemonset/components/monitoring/dashboard.json': renderDashboard(),
    'daemonset/chart/files/rules.yaml': `${NOTE}${yaml({ groups })}`,
    'daemonset/chart/files/dashboard.json': renderDashboard(),
  };
}

function prometheusRule(groups: readonly object[]): object {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'eni-agent', namespace: 'eni-agent-system', labels: LABELS },
    spec: { groups },
  };
}

function ruleGroups(): readonly object[] {
  const rules = ALERTS.map(({ name, severity, expr, for: lasting, summary }) => ({
    alert: name,
    expr,
    for: lasting,
    labels: { severity },
    annotations: { summary, runbook_url: `${RUNBOOKS}#${name.toLowerCase()}` },
  }));
  return [{ name: 'eni-agent', rules }];
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
