import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics, RateLimitLevels, SlotUse } from '../runtime/metrics.ts';
import type { MetricDefinition } from './catalogue.ts';
import { CATALOGUE } from './catalogue.ts';

export interface PrometheusOptions {
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly build: { readonly version: string; readonly nodeVersion: string; readonly command: string };
  /** Readings of the process, taken at each scrape and never between. */
  readonly process: ProcessReadings;
}

export interface ProcessReadings {
  readonly memoryUsage: () => { readonly rss: number; readonly heapUsed: number };
  /** µs since the start, as `process.cpuUsage()` says them. */
  readonly cpuUsage: () => { readonly user: number; readonly system: number };
  /** Seconds since the start. */
  readonly uptime: () => number;
}

export interface PrometheusMetrics extends Metrics {
  /** The page for a scraper. */
  readonly render: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/**
 * Metrics in a registry of their own. Nothing runs between scrapes: no timers, no event loop probes. Series of the process and
 * of staleness are computed when asked for.
 */
export function prometheusMetrics({ now, build, process: readings }: PrometheusOptions): PrometheusMetrics {
  const registry = new Registry();
  const instruments = instrumentsIn(registry);
  const aliveAt = new Map<string, number>();
  const factsAt = new Map<string, number>();
  let readLimit: (() => RateLimitLevels) | undefined;
  instruments.buildInfo.set({ version: build.version, node_version: build.nodeVersion, command: build.command }, 1);
  instruments.startTime.set(Math.round(now() / 1000 - readings.uptime()));

  const refresh = () => {
    const ageOf = (at: number) => Math.max(0, now() - at) / 1000;
    for (const [resource, at] of aliveAt) instruments.staleness.set({ resource }, ageOf(at));
    for (const [facts, at] of factsAt) instruments.ec2FactsAge.set({ facts }, ageOf(at));
    if (readLimit !== undefined) setLimit(instruments, readLimit());
    refreshProcess(instruments, readings);
  };

  return {
    assigned: (kind, seconds) => instruments.assignSeconds.observe({ kind }, seconds),
    changed: (change) => instruments.changes.inc({ change }),
    tookOver: countTakeovers(instruments),
    claims: levels(instruments.claims),
    refusals: levels(instruments.refusals),
    pending: (count) => instruments.pending.set(count),
    elasticIps: elasticIpLevels(instruments),
    ledger: levels(instruments.ledger),
    stateFaults: levels(instruments.stateFaults),
    slots: (enis) => setSlots(instruments, enis),
    routeChanged: (change) => instruments.routeChanges.inc({ change }),
    routed: (seconds) => instruments.routeSeconds.observe(seconds),
    routes: levels(instruments.routes),
    ec2Facts: (facts) => void factsAt.set(facts, now()),
    ec2Limit: (read) => {
      readLimit = read;
    },
    watchAlive: (resource) => void aliveAt.set(resource, now()),
    watchRestarted: (resource, cause) => instruments.watchRestarts.inc({ resource, cause }),
    eventDropped: (cause) => instruments.eventsDropped.inc({ cause }),
    leaseHeld: (lease, held) => instruments.leaseHeld.set({ lease }, held ? 1 : 0),
    orphans: (count) => instruments.orphans.set(count),
    nodeEnis: levels(instruments.nodeEnis),
    ...composed(instruments),
    render: async () => {
      refresh();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

/** Readings that set more than one series. */
function composed(
  instruments: Instruments,
): Pick<Metrics, 'ec2Call' | 'floatingIpFailover' | 'elasticIpQuota' | 'reconcilesFailed'> {
  return {
    ec2Call: (action, seconds, code) => {
      instruments.ec2Calls.inc({ action });
      instruments.ec2Seconds.observe({ action }, seconds);
      if (code !== undefined) instruments.ec2Errors.inc({ action, code });
    },
    floatingIpFailover: (name, seconds) => {
      instruments.floatingIpFailovers.inc({ floating_ip: name });
      instruments.floatingIpFailoverSeconds.observe(seconds);
    },
    elasticIpQuota: (used, allowed) => {
      instruments.elasticIpsUsed.set(used);
      instruments.elasticIpsAllowed.set(allowed ?? 0);
    },
    reconcilesFailed: (loop, inARow) => {
      instruments.reconcilesFailed.set({ loop }, inARow);
      if (inARow > 0) instruments.reconcileFailures.inc({ loop });
    },
  };
}

type Instruments = ReturnType<typeof instrumentsIn>;

function instrumentsIn(registry: Registry) {
  const registers = [registry];
  const plain = <L extends string>({ name, help, labels }: MetricDefinition<L>) => ({
    name,
    help,
    labelNames: labels,
    registers,
  });
  const counter = <L extends string>(definition: MetricDefinition<L>) => new Counter<L>(plain(definition));
  const gauge = <L extends string>(definition: MetricDefinition<L>) => new Gauge<L>(plain(definition));
  const histogram = <L extends string>(definition: MetricDefinition<L>) =>
    new Histogram<L>({ ...plain(definition), buckets: [...(definition.buckets ?? [])] });
  return {
    assignSeconds: histogram(CATALOGUE.assignSeconds),
    changes: counter(CATALOGUE.changes),
    takeovers: counter(CATALOGUE.takeovers),
    claims: gauge(CATALOGUE.claims),
    refusals: gauge(CATALOGUE.refusals),
    pending: gauge(CATALOGUE.pending),
    elasticIpClaims: gauge(CATALOGUE.elasticIpClaims),
    elasticIpsBound: gauge(CATALOGUE.elasticIpsBound),
    elasticIpRefusals: gauge(CATALOGUE.elasticIpRefusals),
    ledger: gauge(CATALOGUE.ledger),
    stateFaults: gauge(CATALOGUE.stateFaults),
    slotsUsed: gauge(CATALOGUE.slotsUsed),
    slotsLimit: gauge(CATALOGUE.slotsLimit),
    routeSeconds: histogram(CATALOGUE.routeSeconds),
    routeChanges: counter(CATALOGUE.routeChanges),
    routes: gauge(CATALOGUE.routes),
    ec2Calls: counter(CATALOGUE.ec2Calls),
    ec2Errors: counter(CATALOGUE.ec2Errors),
    ec2Seconds: histogram(CATALOGUE.ec2Seconds),
    ec2FactsAge: gauge(CATALOGUE.ec2FactsAge),
    ec2Tokens: gauge(CATALOGUE.ec2Tokens),
    ec2Waiting: gauge(CATALOGUE.ec2Waiting),
    staleness: gauge(CATALOGUE.staleness),
    watchRestarts: counter(CATALOGUE.watchRestarts),
    eventsDropped: counter(CATALOGUE.eventsDropped),
    leaseHeld: gauge(CATALOGUE.leaseHeld),
    floatingIpFailovers: counter(CATALOGUE.floatingIpFailovers),
    floatingIpFailoverSeconds: histogram(CATALOGUE.floatingIpFailoverSeconds),
    elasticIpsUsed: gauge(CATALOGUE.elasticIpsUsed),
    elasticIpsAllowed: gauge(CATALOGUE.elasticIpsAllowed),
    orphans: gauge(CATALOGUE.orphans),
    nodeEnis: gauge(CATALOGUE.nodeEnis),
    reconcilesFailed: gauge(CATALOGUE.reconcilesFailed),
    reconcileFailures: counter(CATALOGUE.reconcileFailures),
    buildInfo: gauge(CATALOGUE.buildInfo),
    residentMemory: gauge(CATALOGUE.residentMemory),
    heapUsed: gauge(CATALOGUE.heapUsed),
    cpuSeconds: counter(CATALOGUE.cpuSeconds),
    startTime: gauge(CATALOGUE.startTime),
  } satisfies Record<keyof typeof CATALOGUE, unknown>;
}

/** Sets a gauge of one label per value of it. Values seen before and left out now fall to 0: a series that vanishes would hide the change. */
function levels<L extends string>(gauge: Gauge<L>): (counts: Readonly<Record<string, number>>) => void {
  const seen = new Set<string>();
  return (counts) => {
    for (const value of Object.keys(counts)) seen.add(value);
    for (const value of seen) gauge.labels(value).set(Object.hasOwn(counts, value) ? (counts[value] ?? 0) : 0);
  };
}

/** More ENIs than this in the life of a process share one series. */
const MAX_LOSERS = 200;

function countTakeovers({ takeovers }: Instruments): Metrics['tookOver'] {
  const losers = new Set<string>();
  return (cause, from = 'unknown') => {
    if (losers.size < MAX_LOSERS) losers.add(from);
    takeovers.inc({ cause, from: losers.has(from) ? from : 'other' });
  };
}

function elasticIpLevels({ elasticIpClaims, elasticIpsBound, elasticIpRefusals }: Instruments): Metrics['elasticIps'] {
  const [claims, refusals] = [levels(elasticIpClaims), levels(elasticIpRefusals)];
  return ({ byDialect, bound, refusedByReason }) => {
    claims(byDialect);
    elasticIpsBound.set(bound);
    refusals(refusedByReason);
  };
}

/** An ENI that left the node takes its series along; a limit that is not known has none. */
function setSlots({ slotsUsed, slotsLimit }: Instruments, enis: readonly SlotUse[]): void {
  slotsUsed.reset();
  slotsLimit.reset();
  for (const { eni, family, used, limit } of enis) {
    slotsUsed.set({ eni, family: `ipv${family}` }, used);
    if (limit !== undefined) slotsLimit.set({ eni, family: `ipv${family}` }, limit);
  }
}

function setLimit({ ec2Tokens, ec2Waiting }: Instruments, { tokens, waiting }: RateLimitLevels): void {
  ec2Tokens.set(tokens);
  ec2Waiting.set(waiting);
}

function refreshProcess(instruments: Instruments, readings: ProcessReadings): void {
  const { rss, heapUsed } = readings.memoryUsage();
  const { user, system } = readings.cpuUsage();
  instruments.residentMemory.set(rss);
  instruments.heapUsed.set(heapUsed);
  instruments.cpuSeconds.reset();
  instruments.cpuSeconds.inc((user + system) / 1_000_000);
}
