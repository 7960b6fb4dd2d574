import { describe, expect, it } from 'vitest';
import type { MetricDefinition } from '../../../lib/telemetry/catalogue.ts';
import { CATALOGUE, renderMetricsDocument } from '../../../lib/telemetry/catalogue.ts';
import { prometheusMetrics } from '../../../lib/telemetry/prometheus.ts';

function instance() {
  const clock = { now: 1_000_000 };
  const metrics = prometheusMetrics({
    now: () => clock.now,
    build: { version: '1.2.3', nodeVersion: 'v22.0.0', command: 'node' },
    process: {
      memoryUsage: () => ({ rss: 50_000_000, heapUsed: 9_000_000 }),
      cpuUsage: () => ({ user: 1_500_000, system: 500_000 }),
      uptime: () => 100,
    },
  });
  const series = async () =>
    (await metrics.render()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { clock, metrics, series };
}

const DEFINITIONS: readonly MetricDefinition[] = Object.values(CATALOGUE);

describe('the catalogue', () => {
  it('docs/metrics.md is up to date', async () => {
    await expect(renderMetricsDocument()).toMatchFileSnapshot('../../../docs/metrics.md');
  });

  it('follows the naming rules of Prometheus: counters end in _total, durations in seconds, names are unique', () => {
    const names = DEFINITIONS.map(({ name }) => name);

    expect(names).toEqual([...new Set(names)]);
    expect(DEFINITIONS.filter(({ type, name }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
    expect(DEFINITIONS.filter(({ type, name }) => type === 'histogram' && !name.endsWith('_seconds'))).toEqual([]);
  });
});

describe('prometheusMetrics', () => {
  it('shows every metric of the catalogue with its HELP text', async () => {
    const { metrics } = instance();
    const { body, contentType } = await metrics.render();
    const missing = DEFINITIONS.filter(({ name, help }) => !body.includes(`# HELP ${name} ${help}`));

    expect(missing).toEqual([]);
    expect(contentType).toContain('text/plain');
  });

  it('counts calls and errors of EC2 apart', async () => {
    const { metrics, series } = instance();

    metrics.ec2Call('AssignPrivateIpAddresses', 0.05);
    metrics.ec2Call('AssignPrivateIpAddresses', 0.06, 'RequestLimitExceeded');

    expect(await series()).toEqual(
      expect.arrayContaining([
        'eni_agent_ec2_calls_total{action="AssignPrivateIpAddresses"} 2',
        'eni_agent_ec2_errors_total{action="AssignPrivateIpAddresses",code="RequestLimitExceeded"} 1',
        'eni_agent_ec2_call_seconds_count{action="AssignPrivateIpAddresses"} 2',
      ]),
    );
  });

  it('tells 14 ms from 20 ms in the latency of an address', async () => {
    const { metrics, series } = instance();

    metrics.assigned('ipam', 0.014);
    metrics.assigned('ipam', 0.02);

    expect(await series()).toEqual(
      expect.arrayContaining([
        'eni_agent_address_assign_seconds_bucket{le="0.016",kind="ipam"} 1',
        'eni_agent_address_assign_seconds_bucket{le="0.025",kind="ipam"} 2',
      ]),
    );
  });

  it('counts takeovers by the ENI that lost the address, up to a number of ENIs', async () => {
    const { metrics, series } = instance();

    metrics.tookOver('floating', undefined);
    for (let eni = 0; eni < 300; eni += 1) metrics.tookOver('ipam', `eni-${eni}`);
    metrics.tookOver('ipam', 'eni-7');

    const lines = (await series()).filter((line) => line.startsWith('eni_agent_takeovers_total'));
    expect(lines).toHaveLength(201);
    expect(lines).toContain('eni_agent_takeovers_total{cause="floating",from="unknown"} 1');
    expect(lines).toContain('eni_agent_takeovers_total{cause="ipam",from="eni-7"} 2');
    expect(lines).toContain('eni_agent_takeovers_total{cause="ipam",from="other"} 101');
  });

  it('lets a refusal that ended fall to 0 instead of vanishing', async () => {
    const { metrics, series } = instance();

    metrics.refusals({ HeldElsewhere: 2, Throttled: 1 });
    metrics.refusals({ Throttled: 3 });

    expect((await series()).filter((line) => line.startsWith('eni_agent_refusals'))).toEqual([
      'eni_agent_refusals{reason="HeldElsewhere"} 0',
      'eni_agent_refusals{reason="Throttled"} 3',
    ]);
  });

  it('forgets an ENI that left, and claims no limit that it does not know', async () => {
    const { metrics, series } = instance();

    metrics.slots([{ eni: 'eni-1', family: 4, used: 3, limit: 10 }]);
    metrics.slots([{ eni: 'eni-2', family: 6, used: 1, limit: undefined }]);

    expect((await series()).filter((line) => line.startsWith('eni_agent_eni_slots'))).toEqual([
      'eni_agent_eni_slots_used{eni="eni-2",family="ipv6"} 1',
    ]);
  });

  it('computes staleness when scraped', async () => {
    const { clock, metrics, series } = instance();

    metrics.watchAlive('pods');
    clock.now += 42_000;

    expect(await series()).toContain('eni_agent_kube_staleness_seconds{resource="pods"} 42');
  });

  it('computes the age of facts and what the rate limit leaves when scraped', async () => {
    const { clock, metrics, series } = instance();
    const limit = { tokens: 64, waiting: 0 };

    metrics.ec2Facts('enis');
    metrics.ec2Limit(() => limit);
    clock.now += 90_000;
    Object.assign(limit, { tokens: 0, waiting: 7 });

    expect(await series()).toEqual(
      expect.arrayContaining([
        'eni_agent_ec2_facts_age_seconds{facts="enis"} 90',
        'eni_agent_ec2_tokens 0',
        'eni_agent_ec2_calls_waiting 7',
      ]),
    );
  });

  it('counts a failed reconcile forever, and how many failed in a row until one does not', async () => {
    const { metrics, series } = instance();

    for (const inARow of [1, 2, 0]) metrics.reconcilesFailed('addresses', inARow);

    expect(await series()).toEqual(
      expect.arrayContaining([
        'eni_agent_reconciles_failed{loop="addresses"} 0',
        'eni_agent_reconcile_failures_total{loop="addresses"} 2',
      ]),
    );
  });

  it('reads the process when scraped, and counts its CPU once', async () => {
    const { series } = instance();
    await series();

    expect(await series()).toEqual(
      expect.arrayContaining([
        'process_resident_memory_bytes 50000000',
        'process_cpu_seconds_total 2',
        'process_start_time_seconds 900',
        'eni_agent_build_info{version="1.2.3",node_version="v22.0.0",command="node"} 1',
      ]),
    );
  });
});
