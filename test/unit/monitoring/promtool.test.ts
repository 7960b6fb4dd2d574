import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ALERTS } from '../../../daemonset/monitoring/alerts.ts';
import { dashboardExpressions } from '../../../daemonset/monitoring/dashboard.ts';
import { prometheusMetrics } from '../../../lib/telemetry/prometheus.ts';
import { REPOSITORY } from '../architecture/source-tree.ts';
import { ALERT_EXAMPLES } from './alert-examples.ts';

const RULES = join(REPOSITORY, 'daemonset/chart/files/rules.yaml');
const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
afterAll(() => rmSync(folder, { recursive: true }));

const possible = spawnSync('promtool', ['--version']).error === undefined;
if (!possible)
  process.stdout.write("promtool tests skipped: promtool is not here (Debian's package prometheus has it)\n");

/** What promtool says. @throws {Error} with it, when it finds a fault */
function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

function inFile(name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, stringify(content));
  return path;
}

/** One of promtool's own tests: these series, and whether the alert is on. */
function ruleTest(alert: string, which: 'fires' | 'quiet'): object {
  const example = ALERT_EXAMPLES[alert];
  if (example === undefined) throw new Error(`${alert} has no example`);
  return {
    interval: '1m',
    input_series: Object.entries(example[which]).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        // Labels of alerts are those of their series; that it fires is what counts here.
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: example.at,
        exp_samples: which === 'fires' ? [{ labels: '{}', value: 1 }] : [],
      },
    ],
  };
}

describe('the examples of the alerts', () => {
  it('are there for each alert and for nothing else', () => {
    expect(Object.keys(ALERT_EXAMPLES)).toEqual(ALERTS.map(({ name }) => name));
  });
});

describe.skipIf(!possible)('promtool', { timeout: 30_000 }, () => {
  it('understands every rule', () => {
    expect(promtool(['check', 'rules', RULES])).toContain(`${ALERTS.length} rules found`);
  });

  it.each(ALERTS.map(({ name }) => name))('sees %s fire when it should, and only then', (name) => {
    const tests = [ruleTest(name, 'fires'), ruleTest(name, 'quiet')];
    const file = inFile(`${name}.yaml`, { rule_files: [RULES], evaluation_interval: '1m', tests });

    expect(promtool(['test', 'rules', file])).toContain('SUCCESS');
  });

  it('understands every expression of the dashboard', () => {
    const rules = dashboardExpressions().map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = inFile('panels.yaml', { groups: [{ name: 'panels', rules }] });

    expect(promtool(['check', 'rules', file])).toContain(`${rules.length} rules found`);
  });

  it('finds nothing to say against what /metrics answers', async () => {
    const metrics = prometheusMetrics({
      now: () => 0,
      build: { version: '1.2.3', nodeVersion: 'v22.0.0', command: 'node' },
      process: {
        memoryUsage: () => ({ rss: 1, heapUsed: 1 }),
        cpuUsage: () => ({ user: 1, system: 1 }),
        uptime: () => 1,
      },
    });
    metrics.assigned('ipam', 0.01);
    metrics.ec2Call('AssignPrivateIpAddresses', 0.05, 'RequestLimitExceeded');
    metrics.floatingIpFailover('web', 0.2);
    const { body } = await metrics.render();

    expect(promtool(['check', 'metrics'], body)).toBe('');
  });
});
